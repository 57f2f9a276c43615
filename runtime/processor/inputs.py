"""Reads one partition number of every input, and gets past records that aiokafka itself cannot read."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from runtime.processor import failures

log = structlog.get_logger(__name__)

Batch = Mapping[TopicPartition, Sequence[ConsumerRecord[Any, Any]]]
"""Records of one partition number, by input."""

UNREADABLE: Final = "unreadable"
"""The one header of the record that stands for one which cannot be read."""
_CAREFUL_MS: Final = 200


class Inputs:
    """The share of a session's consumer that belongs to one task."""

    def __init__(self, consumer: AIOKafkaConsumer, tps: Sequence[TopicPartition]) -> None:
        self.tps = tps
        self._consumer = consumer
        self._next: dict[TopicPartition, int] = {}
        self._backlog: dict[TopicPartition, int] = {}
        """Up to where records waited when the partition was taken over, until they are read."""

    def pause(self) -> None:
        """Fetch nothing: wherever the group's coordinator would read on is of no use until we know better."""
        with failures.kafka("pausing"):
            self._consumer.pause(*self.tps)

    async def committed(self) -> dict[TopicPartition, int]:
        """Where to read on: the committed offsets, or the beginning where there is none, or no longer one."""
        with failures.kafka("reading committed offsets"):
            begin = await self._consumer.beginning_offsets(self.tps)
            committed = {tp: await self._consumer.committed(tp) for tp in self.tps}
            self._backlog = await self._consumer.end_offsets(self.tps)
        for tp, offset in committed.items():
            if offset is not None and offset < begin[tp]:
                log.error(
                    "deleted before they were processed: retention is too short",
                    topic=tp.topic,
                    partition=tp.partition,
                    records=begin[tp] - offset,
                )
        return {tp: max(committed[tp] or 0, begin[tp]) for tp in self.tps}

    async def caught_up(self) -> bool:
        """Whether everything was read that waited when the partition was taken over."""
        if self._backlog:
            with failures.kafka("asking for the position"):
                reached = {tp: await self._consumer.position(tp) for tp in self._backlog}
            self._backlog = {tp: end for tp, end in self._backlog.items() if reached[tp] < end}
        return not self._backlog

    def resume(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Fetch from here on. Whatever was fetched before is dropped."""
        with failures.kafka("resuming"):
            self._seek(offsets)
            self._consumer.resume(*self.tps)

    async def read(self, seconds: float, limit: int) -> Batch:
        """At most `limit` records as soon as there are any, or none after `seconds`. May be cancelled."""
        with failures.kafka("fetching"):
            try:
                batch: Batch = await self._consumer.getmany(
                    *self.tps, timeout_ms=int(seconds * 1000) + 1, max_records=limit
                )
            except UnicodeDecodeError:
                # The error may have taken records of another input with it.
                self._seek(self._next)
                batch = await self._read_carefully(limit)
        self._next.update({tp: records[-1].offset + 1 for tp, records in batch.items()})
        return batch

    async def _read_carefully(self, limit: int) -> Batch:
        """Up to and with the first unreadable record of each input, one at a time.

        aiokafka takes the names of headers for UTF-8, which Kafka does not ask for; a fetch that holds
        another one raises for ever, and would stop the partition. Nor can it read what the same producer
        sent behind that record in the same batch. The values are not to be had, but they stay on the
        topic; what stands for such a record has its place and a header that says so.
        """
        found: dict[TopicPartition, list[ConsumerRecord[Any, Any]]] = {}
        for tp in self.tps:
            records: list[ConsumerRecord[Any, Any]] = []
            while len(records) < limit:
                try:
                    got = await self._consumer.getmany(tp, timeout_ms=_CAREFUL_MS, max_records=1)
                except UnicodeDecodeError:
                    # The position stays before markers and aborted records that lie in between.
                    fetched = self._consumer._fetcher._records[tp]  # noqa: SLF001 - nothing else knows
                    offset = fetched._partition_records.next_fetch_offset  # noqa: SLF001 - as above
                    records.append(_stand_in(tp, offset))
                    self._seek({tp: offset + 1})
                    break
                if not got:
                    break
                records.extend(got[tp])
            if records:
                found[tp] = records
        return found

    def _seek(self, offsets: Mapping[TopicPartition, int]) -> None:
        for tp, offset in offsets.items():
            self._consumer.seek(tp, offset)
        self._next.update(offsets)


def _stand_in(tp: TopicPartition, offset: int) -> ConsumerRecord[Any, Any]:
    headers: Iterable[tuple[str, bytes]] = (
        (UNREADABLE, b"the name of a header, here or before in the same batch, is not UTF-8"),
    )
    return ConsumerRecord(
        topic=tp.topic,
        partition=tp.partition,
        offset=offset,
        timestamp=int(time.time() * 1000),
        timestamp_type=0,
        key=None,
        value=None,
        checksum=None,
        serialized_key_size=-1,
        serialized_value_size=-1,
        headers=tuple(headers),
    )
