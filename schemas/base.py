"""What every event has in common, and the small types that the events are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Channel = Literal["email", "chat", "phone", "social"]
CHANNELS: tuple[Channel, ...] = ("email", "chat", "phone", "social")

Priority = Literal["P1", "P2", "P3", "P4", "P5"]
PRIORITIES: tuple[Priority, ...] = ("P1", "P2", "P3", "P4", "P5")

Level = Literal["critical", "high", "normal", "low"]
"""How urgent, or how much it hurts; `critical` is the most."""
LEVELS: tuple[Level, ...] = ("critical", "high", "normal", "low")

DeskId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
AgentId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
CaseId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
EventId = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,4}-[0-9A-Z]{6,10}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]

Identifier = Annotated[str, StringConstraints(pattern=r"^(email|tel|handle|account):.+$", max_length=400)]
"""Who a customer is on one channel, in canonical form: `email:jan@example.com`,
`tel:+27821234567` (E.164), `handle:whatsapp:27821234567`, `account:4711`."""

Skill = Annotated[str, StringConstraints(pattern=r"^[a-z]+:[A-Za-z0-9_.+-]+$", max_length=80)]
"""What somebody can do, as `kind:name`: `product:printer`, `platform:windows`, `topic:billing`,
`language:af`, `kind:person`."""

SkillLevel = Annotated[int, Field(ge=1, le=5)]


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        message = "a time needs its zone, e.g. 2026-11-22T09:30:00Z"
        raise ValueError(message)
    try:
        return value if value.tzinfo is UTC else value.astimezone(UTC)
    except OverflowError as error:
        message = "a time that is out of range in UTC"
        raise ValueError(message) from error


Instant = Annotated[datetime, AfterValidator(_utc)]
"""A moment in UTC; on the wire ISO 8601 with its zone."""


class Model(BaseModel):
    """A frozen value. Readers ignore fields that they do not know, so that adding one breaks nobody."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="ignore", allow_inf_nan=False, use_attribute_docstrings=True
    )


class Event(Model):
    """A fact, or a command, as it lies on a topic.

    `at` is the instant of the fact; it is also the CloudEvents `ce_time`. The event's id, its
    type and its trace lie in the headers only (see `schemas.codec`).
    """

    kind: ClassVar[str] = ""
    """The CloudEvents type without its prefix and version: the class name in snake case."""

    desk: DeskId
    """The support organisation that this is about."""
    at: Instant
    """When it happened."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Derive the wire name of the event from its class name."""
        super().__init_subclass__(**kwargs)  # type: ignore[arg-type]
        name = cls.__name__
        cls.kind = "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


class Command(Event):
    """What an agent, a desktop or an operator asks for. Unknown fields are refused: a desktop that
    misspells a field must hear of it instead of being half obeyed.
    """

    model_config = ConfigDict(extra="forbid")

    agent_id: AgentId
    """Who asks."""


class Reason(Model):
    """One named cause of a decision."""

    rule: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    """The policy rule, or the router's own rule in words such as `least-loaded`."""
    text: str
    """What it came to, in plain words."""


class Decision(Model):
    """Why something was decided."""

    policy_version: str
    """The version of the policy that was in force."""
    reasons: tuple[Reason, ...] = Field(strict=False)
    """In the order in which they counted."""
    considered: Annotated[tuple[AgentId, ...], Field(strict=False)] = ()
    """Who else could have had it (at most three, best first)."""


class Need(Model):
    """A skill with the least level that a case requires of an agent."""

    skill: Skill
    level: SkillLevel = 1


class ReplyAddress(Model):
    """Where an answer to a message goes: always the way the message came."""

    channel: Channel
    provider: str
    """The provider or adapter that the message came by."""
    address: Annotated[str, StringConstraints(min_length=1, max_length=400)]
    """The provider's own address of the customer: mailbox, E.164 number, handle, conversation."""
    thread: str | None = None
    """What to answer to: a Message-ID for mail, a conversation for the others."""
