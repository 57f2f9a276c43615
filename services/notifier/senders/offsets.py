"""Which offsets may be committed while several records of a partition are worked on at once. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class _Partition:
    seen: int
    """The highest offset that was begun."""
    committed: int
    """The next offset to read, as last handed out."""
    open: set[int] = field(default_factory=set)
    """Begun and not done."""


class Offsets:
    """Records are begun in order and done in any; the offset to commit is that of the first one not done.

    Offsets have gaps (transactions' own records lie between), so only what was begun counts.
    """

    def __init__(self) -> None:
        self._partitions: dict[int, _Partition] = {}

    def begin(self, partition: int, offset: int) -> bool:
        """Whether the record is new; False when it was begun before (it came again after a rebalance)."""
        at = self._partitions.setdefault(partition, _Partition(offset - 1, offset))
        if offset <= at.seen:
            return False
        at.seen = offset
        at.open.add(offset)
        return True

    def done(self, partition: int, offset: int) -> None:
        """The record is finished; nothing happens when its partition was forgotten meanwhile."""
        if partition in self._partitions:
            self._partitions[partition].open.discard(offset)

    def advanced(self) -> dict[int, int]:
        """Partition to the offset to commit, where it moved since the last call."""
        moved = {}
        for partition, at in self._partitions.items():
            following = min(at.open, default=at.seen + 1)
            if following > at.committed:
                at.committed = moved[partition] = following
        return moved

    def forget(self) -> None:
        """The partitions were revoked; whoever gets them begins at what is committed."""
        self._partitions.clear()
