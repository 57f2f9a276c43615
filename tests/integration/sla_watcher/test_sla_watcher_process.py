"""The sla-watcher as a pod runs it: clocks that survive its death, and what an operator sees of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runtime.settings import KafkaSettings, Settings
from schemas.base import Event
from schemas.codec import Received
from schemas.sla import ClockBreached, ClockEvent, ClockMet, ClockStarted, ClockWarned
from schemas.topics import SLA
from tests.integration.service_process import serving
from tests.integration.topic_log import TopicLog, topic_log
from tests.unit.sla_watcher.scene import POLICY_TEXT, opened, prioritised, replied

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

FIRST_RESPONSE = timedelta(seconds=4)
"""What P1 promises here; the resolution of P1 and all other targets are hours away."""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    hours = POLICY_TEXT
    for seconds in (60, 40, 120, 100, 400, 200, 800, 1000):
        hours = hours.replace(f" {seconds}s", f" {seconds}h")
    file = tmp_path / "policy.yaml"
    file.write_text(hours.replace(" 20s", f" {FIRST_RESPONSE.total_seconds():g}s"), encoding="utf-8")
    return file


def moved(event: Event, to: datetime) -> Event:
    """The event, at another instant."""
    return event.model_copy(update={"at": to})


def about(case: str, kind: type[ClockEvent]) -> Callable[[list[Received]], bool]:
    """Whether such an event of the case is among those received."""
    return lambda found: any(isinstance(r.event, kind) and r.event.case_id == case for r in found)


async def said(log: TopicLog, case: str, until: type[ClockEvent]) -> list[ClockEvent]:
    """All that was said of the case's first response, once `until` is among it."""
    found = await log.read_until(SLA, about(case, until))
    events = [r.event for r in found if isinstance(r.event, ClockEvent)]
    return [event for event in events if event.case_id == case and event.clock == "first_response"]


async def test_breach_comes_once_after_kill(installation: Settings, kafka: KafkaSettings, policy: Path) -> None:
    """A watcher killed between start and breach tells the breach once, with its true instant."""
    begin = datetime.now(UTC)
    due = begin + FIRST_RESPONSE
    async with topic_log(installation, kafka) as log:
        async with serving("sla-watcher", installation, kafka, policy) as watcher:
            await watcher.until_ready()
            begin = datetime.now(UTC)
            due = begin + FIRST_RESPONSE
            await log.publish(moved(opened(0, "c1"), begin), moved(prioritised(0, "P1", "c1"), begin))
            [started] = await said(log, "c1", ClockStarted)
            await watcher.kill()
        assert (started.started_at, started.due_at) == (begin, due)
        async with serving("sla-watcher", installation, kafka, policy) as watcher:
            await said(log, "c1", ClockBreached)
            # An end mark: when it is there, so is everything that was to be said before.
            await log.publish(moved(replied(0, "c1"), due + timedelta(seconds=1)))
            first_response = await said(log, "c1", ClockMet)
            labels = '{clock="first_response",desk="acme",outcome="breached"}'
            assert await watcher.metric(f"switchboard_sla_clocks_total{labels}") == 1.0
            assert await watcher.metric("switchboard_sla_lateness_seconds_count") == 1.0
            assert await watcher.stop() == 0
    breaches = [event for event in first_response if isinstance(event, ClockBreached)]
    assert [(breach.due_at, breach.priority) for breach in breaches] == [(due, "P1")]
    assert breaches[0].at >= due
    assert first_response[-1] == ClockMet(
        desk="acme",
        at=first_response[-1].at,
        case_id="c1",
        reference="AC-7K3Q9XM",
        clock="first_response",
        elapsed_seconds=5.0,
        late=True,
    )


async def test_reply_while_away(installation: Settings, kafka: KafkaSettings, policy: Path) -> None:
    """A reply that was given in time while no watcher was there is no breach."""
    async with topic_log(installation, kafka) as log:
        async with serving("sla-watcher", installation, kafka, policy) as watcher:
            await watcher.until_ready()
            begin = datetime.now(UTC)
            await log.publish(moved(opened(0, "c1"), begin), moved(prioritised(0, "P1", "c1"), begin))
            await said(log, "c1", ClockStarted)
            assert await watcher.stop() == 0
        await log.publish(moved(replied(0, "c1"), begin + timedelta(seconds=2)))
        await asyncio.sleep(FIRST_RESPONSE.total_seconds())  # the instant passes, and nobody is there
        async with serving("sla-watcher", installation, kafka, policy):
            first_response = await said(log, "c1", ClockMet)
    kinds = [type(event) for event in first_response if not isinstance(event, ClockWarned)]
    assert kinds == [ClockStarted, ClockMet]
    assert first_response[-1].elapsed_seconds == 2.0
    assert not first_response[-1].late


async def test_endpoints(installation: Settings, kafka: KafkaSettings, policy: Path) -> None:
    """Probes answer, series are there at zero, AsyncAPI names the topics, and logs hold no customer."""
    async with serving("sla-watcher", installation, kafka, policy) as watcher:
        await watcher.until_ready()
        for probe in ("/livez", "/readyz", "/startupz"):
            assert (await watcher.http.get(probe)).text == "ok\n"
        for clock in ("first_response", "resolution"):
            for outcome in ("started", "warned", "breached", "met", "cancelled"):
                labels = f'{{clock="{clock}",desk="acme",outcome="{outcome}"}}'
                assert await watcher.metric(f"switchboard_sla_clocks_total{labels}") == 0.0
        document = (await watcher.http.get("/asyncapi")).json()
        addresses = {channel["address"] for channel in document["channels"].values()}
        assert addresses == {installation.topics().prefix + name for name in ("cases", "sla")}
        assert await watcher.stop() == 0
    assert all("event" in line and line.get("service") == "sla-watcher" for line in watcher.log)


async def test_bad_policy(installation: Settings, kafka: KafkaSettings, tmp_path: Path) -> None:
    """A bad policy is refused with its line, and the process exits with 2."""
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY_TEXT.replace("warn_at: 0.75", "warn_at: 75"), encoding="utf-8")
    with pytest.raises(
        AssertionError, match=r"policy\.yaml:16: desks\.acme\.sla\.warn_at: Input should be less than 1"
    ):
        async with serving("sla-watcher", installation, kafka, file):
            pass
