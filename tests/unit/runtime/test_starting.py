"""A service whose Kafka is away."""

from __future__ import annotations

import asyncio

from runtime.health import Health
from runtime.settings import KafkaSettings
from runtime.starting import started
from schemas.topics import Topics

NOBODY = KafkaSettings(bootstrap_servers="127.0.0.1:1")


async def test_stops_while_kafka_is_away() -> None:
    """It waits, alive and not started, and goes when it is told to."""
    health, stopping = Health(live_after_seconds=5.0), asyncio.Event()
    starting = asyncio.create_task(started(NOBODY, Topics(), health, stopping))
    done, _ = await asyncio.wait({starting}, timeout=0.5)
    assert not done
    assert (health.live(), health.startup()) == (None, "starting: waiting for Kafka and its topics")
    stopping.set()
    async with asyncio.timeout(30):
        assert await starting is False
    assert not health.started
