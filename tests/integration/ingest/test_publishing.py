"""The producer's own life."""

from __future__ import annotations

import asyncio

import pytest

from runtime.health import Health
from schemas.codec import encode
from services.ingest.provider import Rejected
from services.ingest.publishing import Publisher
from tests.integration.ingest.process import published
from tests.unit.ingest.provider_side import chat, parse

pytestmark = pytest.mark.kafka


async def until_ready(publisher: Publisher) -> None:
    async with asyncio.timeout(60):
        while publisher.ready() is not None:  # noqa: ASYNC110 - readiness is asked for, not announced
            await asyncio.sleep(0.02)


async def test_a_producer_beyond_repair_is_replaced(installation, kafka):
    """A producer that has come to its end costs a request a 503; soon after, a new one has taken its place."""
    (event,) = parse("standard", chat())
    record = encode(event, event.message_id, "/test")
    publisher = Publisher(kafka, installation.topics())
    stopping = asyncio.Event()
    running = asyncio.create_task(publisher.run(stopping, Health()))
    await until_ready(publisher)
    await publisher.publish([record])
    first = publisher._producer
    await first.stop()
    with pytest.raises(Rejected) as refused:
        await publisher.publish([record])
    assert refused.value.reason == "unavailable"
    with pytest.raises(Rejected):
        await publisher.publish([record])
    await until_ready(publisher)
    assert publisher._producer is not first
    await publisher.publish([record])
    stopping.set()
    await running
    assert len(await published(installation, kafka, 2)) == 2


async def test_nothing_to_publish(installation, kafka):
    """A request without new messages needs Kafka to be there all the same: its answer is a promise."""
    publisher = Publisher(kafka, installation.topics())
    with pytest.raises(Rejected):
        await publisher.publish([])
