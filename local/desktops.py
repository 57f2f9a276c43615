"""Simulated agents, who work through the public topics exactly as a desktop would.

They know nothing but what lies on `assignments` and `cases`, and say everything on `commands`. Given
a seed they make the same choices for the same events.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from local.phrases import CLOSING, GREETING, QUESTION
from local.roster import Entry
from runtime import kafka as clients
from runtime.clock import Clock, utc_now
from runtime.settings import KafkaSettings
from schemas import codec
from schemas.assignments import Assigned, OfferMade, OfferWithdrawn, Unassigned
from schemas.base import Command, Event
from schemas.cases import MessageAdded
from schemas.commands import AcceptOffer, DeclineOffer, RenewPresence, ResolveCase, SendReply, WaitForCustomer
from schemas.topics import ASSIGNMENTS, CASES, Topics

log = structlog.get_logger(__name__)

SOURCE: Final = "/switchboard/desktop"


@dataclass(frozen=True)
class Habits:
    """How people are. Seconds are ranges to draw from."""

    decline: float = 0.08
    """Share of offers that are declined."""
    overlook: float = 0.03
    """Share of offers that nobody reacts to: they expire."""
    vanish: float = 0.04
    """Chance at each renewal of the lease that the agent is suddenly gone."""
    ask: float = 0.25
    """Share of cases in which the customer is asked something back."""
    accept_seconds: tuple[float, float] = (0.5, 3.0)
    reply_seconds: tuple[float, float] = (2.0, 9.0)
    settle_seconds: tuple[float, float] = (2.0, 8.0)
    patience_seconds: tuple[float, float] = (8.0, 20.0)
    """For the customer's answer to a question; then the case is settled without one."""


@dataclass
class Desktop:
    """One agent's desktop: what the agent holds and does."""

    agent: Entry
    rng: random.Random
    away: bool = False
    """Vanished: renews nothing, hears nothing, does nothing."""
    offers: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    cases: dict[str, Assigned] = field(default_factory=dict)
    work: dict[str, asyncio.Task[None]] = field(default_factory=dict)


