"""The one way to write: events, changelog and offsets of a batch together, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

from aiokafka import TopicPartition

from runtime import kafka as clients
from runtime.processor import failures
from runtime.processor.work import Work, Write
from runtime.settings import KafkaSettings, Settings

RETRY_MS: Final = 20
"""The same that aiokafka waits where it knows the cause (CONCURRENT_TRANSACTIONS)."""
BATCH_BYTES: Final = 512 * 1024
"""Of one produce batch; a broker takes twice that by default."""


class Writer(Protocol):
    """How the work of one partition gets to Kafka."""

    async def start(self) -> None:
        """Become the only one who may write for the partition. Raises Rejoin."""

    async def commit(self, work: Work) -> None:
        """Write all of `work`; when it returns, all of it is final. Raises Rejoin; the writer is then useless."""

    async def close(self) -> None:
        """Give up the connections. Raises nothing."""


class TransactionalWriter:
    """One producer with the partition's own transactional id.

    The id is what keeps a former owner out: starting a producer with it ends whatever transaction the
    former owner had open, and Kafka refuses that one's writes from then on. aiokafka has no KIP-447, so
    the id must be the partition's, not the process's.
    """

    def __init__(self, kafka: KafkaSettings, settings: Settings, group: str, partition: int) -> None:
        self._group = group
        self._seconds = settings.transaction_seconds
        self._producer = clients.producer(
            kafka,
            transactional_id=f"{group}-{partition}",
            # A producer that dies, or is thrown away, holds back read-committed readers for so long.
            transaction_timeout_ms=round(settings.transaction_seconds * 1000),
            linger_ms=0,
            # Kafka 4 refuses the first write of a transaction while it still marks the end of the one before
            # (KIP-890), and aiokafka would come again after 100 ms: longer than the transaction takes.
            retry_backoff_ms=RETRY_MS,
            max_batch_size=BATCH_BYTES,
        )

    async def start(self) -> None:
        """Fence the former owner. Committed offsets and the changelog are final only after this."""
        with failures.kafka("starting a producer"):
            async with asyncio.timeout(2 * self._seconds):
                await self._producer.start()

    async def commit(self, work: Work) -> None:
        """One transaction. Never cancelled except by its own time limit: a commit that is cancelled
        leaves the producer stuck, and is not known to have failed.
        """
        with failures.kafka("a transaction"):
            async with asyncio.timeout(self._seconds):
                await self._producer.begin_transaction()
                sent: list[Any] = await send(self._producer, work)
                if work.offsets:
                    sent.append(self._producer.send_offsets_to_transaction(work.offsets, self._group))
                # Every one of them: commit_transaction() succeeds even when a send has failed.
                await asyncio.gather(*sent)
                await self._producer.commit_transaction()

    async def close(self) -> None:
        """Close the producer, within a limit: stop() flushes, hangs without a broker, and never aborts."""
        await clients.close(self._producer)


async def send(producer: Any, work: Work) -> list[asyncio.Future[Any]]:
    """Hand the records of `work` to an aiokafka producer; what to await for each of its batches.

    Whole batches, not records: a future for each record costs more than deciding about it.
    """
    sent: list[asyncio.Future[Any]] = []
    for tp, writes in work.writes.items():
        sent.extend(await _send_to(producer, tp, writes))
    return sent


async def _send_to(producer: Any, tp: TopicPartition, writes: Sequence[Write]) -> list[asyncio.Future[Any]]:
    sent = []
    batch = producer.create_batch()
    for key, value, headers in writes:
        if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
            sent.append(await producer.send_batch(batch, tp.topic, partition=tp.partition))
            batch = producer.create_batch()
            batch.append(timestamp=None, key=key, value=value, headers=headers)
    sent.append(await producer.send_batch(batch, tp.topic, partition=tp.partition))
    return sent
