"""What the router remembers, and how each of it is written to the changelog and read back.

A changelog key is `desk/kind/id`; the value is JSON. Indexes and queues are not written: they are
rebuilt from these.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from schemas.assignments import HistoryEntry
from schemas.base import Channel, Identifier, Instant, Language, Level, Need, Priority, ReplyAddress

HISTORY_ENTRIES: Final = 50
HISTORY_CHARACTERS: Final = 4000
"""Of one entry. The whole text lies on the topic; an agent's screen holds no more."""
THREADS: Final = 100
"""Message ids by which a case is recognised; the latest."""


@dataclass(slots=True)
class Offer:
    """A case put to an agent who has not answered yet."""

    id: str
    agent_id: str
    expires_at: Instant


@dataclass(slots=True)
class Case:
    """A customer's matter that is not settled yet."""

    id: str
    reference: str
    customer_id: str
    customer_name: str | None
    opened_at: Instant
    channel: Channel
    """Of the latest message: the agent answers there."""
    reply_to: ReplyAddress
    subject: str | None
    language: Language
    tier: str | None
    active_at: Instant
    """When the customer last wrote."""
    waiting_since: Instant
    """Since when the customer waits for somebody to take the case."""
    status: Literal["queued", "offered", "assigned", "waiting"] = "queued"
    urgency: Level = "low"
    impact: Level = "low"
    priority: Priority = "P5"
    needs: tuple[Need, ...] = ()
    contacts: int = 0
    """Messages by the customer, machines' not counted."""
    live_contacts: list[str] = field(default_factory=list)
    """Calls and chat sessions in which the customer is still there."""
    only_live: bool = True
    """Every message so far came by call or chat: when they end unanswered, nothing is left to answer."""
    history: list[HistoryEntry] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    contact_ids: list[str] = field(default_factory=list)
    excluded: dict[str, Instant] = field(default_factory=dict)
    """Agents who declined or let an offer expire, until when."""
    offer: Offer | None = None
    agent_id: str | None = None
    accepted_offer: str | None = None
    offers_made: int = 0
    answered: bool = False
    awaiting_answer: bool = True
    """The last word is the customer's."""

    @property
    def holder(self) -> str | None:
        """The agent who has the case, or its offer."""
        return self.offer.agent_id if self.offer else self.agent_id


@dataclass(slots=True)
class Customer:
    """Who writes, by all identifiers that are known to be the same person."""

    id: str
    identifiers: list[Identifier]
    name: str | None
    seen_at: Instant
    opened: list[Instant] = field(default_factory=list)
    """When cases were opened in the last hour: acknowledgements are limited."""


@dataclass(slots=True)
class Agent:
    """Who answers."""

    id: str
    name: str
    kind: Literal["person", "bot"]
    skills: dict[str, int]
    """The agent's own kind among them, as `kind:person` or `kind:bot`."""
    capacity: dict[Channel, int]
    state: Literal["available", "away", "offline"] = "offline"
    lease_until: Instant | None = None
    assigned_at: Instant | None = None
    """When last given a case: of two alike, who waited longer is first."""


@dataclass(slots=True)
class Seen:
    """The id of a message or command that was processed, so that its repeat changes nothing."""

    id: str
    until: Instant


Entity = Case | Customer | Agent | Seen

KINDS: Final[dict[type[Entity], str]] = {Case: "case", Customer: "customer", Agent: "agent", Seen: "seen"}
_ADAPTERS: Final[dict[str, TypeAdapter[Any]]] = {name: TypeAdapter(kind) for kind, name in KINDS.items()}


def key_of(desk: str, entity: Entity) -> str:
    """The changelog key of an entity of a desk."""
    return f"{desk}/{KINDS[type(entity)]}/{entity.id}"


def snapshot(entity: Entity) -> bytes:
    """The entity as its changelog value."""
    return _ADAPTERS[KINDS[type(entity)]].dump_json(entity)


def restore(key: str, value: bytes) -> tuple[str, Entity]:
    """The desk and the entity that a changelog record holds. Raises ValueError for a foreign record."""
    desk, kind, _ = key.split("/", 2)
    entity: Entity = _ADAPTERS[kind].validate_json(value)
    return desk, entity
