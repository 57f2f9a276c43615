"""What every way in that is not HTTP ends in: parsed by the provider, on Kafka, counted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog

from runtime import metrics
from runtime.clock import Clock, utc_now
from schemas.codec import Encoded, encode, new_traceparent
from schemas.messages import MessageReceived
from schemas.policy import DeskPolicy
from services.ingest.provider import InboundEvent, Intake, Provider, Request
from services.ingest.publishing import Publisher

log = structlog.get_logger(__name__)

SOURCE: Final = "/switchboard/ingest"


class Accepting:
    """Takes payloads from ways in that have done their own proof. One for each process."""

    def __init__(self, publisher: Publisher, clock: Clock = utc_now) -> None:
        self._publisher = publisher
        self._clock = clock
        # One thread: more would only fight for the interpreter, and each holds a parsed mail.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="parse")

    async def parse(
        self, desk: str, policy: DeskPolicy, provider: Provider, request: Request, *, proven: bool
    ) -> Sequence[InboundEvent]:
        """The events in the payload. Raises Rejected; whatever else it raises is a bug of the parser's."""
        intake = Intake(desk, policy, provider.channel, provider.name, self._clock(), proven)
        return await asyncio.get_running_loop().run_in_executor(self._worker, provider.parse, request, intake)

    async def publish(self, events: Sequence[InboundEvent]) -> None:
        """Return when Kafka has all of them. Raises Rejected(unavailable, too_large)."""
        trace = new_traceparent()
        await self._publisher.publish([encoded(event, trace) for event in events])
        count(events)


def encoded(event: InboundEvent, traceparent: str) -> Encoded:
    """The record of an event, under the id that it carries itself."""
    return encode(event, event.message_id, SOURCE, traceparent)


def count(events: Sequence[InboundEvent]) -> None:
    """Add what is safely on Kafka to the metrics."""
    for event in events:
        if isinstance(event, MessageReceived):
            metrics.MESSAGES_RECEIVED.labels(event.desk, event.channel, event.provider).inc()
