"""Everything that happens to a case, with the decision behind it: the topic `cases`.

Written by the router. `at` is the instant of the decision.
"""

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
    Identifier,
    Instant,
    Language,
    Level,
    Need,
    Priority,
    Reference,
    ReplyAddress,
    Skill,
)

ReleaseReason = Literal["declined", "offer_expired", "agent_lost", "transferred", "delivery_failed"]


class CaseEvent(Event):
    """What every event of a case carries."""

    case_id: CaseId
    reference: Reference
    """The short reference that the customer sees."""


class CaseOpened(CaseEvent):
    """A customer's matter came into being with its first message."""

    message_id: EventId
    customer_id: EventId
    identifiers: Annotated[tuple[Identifier, ...], Field(strict=False)]
    customer_name: str | None = None
    channel: Channel
    reply_to: ReplyAddress
    subject: str | None = None
    language: Language
    """Of the customer; the desk's first language when it cannot be told."""
    tier: str | None = None
    """The customer's tier by the policy, when there is one."""
    verified: bool = False
    automatic: bool = False
    """A machine wrote: nothing is told to it."""
    acknowledge: bool = True
    """Whether the customer is told that the message arrived: not for machines, nor above the policy's
    limits, which keep us from being used as a spam relay."""
    live: bool = False


class MessageAdded(CaseEvent):
    """A further message joined the case."""

    message_id: EventId
    channel: Channel
    reply_to: ReplyAddress
    language: Language
    """Of the customer from now on."""
    linked_by: Literal["identifier", "reference", "thread"]
    """How it was recognised to belong here."""
    automatic: bool = False
    live: bool = False
    agent_id: AgentId | None = None
    """Who holds the case, and so has to answer."""


class CasePrioritised(CaseEvent):
    """Urgency x impact gave a priority, for the first time or anew."""

    priority: Priority
    urgency: Level
    impact: Level
    previous: Priority | None = None
    decision: Decision


class CaseQueued(CaseEvent):
    """The case waits for somebody who meets its needs."""

    channel: Channel
    priority: Priority
    needs: Annotated[tuple[Need, ...], Field(strict=False)]
    waiting_since: Instant
    """Since when: kept when the case comes back to the queue, so that its age counts."""
    decision: Decision


class CaseAssigned(CaseEvent):
    """An agent has the case: accepted, or given without asking where the policy says so."""

    agent_id: AgentId
    agent_name: str
    channel: Channel
    priority: Priority
    offer_id: EventId
    waited_seconds: float
    """Since the `waiting_since` of its CaseQueued."""
    decision: Decision


class CaseReleased(CaseEvent):
    """The case, or the offer of it, was taken from an agent; it is queued again with its age kept."""

    agent_id: AgentId
    reason: ReleaseReason
    assigned: bool
    """Whether the agent had the case already, or only its offer."""
    decision: Decision


class AgentReplied(CaseEvent):
    """The agent answered. The words go to the customer by way of `updates`."""

    agent_id: AgentId
    reply_id: EventId
    text: str
    reply_to: ReplyAddress
    first: bool
    """Whether this is the first answer by an agent in this case."""


class CaseWaiting(CaseEvent):
    """The next move is the customer's."""

    agent_id: AgentId
    note: str | None = None


class CaseEscalated(CaseEvent):
    """Somebody with more say or knowledge was asked to look at it."""

    agent_id: AgentId
    note: str


class CaseTransferred(CaseEvent):
    """An agent handed the case on."""

    agent_id: AgentId
    to_agent: AgentId | None = None
    to_skill: Skill | None = None
    note: str


class CaseMerged(CaseEvent):
    """The case was found to be the same matter as another one, and ended in it."""

    into: CaseId


class CaseAbandoned(CaseEvent):
    """The customer left (hung up, closed the chat) before anybody answered."""

    channel: Channel
    waited_seconds: float


class CaseResolved(CaseEvent):
    """The matter is settled."""

    agent_id: AgentId | None = None
    """Who settled it; none when nobody had to (automatic mail)."""
    resolution: str | None = None
    decision: Decision | None = None
    """Given when a rule settled it."""


class CaseReopened(CaseEvent):
    """A settled matter came back."""

    message_id: EventId
