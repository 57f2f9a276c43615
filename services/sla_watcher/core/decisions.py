"""Which event of a case moves which of its clocks: one function for each, and the table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from schemas.cases import (
    AgentReplied,
    CaseAbandoned,
    CaseMerged,
    CasePrioritised,
    CaseResolved,
    CaseWaiting,
    MessageAdded,
)
from schemas.policy import Policy, Sla
from schemas.sla import ClockEvent, ClockName
from services.sla_watcher.core import clock as clocks
from services.sla_watcher.core.case import Case, Fact, Forgotten, Prioritised, Ring
from services.sla_watcher.core.clock import CLOCKS, Terms


class UnknownDesk(LookupError):
    """The policy has no such desk. To do: dead-letter the event; put the desk back to try again."""


def prioritised(policy: Policy, case: Case, event: CasePrioritised, now: datetime) -> Sequence[Fact]:
    """The first priority starts the clocks; another one changes what they promise. Raises UnknownDesk."""
    told_twice = case.prioritised_at is not None and event.at < case.prioritised_at
    if event.priority == case.priority or told_twice:
        return ()
    terms = Terms(event.priority, _sla(policy, event.desk), policy.version, event.at)
    first = case.priority is None
    facts: list[Fact] = [Prioritised(case.subject, event.priority, event.at, first)]
    if first:
        facts += (clocks.start(case.subject, name, terms, now) for name in CLOCKS)
    for clock in case.clocks.values():
        facts += clocks.retarget(case.subject, clock, terms, now)
    return facts


def replied(_: Policy, case: Case, event: AgentReplied, now: datetime) -> Sequence[Fact]:
    """The first answer meets the first response."""
    return _met(case, ("first_response",), event.at, now) if event.first else ()


def resolved(_: Policy, case: Case, event: CaseResolved, now: datetime) -> Sequence[Fact]:
    """Settled. Without a reply before it, that it is settled is the answer: the customer is told so.
    What nobody had to settle was promised by nobody.
    """
    if event.agent_id is None:
        return _cancelled(case, "automatic", event.at, now)
    return (*_met(case, CLOCKS, event.at, now), Forgotten(event.case_id))


def waiting(_: Policy, case: Case, event: CaseWaiting, now: datetime) -> Sequence[Fact]:
    """The resolution stands still while the next move is the customer's."""
    resolution = case.clocks.get("resolution")
    if resolution is None:
        return ()
    return (*_breaches(case, event.at, now), *clocks.pause(case.subject, resolution, event.at, now))


def message_added(_: Policy, case: Case, event: MessageAdded, now: datetime) -> Sequence[Fact]:
    """The customer moved. An out-of-office note is no move."""
    resolution = case.clocks.get("resolution")
    if resolution is None or event.automatic:
        return ()
    return (*_breaches(case, event.at, now), *clocks.resume(case.subject, resolution, event.at, now))


def abandoned(_: Policy, case: Case, event: CaseAbandoned, now: datetime) -> Sequence[Fact]:
    """The customer left: nobody is owed an answer."""
    return _cancelled(case, "abandoned", event.at, now)


def merged(_: Policy, case: Case, event: CaseMerged, now: datetime) -> Sequence[Fact]:
    """The other case's promises hold."""
    return _cancelled(case, "merged", event.at, now)


def rang(_: Policy, case: Case, command: Ring, now: datetime) -> Sequence[Fact]:
    """A timer came due, and the clock still runs."""
    clock = case.clocks.get(command.clock)
    return () if clock is None else clocks.ring(case.subject, clock, now, now)


DECISIONS: Final[Mapping[type[Any], Callable[[Policy, Case, Any, datetime], Sequence[Fact]]]] = {
    CasePrioritised: prioritised,
    AgentReplied: replied,
    CaseResolved: resolved,
    CaseWaiting: waiting,
    MessageAdded: message_added,
    CaseAbandoned: abandoned,
    CaseMerged: merged,
    Ring: rang,
}
"""By what happened. Whatever else happens to a case moves no clock."""


def _sla(policy: Policy, desk: str) -> Sla:
    try:
        return policy.desks[desk].sla
    except KeyError as error:
        message = f"the policy {policy.version} has no desk {desk}"
        raise UnknownDesk(message) from error


def _breaches(case: Case, at: datetime, now: datetime) -> list[ClockEvent]:
    return [event for clock in case.clocks.values() for event in clocks.breach(case.subject, clock, at, now)]


def _met(case: Case, names: Sequence[ClockName], at: datetime, now: datetime) -> list[Fact]:
    facts: list[Fact] = [*_breaches(case, at, now)]
    for name in names:
        if name in case.clocks:
            facts += clocks.meet(case.subject, case.clocks[name], at, now)
    return facts


def _cancelled(
    case: Case, reason: Literal["abandoned", "merged", "automatic"], at: datetime, now: datetime
) -> list[Fact]:
    facts: list[Fact] = [*_breaches(case, at, now)]
    for clock in case.clocks.values():
        facts += clocks.cancel(case.subject, clock, reason, now)
    return [*facts, Forgotten(case.subject.case_id)]
