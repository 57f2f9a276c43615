"""From a batch of records, and the deadlines that have come, to the work of one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

import structlog
from aiokafka import ConsumerRecord, TopicPartition

from runtime.clock import Clock
from runtime.core import Core, Due, StateDamaged, Undecided, step
from runtime.processor import failures
from runtime.processor.dead_letters import DeadLetters, Origin, Reason, Streak
from runtime.processor.inputs import Batch
from runtime.processor.placing import partition_of
from runtime.processor.work import MAX_VALUE_BYTES, Work
from schemas.codec import Received, Undecodable, decode, derive_id, encode, new_traceparent
from schemas.topics import DEAD_LETTERS, TOPIC_OF, Service, Topic, Topics

log = structlog.get_logger(__name__)

SLICE_SECONDS: Final = 0.005
"""So long at most without giving way to the event loop: heartbeats and the commit before this one."""


class Damaged(Exception):
    """The core's state can no longer be trusted. To do: restore it; `origin` is what did it."""

    def __init__(self, origin: Origin, detail: str) -> None:
        super().__init__(f"{origin}: {detail}")
        self.origin = origin
        self.detail = detail


class Misplaced(ValueError):
    """The record's key is not its event's, or not of this partition. To do: dead-letter it."""


class Deciding(Protocol):
    """From records and time to work; `Decider` is the usual one."""

    async def decide(self, batch: Batch) -> Work:
        """The work that follows from `batch`, its offsets in it."""

    async def decide_due(self) -> Work:
        """The work that follows from deadlines that have come."""

    def seconds_to_deadline(self) -> float | None:
        """How long until a deadline comes; None when nothing is timed."""


