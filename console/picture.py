"""The desk as its topics tell it: queues, people, clocks, decisions, what customers were told.

Knows nothing of terminals; `console.view` draws it. The present time is an argument.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from console.follow import Seen
from console.standing import Standing, after
from console.story import Line, clean, tell
from schemas.agents import AgentRemoved, AgentUpserted
from schemas.assignments import Assigned, CommandRejected, OfferMade, OfferWithdrawn
from schemas.base import PRIORITIES, Channel, Priority
from schemas.cases import (
    CaseAbandoned,
    CaseAssigned,
    CaseEvent,
    CaseOpened,
    CasePrioritised,
    CaseQueued,
    CaseReleased,
    CaseResolved,
    MessageAdded,
)
from schemas.commands import RenewPresence
from schemas.messages import MessageReceived
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
from schemas.updates import UpdateDelivered, UpdateFailed, UpdateRequested

KEPT: Final = 50
"""Of the latest decisions and updates."""
RATE_SECONDS: Final = 60.0
DECISIONS: Final = (
    CasePrioritised,
    CaseAssigned,
    CaseReleased,
    CaseResolved,
    CaseAbandoned,
    MessageAdded,
    ClockBreached,
    CommandRejected,
)
"""What the view shows as it happens; the full story of a case is `switchboard why`."""
_ENDED: Final = frozenset({"resolved", "abandoned", "merged"})


@dataclass
class Case:
    """One case, as far as the view needs it."""

    reference: str
    channel: Channel
    opened_at: datetime
    standing: Standing = "queued"
    priority: Priority | None = None
    waiting_since: datetime | None = None
    agent: str | None = None


@dataclass
class Person:
    """One agent."""

    name: str
    kind: str
    capacity: int
    seen_at: datetime | None = None
    """Of the last lease."""
    says: str = "offline"
    """The state that the agent named."""
    offers: dict[str, str] = field(default_factory=dict)
    """References of the cases that are put to the agent, by offer."""


@dataclass(frozen=True)
class Clock:
    """One clock that is not over."""

    reference: str
    clock: ClockName
    priority: Priority
    due_at: datetime
    warned: bool = False
    breached: bool = False
    running: bool = True


@dataclass(frozen=True)
class Queue:
    """The cases of one priority that wait."""

    priority: Priority
    waiting: int
    oldest_seconds: float | None
    with_agents: int


@dataclass(frozen=True)
class PersonRow:
    """An agent as a row."""

    name: str
    state: str
    """available, away, gone (the lease ran out) or offline."""
    holds: tuple[str, ...]
    """References of cases in hand, with `?` for an offer."""
    capacity: int


@dataclass
class Picture:
    """Reads events of all topics, in any order between the topics."""

    lease_seconds: float
    cases: dict[str, Case] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """Of all agents that ever were, by id."""
    clocks: dict[tuple[str, ClockName], Clock] = field(default_factory=dict)
    decisions: deque[Line] = field(default_factory=lambda: deque(maxlen=KEPT))
    told: deque[Line] = field(default_factory=lambda: deque(maxlen=KEPT))
    fresh: deque[Line] = field(default_factory=lambda: deque(maxlen=1000))
    """Decisions and updates since somebody took them from here, for a view of plain lines."""
    received: deque[datetime] = field(default_factory=deque)
    assigned: deque[datetime] = field(default_factory=deque)
    _requested: dict[str, UpdateRequested] = field(default_factory=dict)

    def take(self, seen: Seen) -> None:
        """One event more."""
        event = seen.event
        if isinstance(event, DECISIONS) and (line := tell(event, self.names)) is not None:
            self.decisions.append(line)
            self.fresh.append(line)
        match event:
            case CaseEvent():
                self._take_case(event)
            case ClockEvent():
                self._take_clock(event)
            case UpdateRequested():
                self._requested[event.update_id] = event
            case UpdateDelivered() | UpdateFailed():
                self._take_outcome(event)
            case MessageReceived():
                self.received.append(event.at)
            case _:
                self._take_person(event)

    def queues(self, now: datetime) -> list[Queue]:
        """All priorities, most urgent first."""
        rows = []
        for priority in PRIORITIES:
            cases = [case for case in self.cases.values() if case.priority == priority]
            waiting = [case for case in cases if case.standing == "queued"]
            oldest = min((case.waiting_since or case.opened_at for case in waiting), default=None)
            held = sum(case.standing in {"assigned", "with customer"} for case in cases)
            seconds = None if oldest is None else max(0.0, (now - oldest).total_seconds())
            rows.append(Queue(priority, len(waiting), seconds, held))
        return rows

    def persons(self, now: datetime) -> list[PersonRow]:
        """All agents by name."""
        rows = []
        for agent, person in sorted(self.people.items(), key=lambda item: item[1].name):
            held = [c.reference for c in self.cases.values() if c.agent == agent and c.standing == "assigned"]
            offered = [f"{reference}?" for reference in sorted(person.offers.values())]
            rows.append(PersonRow(person.name, self._state(person, now), (*held, *offered), person.capacity))
        return rows

    def clocks_near_their_end(self, now: datetime, count: int) -> list[tuple[Clock, float]]:
        """The clocks that end next, or have just ended, with the seconds that are left."""
        running = [clock for clock in self.clocks.values() if clock.running]
        running.sort(key=lambda clock: (clock.breached, clock.due_at))
        return [(clock, (clock.due_at - now).total_seconds()) for clock in running[:count]]

    def rate(self, instants: deque[datetime], now: datetime) -> int:
        """How many of them lie within the last minute."""
        while instants and now - instants[0] > timedelta(seconds=RATE_SECONDS):
            instants.popleft()
        return len(instants)

    def _state(self, person: Person, now: datetime) -> str:
        if person.seen_at is None or person.says == "offline":
            return "offline"
        return person.says if (now - person.seen_at).total_seconds() <= self.lease_seconds else "gone"

    def _take_case(self, event: CaseEvent) -> None:
        match event:
            case CaseOpened():
                self.cases[event.case_id] = Case(event.reference, event.channel, event.at)
            case CaseQueued() if event.case_id not in self.cases:  # reopened, or older than the topic
                self.cases[event.case_id] = Case(event.reference, event.channel, event.at, priority=event.priority)
        case = self.cases.get(event.case_id)
        if case is None:
            return
        case.standing = after(case.standing, event)
        match event:
            case CasePrioritised():
                case.priority = event.priority
            case CaseQueued():
                case.channel, case.waiting_since, case.agent = event.channel, event.waiting_since, None
            case CaseAssigned():
                case.agent = event.agent_id
                self.assigned.append(event.at)
            case _ if case.standing in _ENDED:
                self.cases.pop(event.case_id)

    def _take_clock(self, event: ClockEvent) -> None:
        key = event.case_id, event.clock
        clock = self.clocks.get(key)
        match event:
            case ClockStarted():
                self.clocks[key] = Clock(event.reference, event.clock, event.priority, event.due_at)
            case ClockMet() | ClockCancelled():
                self.clocks.pop(key, None)
            case ClockPaused() if clock:
                self.clocks[key] = replace(clock, running=False)
            case ClockResumed() if clock:
                self.clocks[key] = replace(clock, running=True, due_at=event.due_at)
            case ClockWarned() if clock:
                self.clocks[key] = replace(clock, warned=True)
            case ClockBreached() if clock:
                self.clocks[key] = replace(clock, warned=True, breached=True)

    def _take_outcome(self, event: UpdateDelivered | UpdateFailed) -> None:
        requested = self._requested.pop(event.update_id, None)
        line = tell(event, self.names)
        if line is not None and requested is not None and isinstance(event, UpdateDelivered):
            what = f"{event.update_kind} by {event.channel}"
            line = replace(line, what=what, why=(clean(" ".join(requested.text.split())),))
        if line is not None:
            self.told.append(line)
            self.fresh.append(replace(line, what=f"told: {line.what}"))

    def _take_person(self, event: Any) -> None:
        if isinstance(event, AgentUpserted):
            known = self.people.get(event.agent_id, Person("", "", 0))
            capacity = sum(event.capacity.values())
            self.people[event.agent_id] = replace(known, name=event.name, kind=event.agent_kind, capacity=capacity)
            self.names[event.agent_id] = event.name
        person = self.people.get(getattr(event, "agent_id", ""))
        if person is None:
            return
        match event:
            case AgentRemoved():
                self.people.pop(event.agent_id)
            case RenewPresence():
                person.seen_at, person.says = event.at, event.state
            case OfferMade():
                person.offers[event.offer_id] = event.reference
            case OfferWithdrawn() | Assigned():
                person.offers.pop(event.offer_id, None)
