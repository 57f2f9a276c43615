"""The processor of a service: joins the group, works, and joins again after whatever goes wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog

from runtime.clock import Clock, utc_now
from runtime.core import Core
from runtime.health import Health
from runtime.metrics import (
    BATCH_RECORDS,
    DEAD_LETTERS,
    LAG_RECORDS,
    LAG_SECONDS,
    RESTORED_ENTITIES,
    SESSIONS_FAILED,
    TASKS,
    TRANSACTION_SECONDS,
    TRANSACTIONS,
)
from runtime.processor import failures
from runtime.processor.dead_letters import REASONS, Origin, Streak
from runtime.processor.deciding import Deciding
from runtime.processor.session import Session
from runtime.processor.task import Job, usual_decider
from runtime.processor.transaction import TransactionalWriter, Writer
from runtime.settings import KafkaSettings, Settings
from schemas.topics import Service, Topic

log = structlog.get_logger(__name__)

TURN_SECONDS: Final = 1.0
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 15.0
LASTING_SECONDS: Final = 30.0
"""A session that lasted so long has recovered: the next pause is short again."""


class Processor:
    """Runs one core for each partition of the inputs, exactly once.

    `core` makes the empty core of a partition; `observe` is called with all facts of a batch after its
    commit; `gauges` about once a second with the live cores. Both must be quick and must not raise:
    what they raise ends the processor.
    """

    def __init__(
        self,
        *,
        service: Service,
        inputs: Sequence[Topic],
        changelog: Topic | None,
        core: Callable[[int], Core],
        settings: Settings,
        kafka: KafkaSettings,
        health: Health | None = None,
        observe: Callable[[Sequence[Any]], None] | None = None,
        gauges: Callable[[Mapping[int, Core]], None] | None = None,
        clock: Clock = utc_now,
        writer: Callable[[KafkaSettings, Settings, str, int], Writer] = TransactionalWriter,
        decider: Callable[[Job, int, Core, Streak, Mapping[Origin, str]], Deciding] = usual_decider,
    ) -> None:
        """`decider` makes what drives a core; another one reads inputs that hold no events of the contract.
        `writer` is how a partition's work gets to Kafka; another one than the default gives up exactly once.
        """
        self._job = Job(
            service=service,
            inputs=tuple(inputs),
            changelog=changelog,
            core=core,
            settings=settings,
            kafka=kafka,
            observe=observe or (lambda _: None),
            clock=clock,
            writer=writer,
            decider=decider,
        )
        self._gauges = gauges or (lambda _: None)
        self._health = health or Health(started=True)
        self._health.readiness.append(self.unready)
        self._session: Session | None = None
        _show_at_zero(self._job)

    def unready(self) -> str | None:
        """Why no work can be done now, in a few words; None when it can be: joined, restored."""
        return "joining the group" if self._session is None else self._session.unready()

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set; then commit what was begun, leave the group and return.

        Kafka's failures never end it: it joins again, with growing pauses. Raises CoreFailed and
        TooManyDeadLetters, which a new start will not mend by itself, and what `observe` or `gauges`
        raise. Ends within about two transactions' time.
        """
        turning = asyncio.create_task(self._turn())
        working = asyncio.create_task(self._work(stopping))
        try:
            done, _ = await asyncio.wait({turning, working}, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        finally:
            for task in (turning, working):
                task.cancel()
            await asyncio.gather(turning, working, return_exceptions=True)

    async def _work(self, stopping: asyncio.Event) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not stopping.is_set():
            began = time.monotonic()
            self._session = Session(self._job)
            try:
                await self._session.run(stopping)
            except failures.Rejoin as error:
                SESSIONS_FAILED.labels(self._job.service).inc()
                if time.monotonic() - began > LASTING_SECONDS:
                    pause = FIRST_PAUSE_SECONDS
                log.warning("session failed, joining again", group=self._job.group, error=str(error), seconds=pause)
            finally:
                self._session = None
            if not stopping.is_set():
                await _unless(stopping, pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _turn(self) -> None:
        """Once a second: the heartbeat of the liveness probe, and the gauges."""
        while True:
            self._health.beat()
            session = self._session
            tasks = list(session.tasks.values()) if session else []
            restoring = sum(task.core is None for task in tasks)
            TASKS.labels(self._job.service, "restoring").set(restoring)
            TASKS.labels(self._job.service, "running").set(len(tasks) - restoring)
            self._gauges(session.cores() if session else {})
            await asyncio.sleep(TURN_SECONDS)


async def _unless(event: asyncio.Event, seconds: float) -> None:
    """Sleep, but not beyond the event."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _show_at_zero(job: Job) -> None:
    """Make every label set, so that a rate can be computed from the first change on."""
    for reason in REASONS:
        DEAD_LETTERS.labels(job.service, reason)
    for outcome in ("committed", "failed"):
        TRANSACTIONS.labels(job.service, outcome)
    for state in ("restoring", "running"):
        TASKS.labels(job.service, state)
    for topic in job.inputs:
        LAG_RECORDS.labels(job.service, topic.name)
        LAG_SECONDS.labels(job.service, topic.name)
    for metric in (TRANSACTION_SECONDS, BATCH_RECORDS, RESTORED_ENTITIES, SESSIONS_FAILED):
        metric.labels(job.service)
