"""Kafka clients, made alike everywhere: one place for the options that matter."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from runtime.settings import KafkaSettings

log = structlog.get_logger(__name__)

STOP_SECONDS = 5.0
"""stop() flushes, and hangs without a broker."""


def producer(kafka: KafkaSettings, **options: Any) -> AIOKafkaProducer:
    """A producer that waits for all replicas and never doubles a record when it sends again."""
    return AIOKafkaProducer(**kafka.client(), **{"acks": "all", "enable_idempotence": True, **options})


def reader(kafka: KafkaSettings, *topics: str, **options: Any) -> AIOKafkaConsumer:
    """A consumer without a group that sees committed records only, from the beginning unless told."""
    return AIOKafkaConsumer(
        *topics,
        **kafka.client(),
        **{
            "group_id": None,
            "isolation_level": "read_committed",
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            **options,
        },
    )


async def close(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Stop a client, within a limit; a failure is logged, since there is nothing else to do."""
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await client.stop()
    except Exception as error:  # noqa: BLE001 - it is being thrown away
        log.warning("a Kafka client did not stop cleanly", error=repr(error))
