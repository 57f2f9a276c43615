"""The router as a pod runs it."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from schemas.agents import AgentUpserted
from schemas.assignments import Assigned, CommandRejected, OfferMade
from schemas.cases import CaseOpened, CaseResolved
from schemas.commands import AcceptOffer, ResolveCase
from schemas.topics import ASSIGNMENTS, CASES
from tests.integration.service_process import serving
from tests.integration.topic_log import topic_log
from tests.unit.router.scenario import NINE, POLICY, agent, message, presence

pytestmark = pytest.mark.kafka


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY.replace("lease: 30s", "lease: 10m").replace("expire: 20s", "expire: 10m"))
    return path


async def test_message_becomes_a_case_is_offered_accepted_and_resolved(installation, kafka, policy_file) -> None:
    """One case all the way, through the public topics alone; figures and AsyncAPI tell of it."""
    async with serving("router", installation, kafka, policy_file) as router, topic_log(installation, kafka) as log:
        await router.until_ready()
        await _roster(router, log, [agent()])
        await log.publish(message("m1", "My printer"))
        (offer,) = [
            e.event
            for e in await log.read_until(ASSIGNMENTS, lambda found: any(isinstance(e.event, OfferMade) for e in found))
        ]
        await log.publish(
            AcceptOffer(desk="acme", at=NINE, agent_id="thandi", offer_id=offer.offer_id, case_id=offer.case_id)
        )
        await log.read_until(ASSIGNMENTS, lambda found: any(isinstance(e.event, Assigned) for e in found))
        await log.publish(ResolveCase(desk="acme", at=NINE, agent_id="thandi", case_id=offer.case_id))
        cases = await log.read_until(CASES, lambda found: any(isinstance(e.event, CaseResolved) for e in found))

        assert [e.event.kind for e in cases] == [
            "case_opened",
            "case_prioritised",
            "case_queued",
            "case_assigned",
            "case_resolved",
        ]
        assert len({e.id for e in cases}) == len(cases)
        assert {e.source for e in cases} == {"/switchboard/router"}
        assert all(e.traceparent for e in cases)
        assert await router.metric('switchboard_cases_assigned_total{channel="email",desk="acme",priority="P4"}') == 1
        assert await router.metric('switchboard_case_wait_seconds_count{desk="acme",priority="P4"}') == 1
        assert "switchboard" in (await router.http.get("/asyncapi")).json()["info"]["title"].lower()
        assert await router.stop() == 0


async def test_killed_router_loses_and_doubles_nothing(installation, kafka, policy_file) -> None:
    """Kill -9 in the middle of three hundred messages, twice: each is in one case, each case is one agent's."""
    agents: list[AgentUpserted] = [agent(f"a{n}", email=40) for n in range(10)]
    messages = [message(f"m{n}", "Hello", f"email:c{n}@example.com") for n in range(300)]
    async with topic_log(installation, kafka) as log:
        for part in range(3):
            async with serving("router", installation, kafka, policy_file) as router:
                await router.until_ready()
                if part == 0:
                    await _roster(router, log, agents)
                publishing = asyncio.create_task(log.publish(*messages[part * 100 : part * 100 + 100]))
                await log.read_until(CASES, lambda found, least=part * 100 + 10: _opened(found) > least)
                if part < 2:
                    await router.kill()
                    await publishing
                else:
                    await publishing
                    await log.read_until(ASSIGNMENTS, lambda found: _count(found, OfferMade) >= 300)
                    await router.stop()
        cases = await log.read_until(CASES, lambda found: _opened(found) >= 300)
        offers = await log.read_until(ASSIGNMENTS, lambda found: _count(found, OfferMade) >= 300)

    told = Counter(e.event.message_id for e in cases if isinstance(e.event, CaseOpened))
    assert told == Counter(m.message_id for m in messages)
    assert set(Counter(e.event.case_id for e in offers if isinstance(e.event, OfferMade)).values()) == {1}
    assert len({e.id for e in cases}) == len(cases)


async def test_command_that_cannot_be_carried_out_is_answered(installation, kafka, policy_file) -> None:
    """Whoever accepts what is not there hears of it, by the id of the command."""
    async with serving("router", installation, kafka, policy_file) as router, topic_log(installation, kafka) as log:
        await router.until_ready()
        await _roster(router, log, [agent()])
        await log.publish(
            AcceptOffer(desk="acme", at=NINE, agent_id="thandi", offer_id="gone", case_id="gone"), event_id="command-1"
        )
        found = await log.read_until(ASSIGNMENTS, bool)

    (rejected,) = [e.event for e in found]
    assert isinstance(rejected, CommandRejected)
    assert (rejected.command_id, rejected.command, rejected.reason) == ("command-1", "accept_offer", "unknown_case")


async def test_bad_policy_is_refused_with_its_line(installation, kafka, tmp_path) -> None:
    """A router given a bad policy does not start, and says where it is bad."""
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY.replace("region: ZA", "region: South Africa"))

    with pytest.raises(AssertionError, match=r"policy.yaml:7: desks\.acme\.region"):
        async with serving("router", installation, kafka, path):
            pass


async def _roster(router, log, agents) -> None:
    """Publish the roster, and have everybody there. Presence before the roster would be a stranger's."""
    await log.publish(*agents)
    await router.until_metric('switchboard_agents{desk="acme",state="offline"}', len(agents))
    await log.publish(*(presence(a.agent_id) for a in agents))
    await router.until_metric('switchboard_agents{desk="acme",state="available"}', len(agents))


def _opened(found) -> int:
    return _count(found, CaseOpened)


def _count(found, kind) -> int:
    return sum(isinstance(e.event, kind) for e in found)
