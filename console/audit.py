"""What the topics say about whether anything was lost or doubled. It trusts no counter.

A message is accepted when its MessageReceived is on the topic `messages`; a repeat has the same id
and counts once. It has to be in exactly one case, once. A case has at most one holder at a time. An
update is delivered once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from console.follow import Seen
from console.standing import Standing, after
from schemas.assignments import AgentEvent
from schemas.cases import (
    AgentReplied,
    CaseAbandoned,
    CaseAssigned,
    CaseEvent,
    CaseMerged,
    CaseOpened,
    CaseReleased,
    CaseResolved,
    MessageAdded,
)
from schemas.messages import ContactEnded, MessageReceived
from schemas.sla import ClockBreached, ClockEvent
from schemas.updates import UpdateDelivered, UpdateEvent, UpdateFailed, UpdateRequested

_ONCE: Final = (CaseEvent, AgentEvent, ClockEvent, UpdateEvent)
"""Written inside transactions, so each id is on its topic once. (Two services that react to the same
event give their own the same id; CloudEvents tells them apart by source.)"""


@dataclass
class Audit:
    """Reads events of all topics, in any order between the topics."""

    accepted: dict[str, str] = field(default_factory=dict)
    """Messages since the beginning of the run, by id, and their channel."""
    ended: set[str] = field(default_factory=set)
    """Ids of the calls and chats that ended since then."""
    cases_of: dict[str, list[str]] = field(default_factory=dict)
    """For each message the cases that it is in; one, when all is well."""
    cases: dict[str, Standing] = field(default_factory=dict)
    """Each case of this run and how it stands."""
    assigned: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    breached: set[tuple[str, str]] = field(default_factory=set)
    """Case and clock."""
    requested: set[str] = field(default_factory=set)
    delivered: Counter[str] = field(default_factory=Counter)
    failed: set[str] = field(default_factory=set)
    two_holders: list[str] = field(default_factory=list)
    """Cases that were given to somebody while somebody had them."""
    repeated: list[str] = field(default_factory=list)
    """Ids of events that are on their topic twice."""
    acknowledged_twice: list[str] = field(default_factory=list)
    """Cases whose customer was told twice that the message arrived."""
    _holders: dict[str, str] = field(default_factory=dict)
    _acknowledged: dict[str, str] = field(default_factory=dict)
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def take(self, seen: Seen) -> None:
        """One event more."""
        event = seen.event
        if isinstance(event, _ONCE):
            key = seen.topic.name, seen.id
            if key in self._seen:
                self.repeated.append(seen.id)
            self._seen.add(key)
        if isinstance(event, CaseOpened | MessageAdded):
            self.cases_of.setdefault(event.message_id, []).append(event.case_id)
        if isinstance(event, CaseEvent):
            self._take_case(event, fresh=seen.fresh)
        elif isinstance(event, UpdateEvent):
            self._take_update(event, fresh=seen.fresh)
        elif seen.fresh:
            match event:
                case MessageReceived():
                    self.accepted[event.message_id] = event.channel
                case ContactEnded():
                    self.ended.add(event.message_id)
                case ClockBreached():
                    self.breached.add((event.case_id, event.clock))

    @property
    def nowhere(self) -> list[str]:
        """Messages that are on the topic and in no case."""
        return [message for message in self.accepted if message not in self.cases_of]

    @property
    def in_two_places(self) -> list[str]:
        """Messages that are in more than one case, or twice in one."""
        return [message for message, cases in self.cases_of.items() if len(cases) > 1]

    @property
    def delivered_twice(self) -> list[str]:
        """Updates that were delivered more than once."""
        return [update for update, count in self.delivered.items() if count > 1]

    @property
    def unsettled_updates(self) -> set[str]:
        """Updates that were asked for and have no outcome yet."""
        return self.requested - self.delivered.keys() - self.failed

    def doubled(self) -> list[str]:
        """Everything that is there twice, in words."""
        return [
            *(f"message {m} is in {len(self.cases_of[m])} cases" for m in self.in_two_places),
            *(f"case {c} had two holders at a time" for c in self.two_holders),
            *(f"update {u} was delivered {self.delivered[u]} times" for u in self.delivered_twice),
            *(f"case {c} was acknowledged twice" for c in self.acknowledged_twice),
            *(f"event {e} is on its topic twice" for e in self.repeated),
        ]

    def lost(self, answered: set[str]) -> list[str]:
        """What is missing, in words; `answered` are the ids that ingest has answered with 2xx."""
        not_there = answered - self.accepted.keys() - self.ended - self.cases_of.keys()
        return [
            *(f"message {m} was answered with 2xx and is not on the topic" for m in sorted(not_there)),
            *(f"message {m} is on the topic and in no case" for m in self.nowhere),
        ]

    def _take_case(self, event: CaseEvent, *, fresh: bool) -> None:
        case = event.case_id
        if isinstance(event, CaseOpened) and fresh:
            self.cases[case] = "queued"
        self._hold(event)
        match event:
            case CaseAssigned() if fresh:
                self.assigned.add(case)
            case AgentReplied() if fresh:
                self.answered.add(case)
            case _:
                pass
        if case in self.cases:
            self.cases[case] = after(self.cases[case], event)

    def _hold(self, event: CaseEvent) -> None:
        """Who has the case from now on."""
        case = event.case_id
        if isinstance(event, CaseAssigned):
            if case in self._holders:
                self.two_holders.append(case)
            self._holders[case] = event.agent_id
        elif isinstance(event, CaseResolved | CaseAbandoned | CaseMerged) or (
            isinstance(event, CaseReleased) and event.assigned
        ):
            self._holders.pop(case, None)

    def _take_update(self, event: UpdateEvent, *, fresh: bool) -> None:
        if not fresh:
            return
        update = event.update_id
        match event:
            case UpdateRequested():
                self.requested.add(update)
                if (
                    event.update_kind == "acknowledged"
                    and self._acknowledged.setdefault(event.case_id, update) != update
                ):
                    self.acknowledged_twice.append(event.case_id)
            case UpdateDelivered():
                self.delivered[update] += 1
            case UpdateFailed():
                self.failed.add(update)
            case _:
                pass
