"""What the committed facts add to the metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from runtime.metrics import SLA_CLOCKS, SLA_LATENESS_SECONDS
from schemas.sla import ClockBreached, ClockCancelled, ClockEvent, ClockMet, ClockWarned
from services.sla_watcher.core.case import Prioritised
from services.sla_watcher.core.clock import CLOCKS

OUTCOMES: Final[dict[type[ClockEvent], str]] = {
    ClockWarned: "warned",
    ClockBreached: "breached",
    ClockMet: "met",
    ClockCancelled: "cancelled",
}
"""Beside `started`. Of the clocks that started, those that are not met or cancelled still run."""


def begin(desks: Iterable[str]) -> None:
    """Every series at zero, so that its first event is seen as an increase."""
    for desk in desks:
        for clock in CLOCKS:
            for outcome in ("started", *OUTCOMES.values()):
                SLA_CLOCKS.labels(desk, clock, outcome)


def observe(facts: Iterable[Any]) -> None:
    """Count a batch of facts, once it is committed."""
    for fact in facts:
        if isinstance(fact, Prioritised) and fact.first:
            # ClockStarted would count a clock again whenever its priority changes.
            for clock in CLOCKS:
                SLA_CLOCKS.labels(fact.subject.desk, clock, "started").inc()
        elif outcome := OUTCOMES.get(type(fact)):
            SLA_CLOCKS.labels(fact.desk, fact.clock, outcome).inc()
            if isinstance(fact, ClockBreached):
                SLA_LATENESS_SECONDS.observe((fact.at - fact.due_at).total_seconds())
