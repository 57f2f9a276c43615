"""A desk, its cases and what happens to them, with literal times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from runtime.core import step
from schemas.base import Decision, ReplyAddress
from schemas.cases import AgentReplied, CaseAssigned, CaseOpened, CaseResolved, MessageAdded
from schemas.policy import Policy
from schemas.sla import ClockWarned
from schemas.updates import UpdateDelivered, UpdateRequested
from services.notifier.core.core import NotifierCore, Patience
from services.notifier.core.templates import Templates

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PATIENCE = Patience(outcome=timedelta(minutes=11), attempts=3)
WHY = Decision(policy_version="test-1", reasons=())

MAIL = ReplyAddress(channel="email", provider="mime", address="jan@example.com", thread="<m1@example.com>")
CHAT = ReplyAddress(channel="chat", provider="standard", address="c-17", thread="c-17")
CALL = ReplyAddress(channel="phone", provider="twilio", address="+27821234567")
SOCIAL = ReplyAddress(channel="social", provider="whatsapp", address="27821234567")


def at(minutes: float = 0) -> datetime:
    return NOON + timedelta(minutes=minutes)


def document(
    *, sending: dict[str, Any] | None = None, updates: dict[str, Any] | None = None, **desk: Any
) -> dict[str, Any]:
    """A policy as it stands in its file."""
    adapter = {"url": "http://adapter.example/updates", "secret": "env:ADAPTER_SECRET"}
    levels = ("critical", "high", "normal", "low")
    return {
        "version": "test-1",
        "desks": {
            "acme": {
                "name": "Acme Support",
                "reference_prefix": "AC",
                "region": "ZA",
                "languages": ["en", "ru", "af"],
                "urgency": [{"name": "ordinary", "level": "normal"}],
                "impact": [{"name": "ordinary", "level": "normal"}],
                "matrix": {urgency: dict.fromkeys(levels, "P3") for urgency in levels},
                "sla": {"targets": {f"P{n}": {"first_response": "30m", "resolution": "4h"} for n in range(1, 6)}},
                "sending": sending
                if sending is not None
                else {
                    "email": {"url": "smtp://mail.example", "sender": "Acme Support <support@acme.example>"},
                    "webhooks": [
                        {"channel": "chat", "provider": "standard", **adapter},
                        {"channel": "phone", "provider": "twilio", **adapter},
                        {"channel": "social", "provider": "whatsapp", **adapter},
                    ],
                },
                "updates": updates or {},
                **desk,
            }
        },
    }


def policy(**parts: Any) -> Policy:
    return Policy.model_validate(document(**parts))


def core(rules: Policy | None = None) -> NotifierCore:
    rules = rules or policy()
    return NotifierCore(rules, Templates(rules), PATIENCE)


CASE = {"desk": "acme", "case_id": "case-1", "reference": "AC-7K3Q9XM"}


def opened(**changes: Any) -> CaseOpened:
    return CaseOpened(
        **{
            **CASE,
            "at": NOON,
            "message_id": "m-1",
            "customer_id": "customer-1",
            "identifiers": ("email:jan@example.com",),
            "customer_name": "Jan Botha",
            "channel": changes.get("reply_to", MAIL).channel,
            "reply_to": MAIL,
            "subject": "Printer on fire",
            "language": "en",
            **changes,
        }
    )


def message(**changes: Any) -> MessageAdded:
    return MessageAdded(
        **{
            **CASE,
            "at": at(1),
            "message_id": "m-2",
            "channel": changes.get("reply_to", CHAT).channel,
            "reply_to": CHAT,
            "language": "ru",
            "linked_by": "identifier",
            **changes,
        }
    )


def assigned(agent: str = "thandi", name: str = "Thandi Nkosi", **changes: Any) -> CaseAssigned:
    return CaseAssigned(
        **{
            **CASE,
            "at": at(2),
            "agent_id": agent,
            "agent_name": name,
            "channel": "email",
            "priority": "P3",
            "offer_id": "o-1",
            "waited_seconds": 120.0,
            "decision": WHY,
            **changes,
        }
    )


def replied(text: str = "Please unplug it.", **changes: Any) -> AgentReplied:
    return AgentReplied(
        **{
            **CASE,
            "at": at(3),
            "agent_id": "thandi",
            "reply_id": "r-1",
            "text": text,
            "reply_to": MAIL,
            "first": True,
            **changes,
        }
    )


def resolved(**changes: Any) -> CaseResolved:
    return CaseResolved(**{**CASE, "at": at(4), "agent_id": "thandi", **changes})


def warned(**changes: Any) -> ClockWarned:
    return ClockWarned(
        **{**CASE, "at": at(25), "clock": "first_response", "priority": "P3", "due_at": at(30), **changes}
    )


def delivered(request: UpdateRequested, **changes: Any) -> UpdateDelivered:
    return UpdateDelivered(
        **{
            "desk": request.desk,
            "at": request.at,
            "update_id": request.update_id,
            "case_id": request.case_id,
            "reference": request.reference,
            "update_kind": request.update_kind,
            "channel": request.reply_to.channel,
            "provider": request.reply_to.provider,
            "attempts": 1,
            **changes,
        }
    )


def told(core: NotifierCore, *events: Any, minutes: float | None = None) -> list[UpdateRequested]:
    """What the customer is told when these happen; each event's id is its place."""
    facts: list[Any] = []
    for number, event in enumerate(events):
        facts += step(core, f"event-{number}", event, event.at if minutes is None else at(minutes))
    return [fact for fact in facts if isinstance(fact, UpdateRequested)]


def tick(core: NotifierCore, minutes: float) -> list[Any]:
    """The facts of every deadline up to then."""
    facts: list[Any] = []
    while (due := core.take_due(at(minutes))) is not None:
        facts += step(core, due.id, due.command, at(minutes))
    return facts
