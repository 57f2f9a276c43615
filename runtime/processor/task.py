"""The life of one partition in this process: fence, restore, then fetch, decide and commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from runtime.clock import Clock
from runtime.core import Core
from runtime.metrics import BATCH_RECORDS, DEAD_LETTERS, TRANSACTION_SECONDS, TRANSACTIONS
from runtime.processor.dead_letters import Origin, Streak
from runtime.processor.deciding import Damaged, Decider, Deciding
from runtime.processor.inputs import Batch, Inputs
from runtime.processor.restore import restore
from runtime.processor.transaction import Writer
from runtime.processor.work import Work
from runtime.settings import KafkaSettings, Settings
from schemas.topics import Service, Topic

log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 1.0
"""How long to wait for records when no deadline comes earlier."""
SHORTEST_WAIT_SECONDS: Final = 0.005
"""A core may report a deadline too early; asking it again at once would be a busy loop."""


@dataclass(frozen=True)
class Job:
    """What a processor does; the same for all of its partitions."""

    service: Service
    inputs: Sequence[Topic]
    changelog: Topic | None
    """None for a core that remembers nothing."""
    core: Callable[[int], Core]
    decider: Callable[[Job, int, Core, Streak, Mapping[Origin, str]], Deciding]
    settings: Settings
    kafka: KafkaSettings
    observe: Callable[[Sequence[Any]], None]
    clock: Clock
    writer: Callable[[KafkaSettings, Settings, str, int], Writer]

    @property
    def group(self) -> str:
        """The consumer group, and the stem of the transactional ids."""
        return self.settings.group(self.service)


def usual_decider(job: Job, partition: int, core: Core, streak: Streak, poison: Mapping[Origin, str]) -> Deciding:
    """Drives `core` with the events of the contract."""
    return Decider(
        core,
        partition,
        service=job.service,
        topics=job.settings.topics(),
        changelog=job.changelog,
        clock=job.clock,
        streak=streak,
        poison=poison,
        limit=job.settings.batch_records,
    )


class Task:
    """One partition of every input, from its assignment until it is given up.

    While a batch is being committed the next one is fetched and decided: its facts rest on state that
    is not final, which is safe because a failed commit throws both away.
    """

    def __init__(self, job: Job, partition: int, consumer: AIOKafkaConsumer) -> None:
        self.partition = partition
        self.core: Core | None = None
        """The live state; None while it is being restored."""
        self.in_hand: dict[TopicPartition, int] = {}
        """Records fetched and not yet committed, by input."""
        self.processed_at: dict[TopicPartition, float] = {}
        """The timestamp of the last record committed, in seconds since 1970, by input."""
        self._job = job
        topics = job.settings.topics()
        self._inputs = Inputs(consumer, [TopicPartition(topics.name(topic), partition) for topic in job.inputs])
        self._streak = Streak(job.settings.poison_in_a_row)
        self._poison: dict[Origin, str] = {}
        self._closing = asyncio.Event()
        self._preparing: asyncio.Task[Core] | None = None
        self._committing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Work until `close` is called. Raises Rejoin, CoreFailed or TooManyDeadLetters."""
        while not self._closing.is_set():
            writer = self._job.writer(self._job.kafka, self._job.settings, self._job.group, self.partition)
            try:
                core = await self._prepare(writer)
                if core is not None:
                    self.core = core
                    await self._work(core, writer)
            except Damaged as damage:
                # Nothing of the batch was sent. The record is dead-lettered when it comes again.
                log.error("state damaged, restoring", partition=self.partition, reason=str(damage))  # noqa: TRY400 - the core's traceback may hold a customer's words
                self._streak.rewind()
                self._poison[damage.origin] = damage.detail
            finally:
                self.core = None
                self.in_hand.clear()
                await writer.close()

    def close(self) -> None:
        """Ask `run` to finish what it has begun and to return; a restore is broken off."""
        self._closing.set()
        if self._preparing is not None:
            self._preparing.cancel()

    async def _prepare(self, writer: Writer) -> Core | None:
        """Fence, position, restore; None when told to close meanwhile."""
        self._preparing = asyncio.create_task(self._take_over(writer))
        try:
            return await self._preparing
        except asyncio.CancelledError:
            if self._closing.is_set():
                return None
            raise
        finally:
            self._preparing = None

    async def _take_over(self, writer: Writer) -> Core:
        job = self._job
        self._inputs.pause()
        # 1. Fence. The former owner's transaction is ended by this, so only then
        await writer.start()
        # 2. are the committed offsets final,
        offsets = await self._inputs.committed()
        # 3. and the changelog.
        core = job.core(self.partition)
        if job.changelog is not None:
            changelog = TopicPartition(job.settings.topics().name(job.changelog), self.partition)
            await restore(core, changelog, job.kafka, job.service)
        # 4. What was fetched meanwhile is dropped.
        self._inputs.resume(offsets)
        return core

    async def _work(self, core: Core, writer: Writer) -> None:
        job = self._job
        decider = job.decider(job, self.partition, core, self._streak, self._poison)
        self._committing = None
        try:
            while not self._closing.is_set():
                batch = await self._fetch(decider)
                for tp, records in batch.items():
                    self.in_hand[tp] = self.in_hand.get(tp, 0) + len(records)
                # Records first, all that waited while nobody was there to see the deadline: one of them may
                # be what the deadline was set for.
                await self._hand_over(await decider.decide(batch), writer)
                if await self._inputs.caught_up():
                    await self._hand_over(await decider.decide_due(), writer)
        finally:
            # Also after the next batch failed: this one is sound. Its own failure counts more.
            if self._committing is not None:
                await self._committing

    async def _hand_over(self, work: Work, writer: Writer) -> None:
        """Begin to commit `work` when what is being committed is final. Raises what that one raises."""
        if work:
            if self._committing is not None:
                await self._committing
            self._committing = asyncio.create_task(self._commit(writer, work))

    async def _fetch(self, decider: Deciding) -> Batch:
        """Records, or none when a deadline comes, nothing comes, or `close` is called. Raises what the
        commit under way raises, as soon as it does.
        """
        to_deadline = decider.seconds_to_deadline() if await self._inputs.caught_up() else None
        wait = POLL_SECONDS if to_deadline is None else min(max(to_deadline, SHORTEST_WAIT_SECONDS), POLL_SECONDS)
        getting = asyncio.create_task(self._inputs.read(wait, self._job.settings.batch_records))
        closing = asyncio.create_task(self._closing.wait())
        try:
            waited: set[asyncio.Future[Any]] = {getting, closing, *([self._committing] if self._committing else [])}
            while not getting.done() and not closing.done():
                done, waited = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                if self._committing and self._committing in done:
                    self._committing.result()
            if not getting.done():
                return {}
            return getting.result()
        finally:
            for waiter in (getting, closing):
                waiter.cancel()
            await asyncio.gather(getting, closing, return_exceptions=True)

    async def _commit(self, writer: Writer, work: Work) -> None:
        service = self._job.service
        began = time.perf_counter()
        try:
            await writer.commit(work)
        except BaseException:
            TRANSACTIONS.labels(service, "failed").inc()
            raise
        TRANSACTION_SECONDS.labels(service).observe(time.perf_counter() - began)
        TRANSACTIONS.labels(service, "committed").inc()
        BATCH_RECORDS.labels(service).observe(sum(records for records, _ in work.taken.values()))
        for reason, count in work.dead.items():
            DEAD_LETTERS.labels(service, reason).inc(count)
        for tp, (records, newest) in work.taken.items():
            self.in_hand[tp] -= records
            self.processed_at[tp] = newest
        self._job.observe(work.facts)
