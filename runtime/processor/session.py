"""One membership of the consumer group, from joining to leaving."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError

from runtime.core import Core
from runtime.kafka import close
from runtime.processor import failures
from runtime.processor.lag import Lag
from runtime.processor.task import Job, Task

log = structlog.get_logger(__name__)

MEASURE_SECONDS: Final = 1.0
NEVER_MS: Final = 2**31 - 1


class Session(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka is not typed
    """Joins the group, keeps a task for each partition it is given, and leaves.

    Crash-only: whatever goes wrong ends the session, and with it all state in memory.
    """

    def __init__(self, job: Job) -> None:
        self.joined = False
        """Whether the group has told us our partitions, be they none."""
        self.answering = True
        """Whether Kafka answered when it was asked last."""
        self.tasks: dict[int, Task] = {}
        self._job = job
        self._running: dict[Task, asyncio.Task[None]] = {}
        self._leaving = False
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        settings = job.settings
        self._consumer = AIOKafkaConsumer(
            **job.kafka.client(),
            group_id=job.group,
            group_instance_id=settings.static_member,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            # Range puts the same partition number of every input together. aiokafka rebalances eagerly.
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=round(settings.session_seconds * 1000),
            heartbeat_interval_ms=round(settings.session_seconds * 100),
            # While partitions are revoked the batch in hand and the one before it are committed.
            rebalance_timeout_ms=round(settings.transaction_seconds * 2500),
            # A member without partitions, or one that restores for long, never fetches; it must not be
            # taken for a stuck one. Whether the loop turns is watched by the liveness probe.
            max_poll_interval_ms=NEVER_MS,
            # aiokafka has one fetch under way for each broker: a partition that was just resumed, or
            # just read to the end, waits until that one returns.
            fetch_max_wait_ms=100,
        )
        self._lag = Lag(job, self._consumer)

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set, then commit what was begun and leave. Raises what ended it."""
        names = [self._job.settings.topics().name(topic) for topic in self._job.inputs]
        self._consumer.subscribe(names, listener=self)
        joining = asyncio.create_task(self._join())
        measuring = asyncio.create_task(self._measure())
        stop: asyncio.Task[Any] = asyncio.create_task(stopping.wait())
        try:
            waiting: set[asyncio.Future[Any]] = {joining, measuring, self._failed}
            while not stop.done():
                done, _ = await asyncio.wait({*waiting, stop}, return_when=asyncio.FIRST_COMPLETED)
                for ended in done & waiting:
                    ended.result()
                waiting -= done
        finally:
            for helper in (joining, measuring, stop):
                helper.cancel()
            await asyncio.gather(joining, measuring, stop, return_exceptions=True)
            await self._leave()
        if self._failed.done():
            self._failed.result()

    def cores(self) -> dict[int, Core]:
        """The live cores, by partition."""
        return {partition: task.core for partition, task in self.tasks.items() if task.core is not None}

    def unready(self) -> str | None:
        """Why this session cannot work, in a few words; None when it can."""
        if not self.answering:
            return "Kafka does not answer"
        if not self.joined:
            return "joining the group"
        restoring = sum(task.core is None for task in self.tasks.values())
        return f"restoring {restoring} of {len(self.tasks)} partitions" if restoring else None

    # aiokafka awaits both callbacks and swallows what they raise, so whatever goes wrong in them is kept.

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Before a rebalance: finish and close every task. Heartbeats go on meanwhile."""
        del revoked  # eager: all of them
        self.joined = False
        try:
            await self._close_tasks()
        except Exception as error:  # noqa: BLE001 - raised by run
            self._fail(error)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """After a rebalance: begin a task for each partition. No heartbeats are sent meanwhile, so
        nothing is awaited here.
        """
        try:
            self._begin_tasks(assigned)
        except Exception as error:  # noqa: BLE001 - raised by run
            self._fail(error)

    def _begin_tasks(self, assigned: Collection[TopicPartition]) -> None:
        if self._leaving:
            return
        partitions = sorted({tp.partition for tp in assigned})
        names = {self._job.settings.topics().name(topic) for topic in self._job.inputs}
        for partition in partitions:
            given = {tp.topic for tp in assigned if tp.partition == partition}
            if given != names:
                raise failures.Rejoin(f"partition {partition} came without {sorted(names - given)}")
        for partition in partitions:
            task = self.tasks[partition] = Task(self._job, partition, self._consumer)
            running = self._running[task] = asyncio.create_task(task.run(), name=f"{self._job.group}-{partition}")
            running.add_done_callback(self._ended)
        self.joined = True
        log.info("assigned", group=self._job.group, count=len(partitions))

    def _ended(self, running: asyncio.Task[None]) -> None:
        if running.cancelled():
            self._fail(failures.Rejoin(f"{running.get_name()} was cancelled from within aiokafka"))
        elif (error := running.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """End the session. The first failure counts; others are likely its consequences."""
        if not self._failed.done():
            self._failed.set_exception(error)

    async def _join(self) -> None:
        with failures.kafka("joining the group"):
            await self._consumer.start()

    async def _measure(self) -> None:
        answered = time.monotonic()
        while True:
            await asyncio.sleep(MEASURE_SECONDS)
            if not self.joined:
                answered = time.monotonic()
                continue
            try:
                await self._lag.measure([task for task in self.tasks.values() if task.core is not None])
            except (KafkaError, TimeoutError) as error:
                if self.answering:
                    log.warning("Kafka does not answer", group=self._job.group, error=type(error).__name__)
                self.answering = False
                silent = time.monotonic() - answered
                if silent > self._job.settings.session_seconds:
                    raise failures.Rejoin(f"Kafka has not answered for {silent:.0f} s") from error
            else:
                self.answering, answered = True, time.monotonic()

    async def _close_tasks(self) -> None:
        """Close all tasks and wait for them; each commit in them has its own time limit."""
        closing, self.tasks = dict(self._running), {}
        for task in closing:
            task.close()
        if closing:
            # Their failures go to _ended.
            await asyncio.wait(closing.values())
        for task in closing:
            # Not before: a rebalance and the end of the session may wait for the same tasks.
            self._running.pop(task, None)

    async def _leave(self) -> None:
        """Close everything. The consumer goes last, and says good-bye, so that its partitions are given
        away at once (not so a static member: its partitions wait for it). stop() calls no listener.
        """
        self._leaving = True
        await self._close_tasks()
        await close(self._consumer)
        self.joined = False
