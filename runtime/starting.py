"""The first thing that a service does on Kafka: see whether its topics are there."""

from __future__ import annotations

import asyncio
from typing import Final

from runtime.health import Health
from runtime.settings import KafkaSettings
from runtime.topic_admin import wait_for_topics
from schemas.topics import Topics

BEAT_SECONDS: Final = 5.0


async def started(kafka: KafkaSettings, topics: Topics, health: Health, stopping: asyncio.Event) -> bool:
    """Wait for Kafka and the topics, then count as started; False when told to stop before that.

    Alive all the while: a restart would bring neither. Raises Refusal for a wrong number of partitions.
    """
    waiting = asyncio.create_task(wait_for_topics(kafka, topics))
    asked = asyncio.create_task(stopping.wait())
    try:
        while not waiting.done() and not asked.done():
            health.beat()
            await asyncio.wait({waiting, asked}, return_when=asyncio.FIRST_COMPLETED, timeout=BEAT_SECONDS)
        if not waiting.done():
            return False
        waiting.result()
    finally:
        waiting.cancel()
        asked.cancel()
        await asyncio.gather(waiting, asked, return_exceptions=True)
    health.started = True
    return True
