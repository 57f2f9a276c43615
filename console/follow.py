"""The public topics of a running system, read from the beginning, one event after another."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from runtime import kafka as clients
from runtime.refusal import Refusal
from runtime.settings import KafkaSettings
from schemas import codec
from schemas.base import Event
from schemas.topics import AGENTS, ASSIGNMENTS, CASES, COMMANDS, DEAD_LETTERS, MESSAGES, SLA, UPDATES, Topic, Topics

PUBLIC: Final = (MESSAGES, AGENTS, COMMANDS, CASES, ASSIGNMENTS, SLA, UPDATES)
WAIT_MS: Final = 200


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as it was read."""

    topic: Topic
    id: str
    event: Event
    fresh: bool
    """Whether it was published after the following began."""


Taker = Callable[[Seen], None]


@dataclass
class Follower:
    """Reads committed records only and hands every event to the takers, in the order of its partition."""

    topics: Topics
    kafka: KafkaSettings
    takers: Sequence[Taker]
    wanted: tuple[Topic, ...] = PUBLIC
    dead_letters: int = 0
    """Records on the topic of dead letters since the following began."""
    undecodable: int = 0
    """Records on the public topics that are no events. The services put them to the dead letters."""
    idle_since: float = field(default_factory=time.monotonic)
    """When the last record came, by the monotonic clock."""
    _consumer: AIOKafkaConsumer | None = None
    _ends: dict[TopicPartition, int] = field(default_factory=dict)
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def start(self) -> None:
        """Begin to follow. What is on the topics now is read too, but is not fresh.

        Raises Refusal when Kafka cannot be reached, or has none of these topics.
        """
        names = [self.topics.name(topic) for topic in (*self.wanted, DEAD_LETTERS)]
        at = self.kafka.bootstrap_servers
        try:
            # A consumer of a topic that is not there would look for it for the better part of a minute.
            async with self._started(clients.reader(self.kafka)) as looking:
                missing = sorted(set(names) - await looking.topics())
            if missing:
                message = f"Kafka at {at} has no topic {missing[0]}; is SWITCHBOARD_TOPIC_PREFIX right?"
                raise Refusal(message)
            consumer = await self._stack.enter_async_context(self._started(clients.reader(self.kafka, *names)))
        except (KafkaError, OSError) as error:
            message = f"Kafka at {at} cannot be reached ({error}); set KAFKA_BOOTSTRAP_SERVERS"
            raise Refusal(message) from error
        self._ends = await consumer.end_offsets(consumer.assignment())
        self._consumer = consumer

    async def close(self) -> None:
        """Stop following."""
        await self._stack.aclose()

    @staticmethod
    @contextlib.asynccontextmanager
    async def _started(consumer: AIOKafkaConsumer) -> AsyncIterator[AIOKafkaConsumer]:
        try:
            await consumer.start()
            yield consumer
        finally:
            await clients.close(consumer)

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self.read()

    async def read(self) -> None:
        """Hand over what has come, or wait a moment for something."""
        assert self._consumer is not None
        for partition, records in (await self._consumer.getmany(timeout_ms=WAIT_MS, max_records=2000)).items():
            self.idle_since = time.monotonic()
            topic = self.topics.of(partition.topic)
            for record in records:
                fresh = record.offset >= self._ends.get(partition, 0)
                if topic is DEAD_LETTERS:
                    self.dead_letters += fresh
                    continue
                try:
                    received = codec.decode(record.value, record.headers)
                except codec.Undecodable:
                    self.undecodable += fresh
                    continue
                seen = Seen(topic, received.id, received.event, fresh)
                for take in self.takers:
                    take(seen)

    async def read_to_the_end(self) -> None:
        """Read until nothing is left of what is committed now."""
        assert self._consumer is not None
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        while True:
            await self.read()
            positions = await asyncio.gather(*(self._consumer.position(partition) for partition in ends))
            if all(position >= end for position, end in zip(positions, ends.values(), strict=True)):
                return
