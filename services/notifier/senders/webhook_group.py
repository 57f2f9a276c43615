"""The consumer group that posts to adapters: many at once, each case's updates in their order.

An offset is committed after the outcome is on Kafka, so a crash repeats what was under way, under the same
idempotency key.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final
from weakref import WeakValueDictionary

import httpx
import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from faststream.kafka.message import KafkaMessage

from runtime.clock import Clock
from schemas.codec import Received
from schemas.policy import Policy
from schemas.updates import UpdateRequested
from services.notifier.core.way import kind_of, way_out
from services.notifier.senders.attempts import Outcome, failed, hand_over
from services.notifier.senders.offsets import Offsets
from services.notifier.senders.outcomes import Outcomes
from services.notifier.senders.records import Moved, Record, commit, requested
from services.notifier.senders.servers import Receiver
from services.notifier.senders.webhook import TIMEOUT_SECONDS, post

log = structlog.get_logger(__name__)

UNDER_WAY: Final = 64
"""Updates at once."""
GRACE_SECONDS: Final = 5.0
"""How long what is under way may take to end when its partitions go, or the process."""
REMEMBERED: Final = 10_000
"""Settled updates that are not posted again when they are requested again."""


class WebhookGroup(ConsumerRebalanceListener):  # type: ignore[misc]
    """The handler of records, which returns before the record is done; and the group's listener."""

    def __init__(
        self,
        policy: Policy,
        receivers: dict[tuple[str, str, str], Receiver],
        outcomes: Outcomes,
        within: timedelta,
        clock: Clock,
        fail: Callable[[BaseException], None],
    ) -> None:
        """`fail` is told when a delivery could not be brought to its end."""
        self.joined = False
        self._policy = policy
        self._receivers = receivers
        self._outcomes = outcomes
        self._within = within
        self._clock = clock
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)
        self._offsets = Offsets()
        self._consumer: Any = None
        self._topic = ""
        self._room = asyncio.Semaphore(UNDER_WAY)
        self._lanes: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._under_way: set[asyncio.Task[None]] = set()
        self._settled: OrderedDict[str, None] = OrderedDict()
        self._moved = asyncio.Event()
        self._stopping = False
        self._fail = fail

    async def handle(self, message: KafkaMessage) -> None:
        """Take the record up; wait only while too many are under way."""
        record: Any = message.raw_message
        self._consumer, self._topic = message.consumer, record.topic
        if self._stopping or not self._offsets.begin(record.partition, record.offset):
            return
        found = requested(record)
        if found is None or self._kind(found[0]) == "mail" or found[0].update_id in self._settled:
            self._done(record)
            return
        await self._room.acquire()
        task = asyncio.create_task(self._deliver(record, *found))
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    async def commit_forever(self) -> None:
        """Commit what is done, whenever something is; many at once under load."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            await self._commit()

    async def stop(self) -> None:
        """Take up no more, give what is under way a moment, commit."""
        self._stopping = True
        await self._settle_down()
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._commit()
        await self._client.aclose()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - all go
        """Commit as much as possible, so that little is repeated by the partitions' next owner."""
        await self._settle_down()
        await self._commit()
        self._offsets.forget()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - aiokafka's
        """In the group, with partitions or without."""
        self.joined = True

    def _kind(self, update: UpdateRequested) -> str:
        return kind_of(way_out(self._policy.desks.get(update.desk), update.reply_to))

    async def _deliver(self, record: Record, update: UpdateRequested, received: Received) -> None:
        lane = self._lanes.setdefault(update.case_id, asyncio.Lock())
        async with lane:
            outcome = await self._outcome(update)
            if outcome is not None:
                await self._outcomes.publish(outcome, received.traceparent)
                self._settled[update.update_id] = None
        if len(self._settled) > REMEMBERED:
            self._settled.popitem(last=False)
        self._done(record)

    async def _outcome(self, update: UpdateRequested) -> Outcome | None:
        to = update.reply_to
        receiver = self._receivers.get((update.desk, to.channel, to.provider))
        if receiver is None:
            return failed(
                update, self._clock, 0, "no_sender", f"the policy has no sender for {to.channel}/{to.provider}"
            )

        async def attempt() -> None:
            await post(self._client, receiver, update, self._clock)

        return await hand_over(update, attempt, within=self._within, clock=self._clock)

    def _done(self, record: Record) -> None:
        self._offsets.done(record.partition, record.offset)
        self._moved.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._room.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    async def _settle_down(self) -> None:
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=GRACE_SECONDS)

    async def _commit(self) -> None:
        moved = {TopicPartition(self._topic, p): offset for p, offset in self._offsets.advanced().items()}
        if not moved:
            return
        try:
            await commit(self._consumer, moved)
        except Moved as error:
            log.info("offsets are not committed; what they stand for may be repeated", error=str(error))
