"""FastStream's messages back to Kafka's records, and those to requested updates.

FastStream's own parser decodes every header as UTF-8 and fails on others, publishes what a handler returns
to whatever topic a `reply_to` header names, and its `ack` commits whatever the consumer has fetched. So it
sees no headers, and offsets are committed here, by number.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream.kafka.message import KafkaMessage

from schemas.codec import Received, Undecodable, decode
from schemas.topics import UPDATES
from schemas.updates import UpdateRequested

log = structlog.get_logger(__name__)

Record: TypeAlias = "ConsumerRecord[bytes, bytes]"


async def parse(record: Record, original: Callable[[Record], Awaitable[KafkaMessage]]) -> KafkaMessage:
    """FastStream's parser without the record's headers; the record itself as `raw_message`."""
    message = await original(replace(record, headers=()))
    message.raw_message = record
    return message


async def whole(message: KafkaMessage) -> KafkaMessage:
    """FastStream's decoder: the handler gets the message itself."""
    return message


def requested(record: Record) -> tuple[UpdateRequested, Received] | None:
    """The update that a record requests; None for an outcome, and for what nobody can read, which the
    processor puts to the dead letters.
    """
    try:
        received = decode(record.value, record.headers, UPDATES.events)
    except Undecodable as error:
        log.warning("not an event; the processor puts it aside", offset=record.offset, error=str(error))
        return None
    return (received.event, received) if isinstance(received.event, UpdateRequested) else None


class Moved(Exception):
    """The partition may be another consumer's by now. To do: leave its records alone."""


async def commit(consumer: Any, offsets: Mapping[TopicPartition, int]) -> None:
    """Commit exactly these. Raises Moved when the group has rebalanced or the broker will not have it."""
    try:
        await consumer.commit(dict(offsets))
    except (KafkaError, IllegalStateError) as error:
        raise Moved(repr(error)) from error


def place(record: Record) -> TopicPartition:
    """Where a record lies."""
    return TopicPartition(record.topic, record.partition)
