"""Simulated agents on a real Kafka: they hear `assignments` and speak on `commands`."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Self

import pytest

from local.desktops import Desktops, Habits
from local.roster import Entry
from runtime import kafka as clients
from runtime.clock import utc_now
from runtime.settings import KafkaSettings, Settings
from schemas import codec
from schemas.assignments import Assigned, OfferMade, Unassigned
from schemas.base import Decision, Event
from schemas.topics import COMMANDS

pytestmark = pytest.mark.kafka

GUARD_SECONDS = 60.0
ANNA = Entry(id="anna", name="Anna", languages={"ru": 5}, skills={}, capacity={"chat": 2})
QUICK: dict[str, Any] = {
    "accept_seconds": (0, 0.01),
    "reply_seconds": (0, 0.01),
    "settle_seconds": (0, 0.01),
    "patience_seconds": (0, 0.01),
    "vanish": 0,
    "overlook": 0,
}
SURE = Habits(**QUICK, decline=0, ask=0)
DECISION = Decision(policy_version="1", reasons=())


def about() -> dict[str, Any]:
    return {"desk": "acme", "at": utc_now(), "agent_id": "anna", "case_id": "c1", "offer_id": "o1"}


def offered() -> OfferMade:
    return OfferMade(
        **about(),
        reference="AC-7K3Q9XM",
        channel="chat",
        priority="P2",
        language="ru",
        excerpt="",
        needs=(),
        expires_at=utc_now() + timedelta(minutes=1),
        decision=DECISION,
    )


def assigned() -> Assigned:
    return Assigned(
        **about(),
        reference="AC-7K3Q9XM",
        channel="chat",
        priority="P2",
        language="ru",
        history=(),
        decision=DECISION,
    )


class Scene:
    """Agents at work in an installation, and the router's part played by the test."""

    def __init__(self, settings: Settings, kafka: KafkaSettings, habits: Habits) -> None:
        self.topics, self.kafka = settings.topics(), kafka
        self.desktops = Desktops(
            [ANNA], desk="acme", lease_seconds=0.6, topics=self.topics, kafka=kafka, seed=1, habits=habits
        )

    async def __aenter__(self) -> Self:
        self.producer = clients.producer(self.kafka)
        self.reader = clients.reader(self.kafka, self.topics.name(COMMANDS))
        await self.producer.start()
        await self.reader.start()
        self.work = asyncio.create_task(self.desktops.run())
        await self.hear("renew_presence")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.work.cancel()
        await asyncio.gather(self.work, return_exceptions=True)
        await clients.close(self.reader)
        await clients.close(self.producer)

    async def say(self, event: Event) -> None:
        record = codec.encode(event, codec.derive_id(event.kind, str(event.at)), "/switchboard/router")
        await self.producer.send_and_wait(
            self.topics.name(record.topic), record.value, key=record.key, headers=record.headers
        )

    async def hear(self, *kinds: str) -> list[Event]:
        """The next commands of these kinds, in this order, whatever else is said in between."""
        heard: list[Event] = []
        async with asyncio.timeout(GUARD_SECONDS):
            while len(heard) < len(kinds):
                event = codec.decode((r := await self.reader.getone()).value, r.headers).event
                if event.kind == kinds[len(heard)]:
                    heard.append(event)
        return heard


async def test_agent_accepts_answers_and_settles(installation: Settings, kafka: KafkaSettings) -> None:
    """From the offer to the end of the case, in the customer's language."""
    async with Scene(installation, kafka, SURE) as scene:
        await scene.say(offered())
        (accept,) = await scene.hear("accept_offer")
        await scene.say(assigned())
        reply, resolve = await scene.hear("send_reply", "resolve_case")
    assert (accept.offer_id, accept.case_id, accept.agent_id) == ("o1", "c1", "anna")
    assert reply.text.startswith("Спасибо")
    assert reply.text.endswith("\nAnna")
    assert resolve.case_id == "c1"


async def test_lease_is_renewed_again_and_again(installation: Settings, kafka: KafkaSettings) -> None:
    """Three renewals within a lease's length of each other."""
    async with Scene(installation, kafka, SURE) as scene:
        renewals = await scene.hear("renew_presence", "renew_presence", "renew_presence")
    assert [r.state for r in renewals] == ["available"] * 3


async def test_agent_may_decline(installation: Settings, kafka: KafkaSettings) -> None:
    """Whoever declines says why."""
    async with Scene(installation, kafka, Habits(**QUICK, decline=1, ask=0)) as scene:
        await scene.say(offered())
        (decline,) = await scene.hear("decline_offer")
    assert (decline.offer_id, bool(decline.reason)) == ("o1", True)


async def test_agent_may_ask_and_wait(installation: Settings, kafka: KafkaSettings) -> None:
    """A question to the customer, and the case is theirs until they answer or too long has passed."""
    async with Scene(installation, kafka, Habits(**QUICK, decline=0, ask=1)) as scene:
        await scene.say(assigned())
        await scene.hear("send_reply", "wait_for_customer", "resolve_case")


async def test_case_that_is_taken_away_is_left_alone(installation: Settings, kafka: KafkaSettings) -> None:
    """After Unassigned the agent says nothing more about the case."""
    slow = Habits(**{**QUICK, "reply_seconds": (1.0, 1.0)}, decline=0, ask=0)
    async with Scene(installation, kafka, slow) as scene:
        await scene.say(assigned())
        gone = {name: value for name, value in about().items() if name != "offer_id"}
        await scene.say(Unassigned(**gone, reason="agent_lost"))
        # Renewals come five a second: so many of them take longer than the reply would have.
        heard = []
        async with asyncio.timeout(GUARD_SECONDS):
            while len(heard) < 10:
                record = await scene.reader.getone()
                heard.append(codec.decode(record.value, record.headers).event.kind)
    assert set(heard) == {"renew_presence"}
