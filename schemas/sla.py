"""The clocks of a case: the topic `sla`. Written by sla_watcher.

`at` is when the event was published; `due_at` of a breach is the instant of the breach itself.
"""

from __future__ import annotations

from typing import Literal

from schemas.base import CaseId, Event, Instant, Priority, Reference

ClockName = Literal["first_response", "next_response", "periodic_update", "resolution"]


class ClockEvent(Event):
    """What every event of a clock carries."""

    case_id: CaseId
    reference: Reference
    clock: ClockName


class ClockStarted(ClockEvent):
    """A promise began to run, or runs anew because the priority changed."""

    priority: Priority
    started_at: Instant
    due_at: Instant
    warn_at: Instant
    target_seconds: float
    policy_version: str


class ClockPaused(ClockEvent):
    """The clock stands still: the next move is the customer's."""

    remaining_seconds: float


class ClockResumed(ClockEvent):
    """The clock runs again."""

    due_at: Instant
    warn_at: Instant


class ClockWarned(ClockEvent):
    """The promised time is about to run out."""

    priority: Priority
    due_at: Instant


class ClockBreached(ClockEvent):
    """The promised time ran out; published once."""

    priority: Priority
    due_at: Instant


class ClockMet(ClockEvent):
    """What was promised happened, in time or late (then a breach went before)."""

    elapsed_seconds: float
    """Without the time that the clock stood still."""
    late: bool


class ClockCancelled(ClockEvent):
    """The promise no longer applies: the customer left, or the case ended in another way."""

    reason: Literal["abandoned", "merged", "automatic", "superseded"]
