"""What one transaction writes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import TopicPartition

from schemas.codec import Header

Write = tuple[bytes | None, bytes | None, list[Header]]
"""Key, value and headers of a record to be written."""

MAX_VALUE_BYTES: Final = 1_000_000
"""Of an event or an entity at most: with its key and headers a little below what a broker takes by default."""


@dataclass(slots=True)
class Work:
    """The outcome of a batch: final when all of it is committed, and nothing before that."""

    writes: dict[TopicPartition, list[Write]] = field(default_factory=dict)
    """Events, dead letters and changed entities, in order, by where they go."""
    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    """Where to read on, by input."""
    facts: list[Any] = field(default_factory=list)
    """Everything that was decided, public and private, in order."""
    dead: Counter[str] = field(default_factory=Counter)
    """How many were put aside, by reason."""
    taken: dict[TopicPartition, tuple[int, float]] = field(default_factory=dict)
    """How many input records are in it, and the timestamp of the last, in seconds since 1970."""

    def write(self, to: TopicPartition, write: Write) -> None:
        """Add a record."""
        writes = self.writes.get(to)
        if writes is None:
            self.writes[to] = [write]
        else:
            writes.append(write)

    def __bool__(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.offsets or self.writes)
