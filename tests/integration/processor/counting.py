"""A core small enough to see through: it counts commands for each desk, and has alarms.

| command | comes to |
|---|---|
| RenewPresence | the desk's count grows; a CommandRejected carries the new count as its detail |
| WaitForCustomer | an alarm for the case in as many seconds as the note says |
| the alarm | Unassigned for the case |
| DeclineOffer | decide raises |
| ResolveCase | evolve raises when half of the facts are in |
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from runtime.core import Due
from schemas.assignments import CommandRejected, Unassigned
from schemas.codec import derive_id
from schemas.commands import DeclineOffer, RenewPresence, ResolveCase, WaitForCustomer

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Counted:
    """A private fact: the desk's count grew by one."""

    desk: str


@dataclass(frozen=True)
class AlarmSet:
    """A private fact."""

    case_id: str
    desk: str
    agent_id: str
    at: datetime


@dataclass(frozen=True)
class Rang:
    """The command of an alarm, and the private fact that it is over."""

    case_id: str


@dataclass(frozen=True)
class Broken:
    """A fact that cannot be evolved."""


class CountingCore:
    """Counts by desk, alarms by case."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.alarms: dict[str, AlarmSet] = {}
        self._changed: dict[str, None] = {}

    @property
    def state(self) -> Any:
        return self.counts, self.alarms

    def decide(self, cause: str, command: Any, now: datetime) -> Sequence[Any]:
        match command:
            case RenewPresence(desk=desk, agent_id=agent):
                told = CommandRejected(
                    desk=desk, at=now, agent_id=agent, command_id=cause, command="renew_presence",
                    reason="not_available", detail=str(self.counts.get(desk, 0) + 1),
                )  # fmt: skip
                return [Counted(desk), told]
            case WaitForCustomer(desk=desk, agent_id=agent, case_id=case, note=note):
                return [AlarmSet(case, desk, agent, now + timedelta(seconds=float(note or 0)))]
            case Rang(case):
                alarm = self.alarms[case]
                return [
                    Unassigned(desk=alarm.desk, at=now, agent_id=alarm.agent_id, case_id=case, reason="agent_lost"),
                    command,
                ]
            case DeclineOffer():
                raise LookupError("somebody's secret words")
            case ResolveCase(desk=desk):
                return [Counted(desk), Broken()]
        raise TypeError(type(command))

    def evolve(self, fact: Any) -> None:
        match fact:
            case Counted(desk):
                self.counts[desk] = self.counts.get(desk, 0) + 1
                self._changed[f"desk:{desk}"] = None
            case AlarmSet(case):
                self.alarms[case] = fact
                self._changed[f"case:{case}"] = None
            case Rang(case):
                del self.alarms[case]
                self._changed[f"case:{case}"] = None
            case Broken():
                raise RuntimeError("halfway")

    def follow_ups(self, fact: Any) -> Iterable[Any]:
        return ()

    def next_deadline(self) -> datetime | None:
        return min((alarm.at for alarm in self.alarms.values() if alarm.case_id not in self._taken), default=None)

    _taken: frozenset[str] = frozenset()

    def take_due(self, now: datetime) -> Due | None:
        due = min(
            (alarm for alarm in self.alarms.values() if alarm.at <= now and alarm.case_id not in self._taken),
            key=lambda alarm: (alarm.at, alarm.case_id),
            default=None,
        )
        if due is None:
            return None
        self._taken |= {due.case_id}
        return Due(derive_id(due.case_id, due.at.isoformat()), Rang(due.case_id))

    def take_changes(self) -> Iterable[tuple[str, bytes | None]]:
        changed, self._changed = self._changed, {}
        for key in changed:
            kind, _, name = key.partition(":")
            if kind == "desk":
                yield key, json.dumps(self.counts[name]).encode()
            elif (alarm := self.alarms.get(name)) is None:
                yield key, None
            else:
                yield key, json.dumps([alarm.desk, alarm.agent_id, alarm.at.isoformat()]).encode()

    def load(self, key: str, snapshot: bytes) -> None:
        kind, _, name = key.partition(":")
        value = json.loads(snapshot)
        if kind == "desk":
            self.counts[name] = value
        else:
            self.alarms[name] = AlarmSet(name, value[0], value[1], datetime.fromisoformat(value[2]))

    def loaded(self) -> None:
        """There are no indexes."""