class Desktops:
    """All agents of one desk. Run `run` as a task; cancel it to send everybody home."""

    def __init__(
        self,
        agents: Iterable[Entry],
        *,
        desk: str,
        lease_seconds: float,
        topics: Topics,
        kafka: KafkaSettings,
        seed: int,
        habits: Habits = Habits(),
        clock: Clock = utc_now,
    ) -> None:
        # One generator for each agent, so that the order in which events come changes nobody else's choices.
        self._desktops = {agent.id: Desktop(agent, random.Random(f"{seed}/{agent.id}")) for agent in agents}  # noqa: S311 - play
        self._desk, self._lease, self._topics, self._kafka = desk, lease_seconds, topics, kafka
        self._habits, self._clock = habits, clock
        self._producer: AIOKafkaProducer | None = None
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Work until cancelled."""
        self._producer = clients.producer(self._kafka)
        names = [self._topics.name(ASSIGNMENTS), self._topics.name(CASES)]
        consumer = clients.reader(self._kafka, *names, auto_offset_reset="latest")
        await self._producer.start()
        try:
            await consumer.start()
            await consumer.seek_to_end()
            async with asyncio.TaskGroup() as self._tasks:
                for desktop in self._desktops.values():
                    self._tasks.create_task(self._be_there(desktop))
                self._tasks.create_task(self._listen(consumer))
        finally:
            await clients.close(consumer)
            await clients.close(self._producer)

    async def _listen(self, consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            try:
                event = codec.decode(record.value, record.headers).event
            except codec.Undecodable as error:
                log.warning("not an event", topic=record.topic, offset=record.offset, error=str(error))
                continue
            if event.desk == self._desk:
                self._hear(event)

    def _hear(self, event: Event) -> None:
        """What the event means for whom it concerns."""
        agent = getattr(event, "agent_id", None)
        if agent not in self._desktops:
            return
        desktop = self._desktops[agent]
        match event:
            case Unassigned():
                self._drop(desktop, event.case_id)
            case OfferWithdrawn():
                if task := desktop.offers.pop(event.offer_id, None):
                    task.cancel()
            case Assigned():
                desktop.cases[event.case_id] = event
                if not desktop.away:
                    self._begin(desktop, event.case_id, self._answer(desktop, event))
            case OfferMade() if not desktop.away:
                desktop.offers[event.offer_id] = self._start(self._consider(desktop, event))
            case MessageAdded() if not desktop.away and event.case_id in desktop.cases:
                case = desktop.cases[event.case_id].model_copy(update={"language": event.language})
                self._begin(desktop, event.case_id, self._answer(desktop, case))

    async def _be_there(self, desktop: Desktop) -> None:
        """Renew the lease at every third of it; sometimes vanish, and come back when it is long over."""
        await asyncio.sleep(desktop.rng.uniform(0, self._lease / 6))
        while True:
            if desktop.agent.kind == "person" and desktop.rng.random() < self._habits.vanish:
                desktop.away = True
                for task in (*desktop.offers.values(), *desktop.work.values()):
                    task.cancel()
                await asyncio.sleep(self._lease * desktop.rng.uniform(1.2, 1.8))
                desktop.away = False
                for case in list(desktop.cases.values()):  # what was answered before is still the agent's
                    self._begin(desktop, case.case_id, self._answer(desktop, case))
            await self._say(RenewPresence(desk=self._desk, at=self._now(), agent_id=desktop.agent.id))
            await asyncio.sleep(self._lease / 3)

    async def _consider(self, desktop: Desktop, offer: OfferMade) -> None:
        choice = desktop.rng.random()
        await self._take(desktop, self._habits.accept_seconds)
        about: dict[str, Any] = {"desk": self._desk, "at": self._now(), "agent_id": desktop.agent.id}
        about |= {"offer_id": offer.offer_id, "case_id": offer.case_id}
        if choice < self._habits.decline:
            await self._say(DeclineOffer(**about, reason="busy with something else"))
        elif choice > self._habits.decline + self._habits.overlook:
            await self._say(AcceptOffer(**about))

    async def _answer(self, desktop: Desktop, case: Assigned) -> None:
        """Reply, perhaps ask something back and wait, and settle the matter."""
        about: dict[str, Any] = {"desk": self._desk, "agent_id": desktop.agent.id, "case_id": case.case_id}
        asks = desktop.rng.random() < self._habits.ask and case.channel != "phone"
        language = case.language if case.language in GREETING else "en"
        text = f"{GREETING[language]} {(QUESTION if asks else CLOSING)[language]}"
        await self._take(desktop, self._habits.reply_seconds)
        await self._say(SendReply(**about, at=self._now(), text=f"{text}\n{desktop.agent.name}"))
        if asks:
            await self._say(WaitForCustomer(**about, at=self._now(), note="asked for details"))
            await self._take(desktop, self._habits.patience_seconds)
        await self._take(desktop, self._habits.settle_seconds)
        await self._say(ResolveCase(**about, at=self._now(), resolution="answered"))

    async def _take(self, desktop: Desktop, seconds: tuple[float, float]) -> None:
        hurry = 0.2 if desktop.agent.kind == "bot" else 1.0
        await asyncio.sleep(hurry * desktop.rng.uniform(*seconds))

    async def _say(self, command: Command) -> None:
        assert self._producer is not None
        record = codec.encode(command, uuid.uuid4().hex, SOURCE, codec.new_traceparent())
        try:
            await self._producer.send_and_wait(
                self._topics.name(record.topic), record.value, key=record.key, headers=record.headers
            )
        except KafkaError as error:  # a person would see that it did not go through, and do something else
            log.warning("a command was not sent", agent_id=command.agent_id, kind=command.kind, error=repr(error))

    def _begin(self, desktop: Desktop, case_id: str, work: Coroutine[Any, Any, None]) -> None:
        """Put `work` in the place of what the agent was doing about the case."""
        if before := desktop.work.pop(case_id, None):
            before.cancel()
        desktop.work[case_id] = self._start(work)

    def _drop(self, desktop: Desktop, case_id: str) -> None:
        desktop.cases.pop(case_id, None)
        if task := desktop.work.pop(case_id, None):
            task.cancel()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        assert self._tasks is not None
        return self._tasks.create_task(work)

    def _now(self) -> datetime:
        return self._clock()
