"""What agents and operators do: the topic `commands`. Written by agents' desktops.

A command that cannot be carried out is answered with `CommandRejected` on `assignments`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from schemas.base import AgentId, CaseId, Command, EventId, Priority, Skill

Words = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Note = Annotated[str, StringConstraints(max_length=1000)]


class RenewPresence(Command):
    """The agent is there. Presence is a lease: renew it well before it runs out (the policy's
    `presence.lease`), or unanswered work goes back to the queue.
    """

    state: Literal["available", "away", "offline"] = "available"
    """`available` takes new work; `away` keeps what it has and gets no more; `offline` ends the lease."""


class AcceptOffer(Command):
    """The agent takes the case."""

    offer_id: EventId
    case_id: CaseId


class DeclineOffer(Command):
    """The agent does not take the case; it goes to somebody else."""

    offer_id: EventId
    case_id: CaseId
    reason: Note | None = None


class SendReply(Command):
    """The agent answers the customer. Sent on the channel that the customer used last."""

    case_id: CaseId
    text: Words


class WaitForCustomer(Command):
    """Nothing to do until the customer answers; the case stays with the agent and takes no capacity."""

    case_id: CaseId
    note: Note | None = None


class ResolveCase(Command):
    """The matter is settled."""

    case_id: CaseId
    resolution: Note | None = None
    """What settled it, for colleagues."""


class TransferCase(Command):
    """Hand the case to a colleague, or to whoever has other skills."""

    case_id: CaseId
    to_agent: AgentId | None = None
    to_skill: Skill | None = None
    note: Note


class EscalateCase(Command):
    """Somebody with more say or more knowledge must look at it."""

    case_id: CaseId
    note: Note


class SetPriority(Command):
    """Set the priority by hand; the matrix no longer counts for this case."""

    case_id: CaseId
    priority: Priority
    note: Note


class MergeCases(Command):
    """Two cases are one matter: everything of `case_id` joins `into`."""

    case_id: CaseId
    into: CaseId
