"""The clock: one promise about one case, from its start to its end. Every transition is in this file.

    event      from              to        what it means
    started    -                 running   the case got its first priority; counted from its opening
    started    running, paused   the same  the priority changed: another target, from the same opening
    paused     running           paused    the next move is the customer's (resolution only)
    resumed    paused            running   the customer made it; the deadline moves by the pause
    warned     running           running   part of the time is gone; once, and never after the breach
    breached   running           running   the time is gone; once, and for good: no new target mends it
    met        running, paused   -         what was promised happened, late if it was breached before
    cancelled  running, paused   -         nobody is owed it any more

The functions above the line decide and change nothing; `after` makes their events part of a clock.
Instants are those of the case's events, so that a watcher that was away, or that reads a case's
events again, comes to the same deadlines. An instant that equals the deadline is too late.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from schemas.base import Priority
from schemas.policy import Sla
from schemas.sla import (
    ClockBreached,
    ClockCancelled,
    ClockEvent,
    ClockMet,
    ClockName,
    ClockPaused,
    ClockResumed,
    ClockStarted,
    ClockWarned,
)

CLOCKS: tuple[Literal["first_response"], Literal["resolution"]] = ("first_response", "resolution")
"""Those that run on a case."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose clock it is: what each of its events repeats."""

    desk: str
    case_id: str
    reference: str
    opened_at: datetime

    def says(self, clock: ClockName, now: datetime) -> dict[str, Any]:
        """The fields that every event of a clock has."""
        return {
            "desk": self.desk,
            "at": now,
            "case_id": self.case_id,
            "reference": self.reference,
            "clock": clock,
        }


@dataclass(frozen=True, slots=True)
class Clock:
    """A promise that holds."""

    name: ClockName
    priority: Priority
    counts_from: datetime
    """The opening of the case, moved on by the time that the clock stood still."""
    due_at: datetime
    """While the clock is paused: as it was when it was paused."""
    warn_at: datetime
    paused_at: datetime | None = None
    resumed_at: datetime | None = None
    """When it was resumed last: a pause from before that is heard of again is over."""
    warned: bool = False
    breached: bool = False

    @property
    def deadline(self) -> datetime | None:
        """When it next does something by itself."""
        if self.paused_at is not None or self.breached:
            return None
        return self.due_at if self.warned else min(self.warn_at, self.due_at)

    def late(self, at: datetime) -> bool:
        """Whether the promise is broken at `at`, be it published already or not."""
        return self.breached or (self.paused_at is None and self.due_at <= at)

    def elapsed(self, at: datetime) -> float:
        """Seconds since the opening at `at`, without those that the clock stood still."""
        return ((self.paused_at or at) - self.counts_from).total_seconds()


@dataclass(frozen=True, slots=True)
class Terms:
    """What is promised, and when it was."""

    priority: Priority
    sla: Sla
    version: str
    """Of the policy."""
    made_at: datetime


def start(of: Subject, name: ClockName, terms: Terms, now: datetime) -> ClockStarted:
    """The case's first promise."""
    return _promise(of, name, of.opened_at, terms, now)


def retarget(of: Subject, clock: Clock, terms: Terms, now: datetime) -> list[ClockEvent]:
    """The promise that takes the place of `clock`'s; nothing when that is broken already."""
    if clock.late(terms.made_at):
        return []
    if clock.paused_at is None:
        return [_promise(of, clock.name, clock.counts_from, terms, now)]
    # The pause is said again, so that whoever reads `started` as running hears that it is not.
    terms = replace(terms, made_at=clock.paused_at)
    started = _promise(of, clock.name, clock.counts_from, terms, now)
    return [started, _paused(of, clock.name, started.due_at, clock.paused_at, now)]


def ring(of: Subject, clock: Clock, at: datetime, now: datetime) -> list[ClockEvent]:
    """What the clock says by itself at `at`. A warning that is overtaken by the breach is not given."""
    if clock.paused_at is not None or clock.breached:
        return []
    if clock.due_at <= at:
        return [ClockBreached(**of.says(clock.name, now), priority=clock.priority, due_at=clock.due_at)]
    if clock.warn_at <= at and not clock.warned:
        return [ClockWarned(**of.says(clock.name, now), priority=clock.priority, due_at=clock.due_at)]
    return []


