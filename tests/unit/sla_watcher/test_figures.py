"""What the clocks add to the metrics."""

from __future__ import annotations

from prometheus_client import REGISTRY

from runtime.core import step
from services.sla_watcher import figures
from tests.unit.sla_watcher.scene import FIRST, Scene, at, opened, prioritised, replied


def count(clock: str, outcome: str) -> float | None:
    labels = {"desk": "acme", "clock": clock, "outcome": outcome}
    return REGISTRY.get_sample_value("switchboard_sla_clocks_total", labels)


def test_begin_at_zero() -> None:
    """Every series of a desk is there before anything happened."""
    figures.begin(["a-desk-of-this-test"])
    labels = {"desk": "a-desk-of-this-test", "clock": "resolution", "outcome": "breached"}
    assert REGISTRY.get_sample_value("switchboard_sla_clocks_total", labels) == 0.0


def test_counted() -> None:
    """A clock counts as started once, however often its priority changes; a breach counts with its lateness."""
    figures.begin(["acme"])
    outcomes = ("started", "warned", "breached", "met", "cancelled")
    before = [count(FIRST, outcome) for outcome in outcomes]
    late_before = REGISTRY.get_sample_value("switchboard_sla_lateness_seconds_sum")
    watcher = Scene().watcher
    for event in (opened(0), prioritised(0, "P3"), prioritised(1, "P2"), prioritised(2, "P3"), replied(102)):
        figures.observe(step(watcher, "an-event", event, at(104)))
    after = [count(FIRST, outcome) for outcome in outcomes]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 0, 1, 1, 0]
    assert REGISTRY.get_sample_value("switchboard_sla_lateness_seconds_sum") - late_before == 4.0
