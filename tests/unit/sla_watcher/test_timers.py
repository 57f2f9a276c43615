"""Exact timers."""

from __future__ import annotations

from services.sla_watcher.core.timers import Timers
from tests.unit.sla_watcher.scene import at

A, B = ("a", "resolution"), ("b", "resolution")


def test_earliest_first() -> None:
    """Timers are taken in the order of their instants, each once, and none before its instant."""
    timers = Timers()
    timers.set(A, at(20))
    timers.set(B, at(10))
    assert timers.next() == at(10)
    assert timers.take(at(9)) is None
    assert [timers.take(at(20)) for _ in range(3)] == [(at(10), B), (at(20), A), None]


def test_replaced() -> None:
    """Only the last instant of a key counts, be it later, earlier, the first one again, or none."""
    timers = Timers()
    for second in (10, 30, 20, 30, 10):
        timers.set(A, at(second))
    timers.set(B, at(5))
    timers.set(B, None)
    assert [timers.take(at(99)) for _ in range(2)] == [(at(10), A), None]
    assert timers.next() is None


def test_outdated_entries_are_cleaned() -> None:
    """Deadlines far away that were replaced do not pile up."""
    timers = Timers()
    for second in range(10_000):
        timers.set(A, at(1_000_000 - second))
    assert len(timers._heap) < 100
    assert timers.next() == at(1_000_000 - 9_999)
