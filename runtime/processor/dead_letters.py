"""Records that cannot be processed: put aside unchanged, with the reason and where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from aiokafka import ConsumerRecord, TopicPartition

from runtime.processor.failures import TooManyDeadLetters
from runtime.processor.work import Write
from schemas.topics import Service

Reason = Literal["undecodable", "misplaced", "undecided", "damaging"]
"""Not an event of the topic; not in the partition of its key; the core refused to decide; it left the
core's state half changed.
"""
REASONS: Final[tuple[Reason, ...]] = ("undecodable", "misplaced", "undecided", "damaging")

PREFIX: Final = "dead-letter-"
_DETAIL_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something to be processed came from: a record's place, or a deadline of a partition."""

    topic: str
    partition: int
    offset: int | None
    due: str | None = None

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.due if self.offset is None else self.offset}"


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Makes the records for the dead letter topic."""

    service: Service
    topic: str

    def of_record(
        self, record: ConsumerRecord[Any, Any], reason: Reason, detail: str, at: datetime
    ) -> tuple[TopicPartition, Write]:
        """`record` as it was, in the same partition, with headers that say why and whence."""
        origin = Origin(record.topic, record.partition, record.offset)
        headers = [*record.headers, *self._headers(origin, reason, detail, at)]
        return TopicPartition(self.topic, record.partition), (record.key, record.value, headers)

    def of_deadline(self, origin: Origin, reason: Reason, detail: str, at: datetime) -> tuple[TopicPartition, Write]:
        """A deadline that cannot be processed. It has no record: its id is the key, and there is no value."""
        key = (origin.due or "").encode()
        return TopicPartition(self.topic, origin.partition), (key, None, self._headers(origin, reason, detail, at))

    def _headers(self, origin: Origin, reason: Reason, detail: str, at: datetime) -> list[tuple[str, bytes]]:
        return [
            (f"{PREFIX}reason", reason.encode()),
            (f"{PREFIX}detail", detail[:_DETAIL_CHARACTERS].encode("utf-8", "replace")),
            (f"{PREFIX}origin", str(origin).encode()),
            (f"{PREFIX}service", self.service.encode()),
            (f"{PREFIX}time", at.isoformat().encode()),
        ]


class Streak:
    """Counts dead letters that come one after another.

    The batch in which the limit is reached is not committed, so its records stay on their topic. What
    earlier batches put aside stays put aside, and a restart counts from zero: each restart may put
    aside one less than the limit.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._length = 0
        self._before = 0

    def begin(self) -> None:
        """A batch begins."""
        self._before = self._length

    def rewind(self) -> None:
        """The batch will be processed again: forget what it counted."""
        self._length = self._before

    def success(self) -> None:
        """Something could be processed."""
        self._length = 0

    def failure(self, origin: Origin, reason: Reason, detail: str) -> None:
        """Something could not. Raises TooManyDeadLetters at the limit."""
        self._length += 1
        if self._length >= self._limit:
            raise TooManyDeadLetters(
                f"{self._length} in a row could not be processed, the last at {origin}: {reason}: {detail}; "
                "nothing of this batch was committed"
            )
