"""What came of updates, put on Kafka for sure and under one id for each update."""

from __future__ import annotations

from typing import Final

import stamina
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.codec import derive_id, encode
from schemas.topics import Topics
from services.notifier.senders.attempts import Outcome

log = structlog.get_logger(__name__)

SOURCE: Final = "/switchboard/notifier/senders"


class Outcomes:
    """Publishes to `updates`."""

    def __init__(self, producer: AIOKafkaProducer, topics: Topics) -> None:
        self._producer = producer
        self._topics = topics

    async def publish(self, outcome: Outcome, traceparent: str | None) -> None:
        """Return when Kafka has it, however long that takes. An update told of twice has the same id twice.

        Raises KafkaError for what waiting does not mend (no permission): the process should end.
        """
        record = encode(outcome, derive_id(outcome.update_id, "outcome"), SOURCE, traceparent)
        async for again in stamina.retry_context(on=_passing, attempts=None, timeout=None, wait_max=5.0):
            with again:
                await self._producer.send_and_wait(
                    self._topics.name(record.topic), record.value, key=record.key, headers=record.headers
                )
        log.info(
            "update settled",
            update_id=outcome.update_id,
            desk=outcome.desk,
            case_id=outcome.case_id,
            channel=outcome.channel,
            outcome=outcome.kind,
            reason=getattr(outcome, "reason", None),
            attempt=outcome.attempts,
        )


def _passing(error: Exception) -> bool:
    return isinstance(error, KafkaError) and bool(error.retriable)