def breach(of: Subject, clock: Clock, at: datetime, now: datetime) -> list[ClockEvent]:
    """The breach that went before something that happened at `at`, when its timer has not rung yet."""
    return ring(of, clock, at, now) if clock.due_at <= at else []


def pause(of: Subject, clock: Clock, at: datetime, now: datetime) -> list[ClockEvent]:
    """From `at` on the next move is the customer's. Nothing when it is so already, or was before."""
    if clock.paused_at is not None or (clock.resumed_at and at < clock.resumed_at):
        return []
    return [_paused(of, clock.name, clock.due_at, at, now)]


def resume(of: Subject, clock: Clock, at: datetime, now: datetime) -> list[ClockEvent]:
    """At `at` the customer made the next move. Nothing when that was before the pause."""
    if clock.paused_at is None or at < clock.paused_at:
        return []
    pause = at - clock.paused_at
    return [ClockResumed(**of.says(clock.name, now), due_at=clock.due_at + pause, warn_at=clock.warn_at + pause)]


def meet(of: Subject, clock: Clock, at: datetime, now: datetime) -> list[ClockEvent]:
    """What was promised happened at `at`."""
    return [ClockMet(**of.says(clock.name, now), elapsed_seconds=clock.elapsed(at), late=clock.late(at))]


def cancel(
    of: Subject, clock: Clock, reason: Literal["abandoned", "merged", "automatic"], now: datetime
) -> list[ClockEvent]:
    """Nobody is owed it any more."""
    return [ClockCancelled(**of.says(clock.name, now), reason=reason)]


def _promise(of: Subject, name: ClockName, counts_from: datetime, terms: Terms, now: datetime) -> ClockStarted:
    targets = terms.sla.targets[terms.priority]
    seconds = targets.first_response if name == "first_response" else targets.resolution
    return ClockStarted(
        **of.says(name, now),
        priority=terms.priority,
        started_at=of.opened_at,
        # No promise is broken before it was made: a priority that is raised when its own target has
        # passed already breaks it at that moment.
        due_at=max(counts_from + timedelta(seconds=seconds), terms.made_at),
        warn_at=counts_from + timedelta(seconds=seconds * terms.sla.warn_at),
        target_seconds=seconds,
        policy_version=terms.version,
    )


def _paused(of: Subject, name: ClockName, due_at: datetime, paused_at: datetime, now: datetime) -> ClockPaused:
    # Below zero for a clock that was breached: by so much it is over.
    return ClockPaused(**of.says(name, now), remaining_seconds=(due_at - paused_at).total_seconds())


# --------------------------------------------------------------------------------------------------


def after(clock: Clock | None, event: ClockEvent, opened_at: datetime) -> Clock | None:
    """The clock as `event` leaves it; None when it has ended. `clock` is None before the first start."""
    if clock is None:
        assert isinstance(event, ClockStarted), "a clock starts before anything else happens to it"
        return Clock(event.clock, event.priority, opened_at, event.due_at, event.warn_at)
    changes: dict[str, Any]
    match event:
        case ClockStarted():
            changes = {
                "priority": event.priority, "due_at": event.due_at, "warn_at": event.warn_at, "paused_at": None
            }  # fmt: skip
        case ClockPaused():
            changes = {"paused_at": clock.due_at - timedelta(seconds=event.remaining_seconds)}
        case ClockResumed():
            stood = event.due_at - clock.due_at
            changes = {
                "counts_from": clock.counts_from + stood,
                "due_at": event.due_at,
                "warn_at": event.warn_at,
                "paused_at": None,
                "resumed_at": clock.paused_at and clock.paused_at + stood,
            }
        case ClockWarned():
            changes = {"warned": True}
        case ClockBreached():
            changes = {"breached": True}
        case _:
            return None
    return replace(clock, **changes)
