"""Kafka clients, made alike everywhere: one place for the options that matter."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from runtime.settings import KafkaSettings

log = structlog.get_logger(__name__)

STOP_SECONDS = 5.0
"""How long a client may take to stop: it flushes, and hangs without a broker."""


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
    """Stop `client` within a limit; when that fails, cut it off. Raises nothing but its caller's own cancellation.

    Without a broker stop() hangs in a flush, or ends in a CancelledError that is nobody's (a fetch that
    it cancelled itself), and leaves tasks and connections behind that go on trying for ever. So it runs
    in a task of its own, and what it leaves is ended here.
    """
    stopping = asyncio.create_task(client.stop())
    await asyncio.wait({stopping}, timeout=STOP_SECONDS)
    if stopping.done() and not stopping.cancelled() and stopping.exception() is None:
        return
    error = "no end" if not stopping.done() else "cancelled" if stopping.cancelled() else repr(stopping.exception())
    log.warning("a Kafka client did not stop, cutting it off", error=error)
    stopping.cancel()
    left: list[asyncio.Task[Any]] = [stopping]
    if isinstance(client, AIOKafkaProducer):
        connections = client.client
        if (sender := client._sender.sender_task) is not None:  # noqa: SLF001 - nothing else ends it
            sender.cancel()
            left.append(sender)
    else:
        connections = client._client  # noqa: SLF001 - stop() did not get to it
    with contextlib.suppress(Exception):
        async with asyncio.timeout(STOP_SECONDS):
            await connections.close()
    await asyncio.wait(left, timeout=STOP_SECONDS)
