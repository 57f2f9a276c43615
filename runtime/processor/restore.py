"""A core's state back from its changelog."""

from __future__ import annotations

import time
from typing import Final

import structlog
from aiokafka import TopicPartition

from runtime import kafka as clients
from runtime.core import Core
from runtime.metrics import RESTORED_ENTITIES
from runtime.processor import failures
from runtime.settings import KafkaSettings
from schemas.topics import Service

log = structlog.get_logger(__name__)

FETCH_BYTES: Final = 8 * 1024 * 1024
REPORT_EVERY: Final = 25_000
"""Snapshots read between two lines of progress."""
PATIENCE_SECONDS: Final = 60.0
"""Without any progress for so long the attempt is given up."""


async def restore(core: Core, changelog: TopicPartition, kafka: KafkaSettings, service: Service) -> None:
    """Fill the empty `core` from the changelog's beginning to its last stable offset.

    To be called when the former owner is fenced, since only then is the end final. The log may be
    compacted or not: the last snapshot of an entity counts. Raises Rejoin, or CoreFailed when the core
    cannot read a snapshot.
    """
    began = time.monotonic()
    entities = await _read(changelog, kafka, service)
    with failures.core("load"):
        for key, snapshot in entities.items():
            core.load(key.decode(), snapshot)
        core.loaded()
    log.info(
        "restored",
        topic=changelog.topic,
        partition=changelog.partition,
        entities=len(entities),
        seconds=round(time.monotonic() - began, 3),
    )


async def _read(changelog: TopicPartition, kafka: KafkaSettings, service: Service) -> dict[bytes, bytes]:
    """The last snapshot of each entity. Its order is that of the first snapshots in the log."""
    entities: dict[bytes, bytes] = {}
    counter = RESTORED_ENTITIES.labels(service)
    began = moved = time.monotonic()
    read, reported = 0, 0
    with failures.kafka("restoring"):
        reader = clients.reader(
            kafka, max_partition_fetch_bytes=FETCH_BYTES, fetch_max_bytes=FETCH_BYTES, fetch_max_wait_ms=100
        )
        try:
            await reader.start()
            reader.assign([changelog])
            first = (await reader.beginning_offsets([changelog]))[changelog]
            end = (await reader.end_offsets([changelog]))[changelog]
            reader.seek(changelog, first)
            position = first
            while position < end:
                for records in (await reader.getmany(timeout_ms=100, max_records=10_000)).values():
                    for record in records:
                        if record.value is None:
                            entities.pop(record.key, None)
                        else:
                            entities[record.key] = record.value
                    read += len(records)
                    counter.inc(len(records))
                now = time.monotonic()
                before, position = position, await reader.position(changelog)
                if position > before:
                    moved = now
                elif now - moved > PATIENCE_SECONDS:
                    raise TimeoutError(f"no progress for {PATIENCE_SECONDS:.0f} s at {position} of {end}")
                if read - reported >= REPORT_EVERY:
                    reported = read
                    log.info(
                        "restoring",
                        topic=changelog.topic,
                        partition=changelog.partition,
                        entities=len(entities),
                        records=position - first,
                        total=end - first,
                        seconds=round(now - began, 3),
                    )
        finally:
            await clients.close(reader)
    return entities