class Decider:
    """Drives one core. Its state runs ahead of what is committed; after a failed commit throw both away."""

    def __init__(
        self,
        core: Core,
        partition: int,
        *,
        service: Service,
        topics: Topics,
        changelog: Topic | None,
        clock: Clock,
        streak: Streak,
        poison: Mapping[Origin, str],
        limit: int,
    ) -> None:
        """`poison` has what damaged the state before, and how; `limit` is how many deadlines go into one transaction."""
        self._core = core
        self._partition = partition
        self._topics = topics
        self._clock = clock
        self._streak = streak
        self._poison = poison
        self._limit = limit
        self._source = f"/switchboard/{service}"
        self._changelog = TopicPartition(topics.name(changelog), partition) if changelog else None
        self._dead_letters = DeadLetters(service, topics.name(DEAD_LETTERS))
        self._places: dict[tuple[Topic, int], TopicPartition] = {}
        self._now: datetime | None = None

    async def decide(self, batch: Batch) -> Work:
        """The work that follows from `batch`. Raises Damaged, TooManyDeadLetters or CoreFailed; the core
        is then not to be used again.
        """
        work = Work()
        self._streak.begin()
        loop = asyncio.get_running_loop()
        now, pause = self._tell_time(), loop.time() + SLICE_SECONDS
        for tp, records in batch.items():
            if not records:
                continue
            topic = self._topics.of(tp.topic)
            for record in records:
                self._record(work, topic, record, now)
                if loop.time() >= pause:
                    await asyncio.sleep(0)
                    now, pause = self._tell_time(), loop.time() + SLICE_SECONDS
            work.offsets[tp] = records[-1].offset + 1
            work.taken[tp] = len(records), records[-1].timestamp / 1000
        self._remember(work)
        return work

    async def decide_due(self) -> Work:
        """The work that follows from deadlines that have come. Raises as `decide` does.

        Never in one transaction with the records before it: a deadline that damages the state is known
        by its id when it comes again, and has the same id only when what set it was committed.
        """
        work = Work()
        self._streak.begin()
        loop = asyncio.get_running_loop()
        now, pause = self._tell_time(), loop.time() + SLICE_SECONDS
        for _ in range(self._limit):
            with failures.core("take_due"):
                due = self._core.take_due(now)
            if due is None:
                break
            self._deadline(work, due, now)
            if loop.time() >= pause:
                await asyncio.sleep(0)
                now, pause = self._tell_time(), loop.time() + SLICE_SECONDS
        self._remember(work)
        return work

    def seconds_to_deadline(self) -> float | None:
        """How long until a deadline comes; zero or less when one has; None when nothing is timed."""
        with failures.core("next_deadline"):
            deadline = self._core.next_deadline()
        return None if deadline is None else (deadline - self._tell_time()).total_seconds()

    def _tell_time(self) -> datetime:
        """The present instant; never before an instant that this core was told already."""
        now = self._clock()
        self._now = now if self._now is None else max(now, self._now)
        return self._now

    def _record(self, work: Work, topic: Topic, record: ConsumerRecord[Any, Any], now: datetime) -> None:
        origin = Origin(record.topic, record.partition, record.offset)
        reason: Reason
        try:
            received = _decode(record, topic)
            self._check_place(topic, record, received)
            if (why := self._poison.get(origin)) is None:
                self._step(work, origin, received.id, received.event, received.traceparent, now)
                return
            reason, detail = "damaging", why
        except Undecodable as error:
            reason, detail = "undecodable", str(error)
        except Misplaced as error:
            reason, detail = "misplaced", str(error)
        except Undecided as error:
            reason, detail = "undecided", failures.describe(error.__cause__ or error)
        self._streak.failure(origin, reason, detail)
        log.warning("dead letter", topic=origin.topic, partition=origin.partition, offset=origin.offset, reason=reason)
        work.write(*self._dead_letters.of_record(record, reason, detail, now))
        work.dead[reason] += 1

    def _deadline(self, work: Work, due: Due, now: datetime) -> None:
        origin = Origin("deadline", self._partition, None, due.id)
        reason: Reason
        try:
            if (why := self._poison.get(origin)) is None:
                self._step(work, origin, due.id, due.command, None, now)
                return
            reason, detail = "damaging", why
        except Undecided as error:
            reason, detail = "undecided", failures.describe(error.__cause__ or error)
        self._streak.failure(origin, reason, detail)
        log.warning("dead letter", topic=origin.topic, partition=origin.partition, cause=due.id, reason=reason)
        work.write(*self._dead_letters.of_deadline(origin, reason, detail, now))
        work.dead[reason] += 1

    def _check_place(self, topic: Topic, record: ConsumerRecord[Any, Any], received: Received) -> None:
        """One partition owns all of a key, so a record elsewhere would give its desk a second owner.

        It happens: clients that are not Kafka's own hash keys differently unless told otherwise.
        """
        key: bytes = getattr(received.event, topic.key).encode()
        if record.key != key:
            raise Misplaced(f"the key must be the event's {topic.key}")
        right = partition_of(key, self._topics.partitions)
        if right != record.partition:
            raise Misplaced(f"this key belongs to partition {right}: use the partitioner murmur2_random")

    def _step(
        self, work: Work, origin: Origin, cause: str, command: Any, traceparent: str | None, now: datetime
    ) -> None:
        try:
            facts = step(self._core, cause, command, now)
            self._publish(work, cause, facts, traceparent)
        except Undecided:
            raise
        except StateDamaged as error:
            raise Damaged(origin, failures.describe(error.__cause__ or error)) from error
        except Exception as error:
            # The facts are part of the state already, but cannot be told.
            raise Damaged(origin, failures.describe(error)) from error
        work.facts.extend(facts)
        self._streak.success()

    def _publish(self, work: Work, cause: str, facts: Iterable[Any], traceparent: str | None) -> None:
        ordinal = 0
        for fact in facts:
            if type(fact) not in TOPIC_OF:
                continue
            if traceparent is None:
                traceparent = new_traceparent()
            event = encode(fact, derive_id(cause, ordinal), self._source, traceparent)
            ordinal += 1
            if len(event.value) > MAX_VALUE_BYTES:
                raise ValueError(f"a {fact.kind} of {len(event.value)} bytes is more than a broker takes")
            work.write(self._place(event.topic, event.key), (event.key, event.value, event.headers))

    def _place(self, topic: Topic, key: bytes) -> TopicPartition:
        partition = partition_of(key, self._topics.partitions)
        place = self._places.get((topic, partition))
        if place is None:
            place = self._places[topic, partition] = TopicPartition(self._topics.name(topic), partition)
        return place

    def _remember(self, work: Work) -> None:
        """Add the entities that changed, each once however often it did."""
        with failures.core("take_changes"):
            changes = [(key.encode(), value) for key, value in self._core.take_changes()]
        for key, value in changes:
            if self._changelog is None:
                raise failures.CoreFailed("a core without a changelog has something to remember")
            if value is not None and len(value) > MAX_VALUE_BYTES:
                raise failures.CoreFailed(f"an entity of {len(value)} bytes is more than a broker takes")
            work.write(self._changelog, (key, value, []))


def _decode(record: ConsumerRecord[Any, Any], topic: Topic) -> Received:
    """The event of a record. Whatever goes wrong is the record's fault: nothing else has been touched."""
    try:
        return decode(record.value, record.headers, topic.events)
    except Undecodable:
        raise
    except Exception as error:
        raise Undecodable(failures.describe(error)) from error
