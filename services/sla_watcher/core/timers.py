"""Exact timers: a heap of instants that is cleaned as it is read."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import datetime

from schemas.sla import ClockName

Key = tuple[str, ClockName]
"""A case, and which of its clocks."""

_SLACK = 64
"""So many outdated entries are not worth a cleaning."""


class Timers:
    """At most one instant for each key.

    Setting and taking cost O(log n). An entry that was replaced stays in the heap until it comes to
    the top, or until more than half of the heap is outdated: a deadline that is days away and was met
    in minutes must not be carried for days.
    """

    def __init__(self) -> None:
        self._due: dict[Key, datetime] = {}
        self._heap: list[tuple[datetime, Key]] = []

    def set(self, key: Key, instant: datetime | None) -> None:
        """Ring for `key` at `instant` and not at any other; None: not at all."""
        if self._due.get(key) == instant:
            return
        if instant is None:
            del self._due[key]
        else:
            self._due[key] = instant
            heapq.heappush(self._heap, (instant, key))
        if len(self._heap) > 2 * len(self._due) + _SLACK:
            self.rebuild(self._due.items())

    def next(self) -> datetime | None:
        """The earliest instant."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now: datetime) -> tuple[datetime, Key] | None:
        """The earliest instant at or before `now` and its key, which is then no longer set."""
        instant = self.next()
        if instant is None or instant > now:
            return None
        _, key = heapq.heappop(self._heap)
        del self._due[key]
        return instant, key

    def rebuild(self, due: Iterable[tuple[Key, datetime]]) -> None:
        """Ring for these and for nothing else."""
        self._due = dict(due)
        self._heap = [(instant, key) for key, instant in self._due.items()]
        heapq.heapify(self._heap)
