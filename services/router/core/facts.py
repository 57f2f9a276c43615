"""Private facts, which change the state and are nobody else's business, and the core's own commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from schemas.agents import AgentUpserted
from schemas.base import Need
from schemas.messages import MessageReceived

# --- facts ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IdRemembered:
    """A message or command was processed; its repeat within the time changes nothing."""

    desk: str
    id: str
    until: datetime


@dataclass(frozen=True, slots=True)
class IdForgotten:
    """No repeat is expected any more."""

    desk: str
    id: str


@dataclass(frozen=True, slots=True)
class CustomerSeen:
    """A customer wrote: new, or known, perhaps under a further identifier."""

    desk: str
    customer_id: str
    identifiers: tuple[str, ...]
    name: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CustomersMerged:
    """Two customers are the same person."""

    desk: str
    into: str
    merged: str


@dataclass(frozen=True, slots=True)
class CustomerForgotten:
    """A customer was silent for so long that the identifiers are dropped."""

    desk: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class MessageTold:
    """What the customer wrote, for the case's history and its recognition by thread and contact."""

    desk: str
    case_id: str
    message: MessageReceived
    live: bool


@dataclass(frozen=True, slots=True)
class NeedsFound:
    """A message told what else the case needs; it counts when the case is next in the queue."""

    desk: str
    case_id: str
    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class ContactClosed:
    """A call or chat of the case ended; the case goes on."""

    desk: str
    case_id: str
    contact: str


@dataclass(frozen=True, slots=True)
class AgentKnown:
    """An agent joined or changed."""

    desk: str
    agent: AgentUpserted


@dataclass(frozen=True, slots=True)
class AgentForgotten:
    """An agent left for good."""

    desk: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class PresenceRenewed:
    """An agent's lease."""

    desk: str
    agent_id: str
    state: str
    until: datetime


@dataclass(frozen=True, slots=True)
class AgentWentOffline:
    """An agent's lease ended."""

    desk: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class ExclusionLifted:
    """An agent may be offered the case again."""

    desk: str
    case_id: str
    agent_id: str


# --- commands of the core to itself: what to look at next, and deadlines ------------------------------
# Tuples, so that timers with the same deadline have an order that is always the same.


class MatchCase(NamedTuple):
    """Find somebody for a queued case."""

    desk: str
    case_id: str


class MatchAgent(NamedTuple):
    """Find work for an agent who may have room."""

    desk: str
    agent_id: str


class OfferRanOut(NamedTuple):
    """An offer's time is over."""

    desk: str
    case_id: str
    offer_id: str


class LeaseRanOut(NamedTuple):
    """An agent's lease is over."""

    desk: str
    agent_id: str


class ExclusionEnds(NamedTuple):
    """An agent who declined may be asked again."""

    desk: str
    case_id: str
    agent_id: str


class ForgetId(NamedTuple):
    """A remembered id has served."""

    desk: str
    id: str


class ForgetCustomer(NamedTuple):
    """A customer was silent for long."""

    desk: str
    customer_id: str


Deadline = OfferRanOut | LeaseRanOut | ExclusionEnds | ForgetId | ForgetCustomer
