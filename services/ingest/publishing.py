"""Records to Kafka, acknowledged; and whether Kafka is there at all.

aiokafka's producer does this, not FastStream's: FastStream adds headers of its own to every record, takes
security in objects of its own beside ours, opens an admin client (with rights that ingest does not need), and
a start that fails leaves its producer behind, unclosed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from runtime.health import Health
from runtime.kafka import close, producer
from runtime.settings import KafkaSettings
from schemas.codec import Encoded
from schemas.topics import Topics
from services.ingest.provider import Rejected

log = structlog.get_logger(__name__)

ACKNOWLEDGE_SECONDS: Final = 5.0
"""How long a request waits for Kafka. Providers give up after 10 to 15 seconds."""
PROBE_SECONDS: Final = 2.0
"""Between two looks at Kafka."""
RETRY_AFTER_SECONDS: Final = 5
"""What a provider is told to wait before it comes again."""

AWAY: Final = "Kafka is away"


class Publisher:
    """One idempotent producer, made anew whenever it is beyond repair."""

    def __init__(self, kafka: KafkaSettings, topics: Topics) -> None:
        self._kafka = kafka
        self._topics = topics
        self._producer: AIOKafkaProducer | None = None
        self._broken = False
        self._away: str | None = "connecting to Kafka"

    def ready(self) -> str | None:
        """None when records can be published now, otherwise why not. A readiness check."""
        return self._away

    async def publish(self, records: Sequence[Encoded]) -> None:
        """Return when every record is acknowledged by all replicas.

        Raises Rejected(unavailable) when that does not happen in time. Records of which some were
        acknowledged will then come twice when the provider repeats its request, with the same ids.
        """
        client = self._producer
        if client is None or self._away is not None:
            raise Rejected("unavailable", f"{self._away or AWAY}; send it again")
        try:
            async with asyncio.timeout(ACKNOWLEDGE_SECONDS):
                futures = [
                    await client.send(
                        self._topics.name(record.topic), record.value, key=record.key, headers=record.headers
                    )
                    for record in records
                ]
                # All are waited for, even after one failed: none may be left behind unobserved.
                results = await asyncio.gather(*futures, return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result
        except TimeoutError as error:
            # An idempotent producer keeps what it holds and sends it when Kafka is back.
            self._lost(error)
            raise Rejected("unavailable", "Kafka did not acknowledge in time; send it again") from error
        except MessageSizeTooLargeError as error:
            raise Rejected("too_large", "the message is larger than a Kafka record may be") from error
        except KafkaError as error:
            self._lost(error)
            self._broken = True
            raise Rejected("unavailable", "Kafka refused the message for now; send it again") from error

    async def run(self, stopping: asyncio.Event, health: Health) -> None:
        """Keep a producer connected, and know whether Kafka answers, until told to stop."""
        while not stopping.is_set():
            health.beat()
            await self._look()
            try:
                async with asyncio.timeout(PROBE_SECONDS):
                    await stopping.wait()
            except TimeoutError:
                continue
        if self._producer is not None:
            await close(self._producer)

    async def _look(self) -> None:
        """Connect if need be; ask Kafka for its metadata, which only a living one gives."""
        if self._broken and self._producer is not None:
            await close(self._producer)
            self._producer = None
        self._broken = False
        try:
            async with asyncio.timeout(ACKNOWLEDGE_SECONDS):
                if self._producer is None:
                    self._producer = await self._connected()
                await self._producer.client.fetch_all_metadata()
        except (KafkaError, OSError, TimeoutError) as error:
            self._lost(error)
        else:
            if self._away is not None:
                log.info("connected to Kafka")
            self._away = None

    def _lost(self, error: Exception) -> None:
        if self._away is None:
            log.warning("Kafka is away", error=type(error).__name__)
        self._away = AWAY

    async def _connected(self) -> AIOKafkaProducer:
        client = producer(self._kafka)
        try:
            await client.start()
        except BaseException:
            await close(client)
            raise
        return client
