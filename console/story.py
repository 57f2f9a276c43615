"""What happened, in plain words: one line for an event, with the reasons that it carries."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import singledispatch
from typing import Literal

from schemas import assignments, cases, sla, updates
from schemas.base import Decision, Event, Need

Names = Mapping[str, str]
"""Agents' names by id."""

Tone = Literal["", "good", "bad"]


@dataclass(frozen=True)
class Line:
    """One thing that happened."""

    at: datetime
    reference: str
    what: str
    why: tuple[str, ...] = ()
    """`rule: what it came to`, in the order in which they counted."""
    tone: Tone = ""
    more: tuple[str, ...] = ()
    """For the full story: who else was considered, the version of the policy, words."""


def tell(event: Event, names: Names) -> Line | None:
    """The line of an event; None when there is nothing to tell about it."""
    found = _tell(event, names)
    if found is None:
        return None
    what, decision, tone, more = found
    why: tuple[str, ...] = ()
    if decision is not None:
        why = tuple(f"{reason.rule}: {reason.text}" for reason in decision.reasons)
        if decision.considered:
            more = (*more, "also considered: " + ", ".join(names.get(a, a) for a in decision.considered))
        more = (*more, f"policy {decision.policy_version}")
    more = tuple(clean(words) for words in more)
    return Line(event.at, getattr(event, "reference", ""), clean(what), tuple(map(clean, why)), tone, more)


