"""Events onto topics and off them, as adapters, desktops and dashboards do it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer

from runtime.kafka import producer, reader
from runtime.settings import KafkaSettings, Settings
from schemas.base import Event
from schemas.codec import Received, decode, derive_id, encode
from schemas.topics import Topic

HANG_SECONDS = 60.0


@dataclass
class TopicLog:
    """One installation's topics, to write to and to read back."""

    settings: Settings
    kafka: KafkaSettings
    writer: AIOKafkaProducer
    _count: int = field(default=0)

    async def publish(self, *events: Event, event_id: str | None = None) -> None:
        """Each event to its topic, acknowledged when this returns."""
        sent = []
        for event in events:
            self._count += 1
            known = event_id or getattr(event, "message_id", None) or derive_id("test", self._count)
            record = encode(event, known, "/test")
            name = self.settings.topics().name(record.topic)
            sent.append(await self.writer.send(name, record.value, record.key, headers=record.headers))
        await asyncio.gather(*sent)

    async def read_until(self, topic: Topic, enough: Callable[[list[Received]], bool]) -> list[Received]:
        """All committed events of a topic from its beginning, once there are enough of them."""
        name = self.settings.topics().name(topic)
        consumer = reader(self.kafka, name)
        await consumer.start()
        found: list[Received] = []
        try:
            async with asyncio.timeout(HANG_SECONDS):
                while not enough(found):
                    for records in (await consumer.getmany(timeout_ms=300)).values():
                        found += (decode(r.value, r.headers) for r in records)
        except TimeoutError:
            raise AssertionError(f"not enough on {name} within {HANG_SECONDS:.0f} s: {found}") from None
        finally:
            await consumer.stop()
        return found


@contextlib.asynccontextmanager
async def topic_log(settings: Settings, kafka: KafkaSettings) -> AsyncIterator[TopicLog]:
    """The topics of an installation."""
    writer = producer(kafka)
    await writer.start()
    try:
        yield TopicLog(settings, kafka, writer)
    finally:
        await writer.stop()
