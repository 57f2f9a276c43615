"""What the notifier knows of one case. A value: every change makes a new one."""

from __future__ import annotations

from pydantic import Field

from schemas.base import AgentId, CaseId, DeskId, Instant, Language, Model, Reference, ReplyAddress
from schemas.updates import UpdateKind, UpdateRequested


class Case(Model):
    """One case, as far as telling its customer goes. Its JSON is the changelog's snapshot."""

    case_id: CaseId
    desk: DeskId
    reference: Reference
    opened_at: Instant
    reply_to: ReplyAddress
    language: Language
    customer: str | None = None
    """The customer's name, when the provider vouches for it and it looks like one."""
    subject: str | None = None
    """Of the first mail, for the `Re:` of an agent's answer and nothing else."""
    automatic: bool = False
    """Only machines wrote so far: no template answers them."""
    agent_id: AgentId | None = None
    """Who holds the case."""
    agent_name: str | None = None
    answered: bool = False
    """An agent has answered at least once."""
    ended_at: Instant | None = None
    """Resolved, merged or abandoned; None while it is open."""
    requested: dict[str, UpdateKind] = Field(default_factory=dict)
    """Every update ever requested for the case, so that none is requested twice."""
    outstanding: dict[str, UpdateRequested] = Field(default_factory=dict)
    """The requested updates whose outcome has not come in: the latest attempt of each."""