def clean(words: str) -> str:
    """Without control characters: customers' words must not command the terminal of whoever reads them."""
    return "".join(c for c in words if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs"})


_Told = tuple[str, Decision | None, Tone, tuple[str, ...]] | None


def _words(needs: tuple[Need, ...]) -> str:
    return ", ".join(f"{need.skill} {need.level}" for need in needs) or "nobody in particular"


@singledispatch
def _tell(_event: Event, _names: Names) -> _Told:
    return None


@_tell.register
def _(event: cases.CaseOpened, _: Names) -> _Told:
    by = f" by {event.customer_name}" if event.customer_name else ""
    machine = ", a machine wrote" if event.automatic else ""
    subject = (event.subject,) if event.subject else ()
    return f"opened by {event.channel}{by} ({event.language}{machine})", None, "", subject


@_tell.register
def _(event: cases.MessageAdded, _: Names) -> _Told:
    return f"another message by {event.channel}, known by {event.linked_by}", None, "", ()


@_tell.register
def _(event: cases.CasePrioritised, _: Names) -> _Told:
    changed = f"{event.previous} -> {event.priority}" if event.previous else event.priority
    return f"{changed}: urgency {event.urgency}, impact {event.impact}", event.decision, "", ()


@_tell.register
def _(event: cases.CaseQueued, _: Names) -> _Told:
    return f"waits as {event.priority} for {_words(event.needs)}", event.decision, "", ()


@_tell.register
def _(event: cases.CaseAssigned, _: Names) -> _Told:
    what = f"{event.priority} to {event.agent_name} after {event.waited_seconds:.1f} s"
    return what, event.decision, "good", ()


@_tell.register
def _(event: cases.CaseReleased, names: Names) -> _Told:
    name = names.get(event.agent_id, event.agent_id)
    what = "the case" if event.assigned else "the offer"
    return f"{what} back from {name}: {event.reason.replace('_', ' ')}", event.decision, "bad", ()


@_tell.register
def _(event: cases.AgentReplied, names: Names) -> _Told:
    first = "first answer" if event.first else "answer"
    return f"{first} by {names.get(event.agent_id, event.agent_id)}", None, "good", (event.text,)


@_tell.register
def _(event: cases.CaseWaiting, names: Names) -> _Told:
    note = (event.note,) if event.note else ()
    return f"{names.get(event.agent_id, event.agent_id)} waits for the customer", None, "", note


@_tell.register
def _(event: cases.CaseEscalated, names: Names) -> _Told:
    return f"escalated by {names.get(event.agent_id, event.agent_id)}", None, "", (event.note,)


@_tell.register
def _(event: cases.CaseTransferred, names: Names) -> _Told:
    to = names.get(event.to_agent, event.to_agent) if event.to_agent else event.to_skill
    return f"{names.get(event.agent_id, event.agent_id)} hands it on to {to}", None, "", (event.note,)


@_tell.register
def _(event: cases.CaseMerged, _: Names) -> _Told:
    return f"found to be the same matter as {event.into}", None, "", ()


@_tell.register
def _(event: cases.CaseAbandoned, _: Names) -> _Told:
    return f"the customer left ({event.channel}) after {event.waited_seconds:.0f} s", None, "bad", ()


@_tell.register
def _(event: cases.CaseResolved, names: Names) -> _Told:
    by = names.get(event.agent_id, event.agent_id) if event.agent_id else "a rule"
    note = (event.resolution,) if event.resolution else ()
    return f"resolved by {by}", event.decision, "good", note


@_tell.register
def _(_event: cases.CaseReopened, _: Names) -> _Told:
    return "reopened: the customer wrote again", None, "", ()


@_tell.register
def _(event: assignments.OfferMade, names: Names) -> _Told:
    until = f"until {event.expires_at:%H:%M:%S}"
    return f"offered to {names.get(event.agent_id, event.agent_id)} {until}", event.decision, "", ()


@_tell.register
def _(event: assignments.OfferWithdrawn, names: Names) -> _Told:
    what = f"offer to {names.get(event.agent_id, event.agent_id)} withdrawn: {event.reason.replace('_', ' ')}"
    return what, None, "", ()


@_tell.register
def _(event: assignments.CommandRejected, names: Names) -> _Told:
    name = names.get(event.agent_id, event.agent_id)
    what = f"{event.command.replace('_', ' ')} of {name} refused: {event.reason.replace('_', ' ')}"
    return what, None, "bad", (event.detail,)


def _clock(event: sla.ClockEvent) -> str:
    return event.clock.replace("_", " ")


@_tell.register
def _(event: sla.ClockStarted, _: Names) -> _Told:
    what = f"{_clock(event)} of {event.priority} promised within {event.target_seconds:.0f} s"
    return what, None, "", (f"policy {event.policy_version}",)


@_tell.register
def _(event: sla.ClockPaused, _: Names) -> _Told:
    return f"{_clock(event)}: the clock stands, {event.remaining_seconds:.0f} s are left", None, "", ()


@_tell.register
def _(event: sla.ClockResumed, _: Names) -> _Told:
    return f"{_clock(event)}: the clock runs again until {event.due_at:%H:%M:%S}", None, "", ()


@_tell.register
def _(event: sla.ClockWarned, _: Names) -> _Told:
    return f"{_clock(event)} of {event.priority} is nearly over", None, "", ()


@_tell.register
def _(event: sla.ClockBreached, _: Names) -> _Told:
    return f"{_clock(event)} of {event.priority} is over its time", None, "bad", ()


@_tell.register
def _(event: sla.ClockMet, _: Names) -> _Told:
    late = ", late" if event.late else " in time"
    return f"{_clock(event)} after {event.elapsed_seconds:.1f} s{late}", None, "bad" if event.late else "good", ()


@_tell.register
def _(event: sla.ClockCancelled, _: Names) -> _Told:
    return f"{_clock(event)} no longer promised: {event.reason}", None, "", ()


@_tell.register
def _(event: updates.UpdateRequested, _: Names) -> _Told:
    what = f"to be told by {event.reply_to.channel} ({event.language}): {event.update_kind}"
    return what, None, "", (event.text,)


@_tell.register
def _(event: updates.UpdateDelivered, _: Names) -> _Told:
    again = f", attempt {event.attempts}" if event.attempts > 1 else ""
    return f"told by {event.channel}: {event.update_kind}{again}", None, "good", ()


@_tell.register
def _(event: updates.UpdateFailed, _: Names) -> _Told:
    return f"not told by {event.channel}: {event.update_kind}, {event.reason}", None, "bad", (event.detail,)
