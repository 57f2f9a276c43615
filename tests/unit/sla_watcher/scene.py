"""One case of one desk, second by second: what the tests of the clocks are told in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from runtime.core import step
from runtime.policy_file import parse_policy
from schemas.base import Decision, ReplyAddress
from schemas.cases import (
    AgentReplied,
    CaseAbandoned,
    CaseMerged,
    CaseOpened,
    CasePrioritised,
    CaseResolved,
    CaseWaiting,
    MessageAdded,
)
from schemas.sla import (
    ClockBreached,
    ClockCancelled,
    ClockEvent,
    ClockMet,
    ClockPaused,
    ClockResumed,
    ClockStarted,
    ClockWarned,
)
from services.sla_watcher.core.watcher import Watcher

START = datetime(2026, 11, 22, 9, tzinfo=UTC)
FIRST, RESOLUTION = "first_response", "resolution"

POLICY_TEXT = """\
version: v7
desks:
  acme:
    name: Acme
    reference_prefix: AC
    region: ZA
    languages: [en]
    urgency: [{name: rest, level: normal}]
    impact: [{name: rest, level: normal}]
    matrix:
      critical: {critical: P1, high: P1, normal: P2, low: P3}
      high: {critical: P1, high: P2, normal: P3, low: P4}
      normal: {critical: P2, high: P3, normal: P4, low: P5}
      low: {critical: P3, high: P4, normal: P5, low: P5}
    sla:
      warn_at: 0.75
      targets:
        P1: {first_response: 20s, resolution: 60s}
        P2: {first_response: 40s, resolution: 120s}
        P3: {first_response: 100s, resolution: 400s}
        P4: {first_response: 200s, resolution: 800s}
        P5: {first_response: 400s, resolution: 1000s}
"""
POLICY = parse_policy(POLICY_TEXT, "policy of the tests")

DECISION = Decision(policy_version="v7", reasons=())
ADDRESS = ReplyAddress(channel="email", provider="mime", address="jan@example.com")


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def head(second: float, case: str) -> dict[str, Any]:
    return {"desk": "acme", "at": at(second), "case_id": case, "reference": "AC-7K3Q9XM"}


def opened(second: float, case: str = "c1", *, automatic: bool = False, desk: str = "acme") -> CaseOpened:
    return CaseOpened(
        **{**head(second, case), "desk": desk},
        message_id="m1",
        customer_id="u1",
        identifiers=("email:jan@example.com",),
        channel="email",
        reply_to=ADDRESS,
        language="en",
        automatic=automatic,
    )


def prioritised(second: float, priority: Any, case: str = "c1", desk: str = "acme") -> CasePrioritised:
    return CasePrioritised(
        **{**head(second, case), "desk": desk}, priority=priority, urgency="normal", impact="normal", decision=DECISION
    )


def replied(second: float, case: str = "c1", *, first: bool = True) -> AgentReplied:
    return AgentReplied(
        **head(second, case), agent_id="thandi", reply_id="r1", text="Hello", reply_to=ADDRESS, first=first
    )


def added(second: float, case: str = "c1", *, automatic: bool = False) -> MessageAdded:
    return MessageAdded(
        **head(second, case),
        message_id="m2",
        channel="email",
        reply_to=ADDRESS,
        language="en",
        linked_by="thread",
        automatic=automatic,
    )


def waiting(second: float, case: str = "c1") -> CaseWaiting:
    return CaseWaiting(**head(second, case), agent_id="thandi")


def resolved(second: float, case: str = "c1", agent: str | None = "thandi") -> CaseResolved:
    return CaseResolved(**head(second, case), agent_id=agent)


def abandoned(second: float, case: str = "c1") -> CaseAbandoned:
    return CaseAbandoned(**head(second, case), channel="phone", waited_seconds=second)


def merged(second: float, case: str = "c1") -> CaseMerged:
    return CaseMerged(**head(second, case), into="c2")


class Scene:
    """A watcher, and what it says: only events that others see."""

    def __init__(self) -> None:
        self.watcher = Watcher(POLICY)

    def hears(self, event: Any, now: float | None = None) -> list[ClockEvent]:
        """What the watcher says to `event`, which reaches it at once unless `now` is given."""
        heard_at = event.at if now is None else at(now)
        return public(step(self.watcher, "an-event", event, heard_at))

    def waits_until(self, second: float) -> list[ClockEvent]:
        """What its timers say until then, each at its own instant."""
        said = []
        while (instant := self.watcher.next_deadline()) is not None and instant <= at(second):
            said += self.wakes_at((instant - START).total_seconds())
        return said

    def wakes_at(self, second: float) -> list[ClockEvent]:
        """What its timers say when nobody looked at them before."""
        said = []
        while (due := self.watcher.take_due(at(second))) is not None:
            said += public(step(self.watcher, due.id, due.command, at(second)))
        return said


def public(facts: list[Any]) -> list[ClockEvent]:
    return [fact for fact in facts if isinstance(fact, ClockEvent)]


def running(priority: Any = "P3") -> Scene:
    """A case opened and prioritised at second 0; with P3 its clocks are due at 100 and 400."""
    scene = Scene()
    scene.hears(opened(0))
    scene.hears(prioritised(0, priority))
    return scene


# What the watcher says. `target` and the like are seconds, and so are instants.


def started(
    now: float, clock: Any, priority: Any, target: float, due: float, warn: float, opening: float = 0
) -> ClockStarted:
    return ClockStarted(
        **head(now, "c1"),
        clock=clock,
        priority=priority,
        started_at=at(opening),
        due_at=at(due),
        warn_at=at(warn),
        target_seconds=target,
        policy_version="v7",
    )


def paused(now: float, remaining: float) -> ClockPaused:
    return ClockPaused(**head(now, "c1"), clock="resolution", remaining_seconds=remaining)


def resumed(now: float, due: float, warn: float) -> ClockResumed:
    return ClockResumed(**head(now, "c1"), clock="resolution", due_at=at(due), warn_at=at(warn))


def warned(now: float, clock: Any, due: float, priority: Any = "P3") -> ClockWarned:
    return ClockWarned(**head(now, "c1"), clock=clock, priority=priority, due_at=at(due))


def breached(now: float, clock: Any, due: float, priority: Any = "P3") -> ClockBreached:
    return ClockBreached(**head(now, "c1"), clock=clock, priority=priority, due_at=at(due))


def met(now: float, clock: Any, elapsed: float, *, late: bool = False) -> ClockMet:
    return ClockMet(**head(now, "c1"), clock=clock, elapsed_seconds=elapsed, late=late)


def cancelled(now: float, clock: Any, reason: Any) -> ClockCancelled:
    return ClockCancelled(**head(now, "c1"), clock=clock, reason=reason)
