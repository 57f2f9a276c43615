"""The watcher: the cases of one partition, and the timers of their clocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from runtime.core import Due
from schemas.cases import CaseOpened
from schemas.codec import derive_id
from schemas.policy import Policy
from schemas.sla import ClockEvent
from services.sla_watcher.core import clock as clocks
from services.sla_watcher.core.case import SNAPSHOT, Case, Fact, Forgotten, Prioritised, Remembered, Ring
from services.sla_watcher.core.clock import Subject
from services.sla_watcher.core.decisions import DECISIONS
from services.sla_watcher.core.timers import Timers


class Watcher:
    """Implements `runtime.core.Core`. Commands are the events of the topic `cases`, and `Ring`.

    An event of a case that is not known (a machine opened it, or it is over) means nothing, and so
    does one that was heard before.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.cases: dict[str, Case] = {}
        self._timers = Timers()
        self._changed: dict[str, None] = {}

    def decide(self, cause: str, command: Any, now: datetime) -> Sequence[Fact]:  # noqa: ARG002 - the shell derives ids from it
        """What follows for the clocks of the case. Raises UnknownDesk."""
        case = self.cases.get(command.case_id)
        if case is None:
            # Nothing is promised to a machine.
            if isinstance(command, CaseOpened) and not command.automatic:
                return (Remembered(Subject(command.desk, command.case_id, command.reference, command.at)),)
            return ()
        decision = DECISIONS.get(type(command))
        return () if decision is None else decision(self._policy, case, command, now)

    def evolve(self, fact: Fact) -> None:
        """Make `fact` part of the state."""
        match fact:
            case Remembered(subject):
                case_id = subject.case_id
                self.cases[case_id] = Case(subject)
            case Prioritised(subject, priority, at):
                case_id = subject.case_id
                self.cases[case_id] = replace(self.cases[case_id], priority=priority, prioritised_at=at)
            case Forgotten(case_id):
                for name in self.cases.pop(case_id).clocks:
                    self._timers.set((case_id, name), None)
            case ClockEvent(case_id=case_id):
                self._turn(self.cases[case_id], fact)
        self._changed[case_id] = None

    def _turn(self, case: Case, event: ClockEvent) -> None:
        clock = clocks.after(case.clocks.get(event.clock), event, case.subject.opened_at)
        turned = {**case.clocks, event.clock: clock}
        self.cases[event.case_id] = replace(case, clocks={name: kept for name, kept in turned.items() if kept})
        self._timers.set((event.case_id, event.clock), None if clock is None else clock.deadline)

    def follow_ups(self, fact: Fact) -> Iterable[Any]:  # noqa: ARG002 - nothing that happens to a case calls for more
        """Nothing."""
        return ()

    def next_deadline(self) -> datetime | None:
        """When the next clock warns or is breached."""
        return self._timers.next()

    def take_due(self, now: datetime) -> Due | None:
        """The clock that came due first. Its id is the same whenever the same deadline rings again."""
        due = self._timers.take(now)
        if due is None:
            return None
        instant, (case_id, name) = due
        # A warning and a breach may fall on the same instant, when the priority changes at it.
        step = "breach" if self.cases[case_id].clocks[name].warned else "warning"
        return Due(derive_id(case_id, name, step, instant.isoformat()), Ring(case_id, name))

    def take_changes(self) -> Iterable[tuple[str, bytes | None]]:
        """The cases that changed, and those that are over."""
        changed, self._changed = self._changed, {}
        for case_id in changed:
            case = self.cases.get(case_id)
            yield case_id, None if case is None else SNAPSHOT.dump_json(case)

    def load(self, key: str, snapshot: bytes) -> None:
        """Put a case back."""
        self.cases[key] = SNAPSHOT.validate_json(snapshot)

    def loaded(self) -> None:
        """Set the timers."""
        self._timers.rebuild(
            ((case_id, name), clock.deadline)
            for case_id, case in self.cases.items()
            for name, clock in case.clocks.items()
            if clock.deadline is not None
        )
