"""What an agent's desktop listens to: the topic `assignments`, keyed by agent. Written by the router."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import (
    AgentId,
    CaseId,
    Channel,
    Decision,
    Event,
    EventId,
    Instant,
    Language,
    Model,
    Need,
    Priority,
    Reference,
)

RejectionReason = Literal[
    "unknown_case", "unknown_agent", "not_the_holder", "offer_gone", "already_resolved", "not_available"
]


class HistoryEntry(Model):
    """One thing said in the case, so that nobody has to ask again."""

    at: Instant
    by: Literal["customer", "agent"]
    name: str | None = None
    channel: Channel
    text: str
    """At most the first 4,000 characters."""


class AgentEvent(Event):
    """What every event for an agent carries."""

    agent_id: AgentId


class OfferMade(AgentEvent):
    """A case is put to the agent, to be accepted or declined before it expires."""

    offer_id: EventId
    case_id: CaseId
    reference: Reference
    channel: Channel
    priority: Priority
    language: Language
    subject: str | None = None
    excerpt: str
    """The beginning of what the customer wrote last."""
    needs: Annotated[tuple[Need, ...], Field(strict=False)]
    expires_at: Instant
    decision: Decision


class OfferWithdrawn(AgentEvent):
    """The offer no longer stands."""

    offer_id: EventId
    case_id: CaseId
    reason: Literal["expired", "declined", "agent_lost", "transferred", "abandoned"]


class Assigned(AgentEvent):
    """The agent has the case, with all that was said so far."""

    offer_id: EventId
    case_id: CaseId
    reference: Reference
    channel: Channel
    priority: Priority
    language: Language
    customer_name: str | None = None
    subject: str | None = None
    history: Annotated[tuple[HistoryEntry, ...], Field(strict=False)]
    """Oldest first; at most the latest 50 entries."""
    decision: Decision


class Unassigned(AgentEvent):
    """The case is no longer the agent's."""

    case_id: CaseId
    reason: Literal["resolved", "agent_lost", "transferred", "delivery_failed", "merged"]


class CommandRejected(AgentEvent):
    """A command of the agent could not be carried out. Nothing was changed."""

    command_id: EventId
    """The `ce_id` of the command."""
    command: str
    """Its kind, e.g. `accept_offer`."""
    case_id: CaseId | None = None
    reason: RejectionReason
    detail: str
    """What is the case, and what to do instead."""
