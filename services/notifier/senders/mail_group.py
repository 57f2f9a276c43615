"""The consumer group that sends mail: never the same mail twice.

An offset is committed at the last moment before the content leaves, and taken back when the server says
that it did not take it. So a committed offset means "may have been sent", and whoever reads on after a
crash begins behind it; the core's ledger tells of what was lost on the way (in doubt). A mail that was
not begun is not committed, and is sent by whoever owns the partition then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from faststream.kafka.message import KafkaMessage

from runtime.clock import Clock
from schemas.codec import Received
from schemas.policy import Policy
from schemas.updates import UpdateRequested
from services.notifier.core.way import kind_of, way_out
from services.notifier.senders import mail
from services.notifier.senders.attempts import NotNow, NotOurs, hand_over
from services.notifier.senders.outcomes import Outcomes
from services.notifier.senders.records import Moved, Record, commit, place, requested
from services.notifier.senders.servers import MailServer

log = structlog.get_logger(__name__)

COMMIT_SECONDS: Final = 10.0
"""The mail server waits for its content meanwhile."""
IDLE_COMMIT_SECONDS: Final = 5.0
"""How often the offset moves past records that are no mail."""


@dataclass(slots=True)
class MailGroup:
    """What the lanes of one process share."""

    policy: Policy
    servers: Mapping[str, MailServer]
    outcomes: Outcomes
    within: timedelta
    clock: Clock
    stopping: bool = False
    begun: dict[int, int] = field(default_factory=dict)
    """Partition to the highest offset that was begun here: its record may come again after a rebalance."""

    def is_mail(self, update: UpdateRequested) -> bool:
        """Whether it is this group's to send."""
        return kind_of(way_out(self.policy.desks.get(update.desk), update.reply_to)) == "mail"


class MailLane(ConsumerRebalanceListener):  # type: ignore[misc]
    """One consumer of the group: one mail at a time. Also the consumer's listener."""

    def __init__(self, group: MailGroup) -> None:
        self.group = group
        self.joined = False
        self.rebalances = 0
        self.committing = asyncio.Lock()
        """A rebalance waits for a commit: what was committed is then certainly of the old membership."""
        self.cancellable: asyncio.Task[None] | None = None
        """The delivery, as long as its mail is not begun."""
        self._passed_over_at = 0.0

    async def handle(self, message: KafkaMessage) -> None:
        """Send the record's mail, if it is one; return when its outcome is on Kafka. Raises KafkaError when
        it cannot get there.
        """
        record: Any = message.raw_message
        if self.group.stopping or record.offset <= self.group.begun.get(record.partition, -1):
            return
        found = requested(record)
        if found is None or not self.group.is_mail(found[0]):
            await self._pass_over(message.consumer, record)
            return
        task = asyncio.create_task(self._deliver(_Position(self, message.consumer, record), *found))
        self.cancellable = task
        await asyncio.wait({task})
        self.cancellable = None
        if not task.cancelled():
            task.result()

    def stop(self) -> None:
        """Leave a mail that is not begun to the next owner. One that is begun ends by itself."""
        if self.cancellable is not None:
            self.cancellable.cancel()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - all go
        """What is fetched and not begun may be another's from now on."""
        async with self.committing:
            self.rebalances += 1

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - aiokafka's
        """In the group, with partitions or without."""
        self.joined = True

    async def _deliver(self, position: _Position, update: UpdateRequested, received: Received) -> None:
        group = self.group
        server = group.servers[update.desk]

        async def attempt() -> str:
            if group.stopping:
                raise NotOurs("stopping")
            return await mail.send(server, mail.write(update, server.sender), position.begin, position.undo)

        try:
            outcome = await hand_over(update, attempt, within=group.within, clock=group.clock)
            await position.begin()  # what was never begun is over too: first the offset, so that nobody tries again
        except (NotOurs, NotNow) as why:
            log.info("left to the partition's next owner", update_id=update.update_id, reason=str(why))
            return
        if outcome is not None:
            await group.outcomes.publish(outcome, received.traceparent)

    async def _pass_over(self, consumer: Any, record: Record) -> None:
        now = time.monotonic()
        if now - self._passed_over_at < IDLE_COMMIT_SECONDS:
            return
        self._passed_over_at = now
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await commit(consumer, {place(record): record.offset + 1})
        except (Moved, TimeoutError) as error:
            log.info("an offset is not committed; a later one will be", error=repr(error))


class _Position:
    """One mail's offset: behind it is committed from the moment when the mail may have been sent."""

    def __init__(self, lane: MailLane, consumer: Any, record: Record) -> None:
        self._lane = lane
        self._consumer = consumer
        self._record = record
        self._rebalances = lane.rebalances
        self._task: asyncio.Task[None] | None = None
        """The delivery, while it must not be cancelled."""

    async def begin(self) -> None:
        """The next moment it may be sent. Raises NotOurs when the partition may be another's, NotNow when
        Kafka does not answer.
        """
        if self._task is None:
            await self._commit(self._record.offset + 1)
            self._task, self._lane.cancellable = self._lane.cancellable, None
            self._lane.group.begun[self._record.partition] = self._record.offset

    async def undo(self) -> None:
        """It was certainly not sent: it may be, by whoever comes next. Raises as `begin` does."""
        self._lane.cancellable, self._task = self._task, None
        await self._commit(self._record.offset)
        del self._lane.group.begun[self._record.partition]

    async def _commit(self, offset: int) -> None:
        try:
            async with self._lane.committing, asyncio.timeout(COMMIT_SECONDS):
                if self._lane.rebalances != self._rebalances:
                    raise NotOurs("the group rebalanced")
                await commit(self._consumer, {place(self._record): offset})
        except Moved as error:
            raise NotOurs(str(error)) from error
        except TimeoutError as error:
            raise NotNow("Kafka does not answer") from error
