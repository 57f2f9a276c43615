"""Short ways to write the events of these tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from console.follow import Seen
from schemas.base import Decision, Event, Reason, ReplyAddress
from schemas.cases import (
    CaseAssigned,
    CaseOpened,
    CasePrioritised,
    CaseQueued,
    CaseReleased,
    CaseResolved,
    MessageAdded,
)
from schemas.messages import MessageReceived, Sender
from schemas.topics import TOPIC_OF
from schemas.updates import UpdateDelivered, UpdateRequested

T0 = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
DECISION = Decision(policy_version="1", reasons=(Reason(rule="least-loaded", text="1 of 3 in use"),))
_ids = count()


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def seen(event: Event, event_id: str | None = None, *, fresh: bool = True) -> Seen:
    return Seen(TOPIC_OF[type(event)], event_id or f"e{next(_ids)}", event, fresh)


def case(name: str, seconds: float = 0) -> dict[str, Any]:
    return {"desk": "acme", "at": at(seconds), "case_id": name, "reference": f"AC-{name.upper():0>7}"}


def message(name: str, channel: str = "chat") -> MessageReceived:
    return MessageReceived(
        desk="acme",
        at=T0,
        message_id=name,
        channel=channel,
        provider="standard",
        provider_message_id=name,
        sender=Sender(identifiers=("handle:chat:1",)),
        reply_to=ReplyAddress(channel=channel, provider="standard", address="c-1"),
        text="Hi",
    )


def opened(name: str, message_id: str, seconds: float = 0) -> CaseOpened:
    return CaseOpened(
        **case(name, seconds),
        message_id=message_id,
        customer_id="cu",
        identifiers=("handle:chat:1",),
        channel="chat",
        reply_to=ReplyAddress(channel="chat", provider="standard", address="c-1"),
        language="en",
    )


def added(name: str, message_id: str) -> MessageAdded:
    reply_to = ReplyAddress(channel="social", provider="whatsapp", address="27")
    return MessageAdded(
        **case(name), message_id=message_id, channel="social", reply_to=reply_to, language="en", linked_by="identifier"
    )


def prioritised(name: str, priority: str = "P2", seconds: float = 0) -> CasePrioritised:
    return CasePrioritised(**case(name, seconds), priority=priority, urgency="high", impact="high", decision=DECISION)


def queued(name: str, priority: str = "P2", seconds: float = 0) -> CaseQueued:
    return CaseQueued(
        **case(name, seconds),
        channel="chat",
        priority=priority,
        needs=(),
        waiting_since=at(seconds),
        decision=DECISION,
    )


def assigned(name: str, agent: str = "anna", seconds: float = 0) -> CaseAssigned:
    return CaseAssigned(
        **case(name, seconds),
        agent_id=agent,
        agent_name=agent.title(),
        channel="chat",
        priority="P2",
        offer_id=f"o-{name}",
        waited_seconds=1.5,
        decision=DECISION,
    )


def released(name: str, agent: str = "anna", *, had_it: bool = True) -> CaseReleased:
    return CaseReleased(**case(name), agent_id=agent, reason="agent_lost", assigned=had_it, decision=DECISION)


def resolved(name: str) -> CaseResolved:
    return CaseResolved(**case(name), agent_id="anna")


def requested(update: str, name: str = "c1", kind: str = "acknowledged", text: str = "We have it.") -> UpdateRequested:
    return UpdateRequested(
        **case(name),
        update_id=update,
        update_kind=kind,
        reply_to=ReplyAddress(channel="chat", provider="standard", address="c-1"),
        language="en",
        text=text,
        template="t",
        policy_version="1",
    )


def delivered(update: str, name: str = "c1", kind: str = "acknowledged") -> UpdateDelivered:
    return UpdateDelivered(
        **case(name), update_id=update, update_kind=kind, channel="chat", provider="standard", attempts=1
    )
