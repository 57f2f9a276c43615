"""What customers send, normalised: the topic `messages`. Written by ingest."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.base import Channel, Event, EventId, Identifier, Instant, Language, Model, ReplyAddress

AutomaticKind = Literal["auto_reply", "bounce", "loop", "auto_generated", "bulk"]
"""`auto_reply` (out of office), `bounce` and `loop` want no answer from anybody; `auto_generated`
(a monitor's alert) and `bulk` (a list) may be a matter for an agent, but are never acknowledged."""


class Sender(Model):
    """Who wrote, as far as the provider tells."""

    identifiers: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=10, strict=False)]
    """Canonical; the first is the one that the provider vouches for."""
    name: Annotated[str, StringConstraints(max_length=200)] | None = None
    """As the customer gives it."""


class Attachment(Model):
    """What came with the message. The bytes do not travel through Kafka."""

    name: Annotated[str, StringConstraints(max_length=255)]
    media_type: str
    """As claimed by the sender."""
    size: Annotated[int, Field(ge=0)]
    """In bytes; 0 when the provider does not tell."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Of the content, where the provider sent it along."""


class Automatic(Model):
    """A machine wrote this."""

    kind: AutomaticKind
    evidence: str
    """The header or mark that gives it away, e.g. `Auto-Submitted: auto-replied`."""


FactKind = Literal[
    "order_number",
    "product",
    "platform",
    "version",
    "error",
    "step_tried",
    "phone",
    "email",
    "web",
    "time_zone",
    "convenient_time",
]


class Fact(Model):
    """Something that an agent would otherwise have to ask for, as it stands in the message; never a guess."""

    kind: FactKind
    value: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    """As the customer writes it, with single spaces; of `phone` in E.164, of `email` in lower case."""
    found_in: Literal["subject", "text", "full_text"]
    """The field of the message that it stands in; `full_text` when it stands in the signature."""
    start: Annotated[int, Field(ge=0)]
    """Where it begins in that field, in characters (Unicode code points)."""
    end: Annotated[int, Field(ge=1)]
    """Where it ends: the first character that is not part of it."""


class MessageReceived(Event):
    """One inbound communication of a customer, normalised, whatever the channel."""

    message_id: EventId
    """Derived from the provider's id, so that a repeat has the same one; equals `ce_id`."""
    channel: Channel
    provider: str
    """The provider's name as it stands in ingest's path."""
    provider_message_id: str
    """The provider's own id of the message."""
    sender: Sender
    reply_to: ReplyAddress
    subject: Annotated[str, StringConstraints(max_length=1000)] | None = None
    text: str
    """What the customer wrote this time, without quoted history and signature."""
    full_text: str | None = None
    """All of the text, when it is more than `text`."""
    language: Language | None = None
    """Of the text, ISO 639; none when there is too little text to tell."""
    live: bool = False
    """The customer is waiting on the line or in the chat window right now."""
    contact: str | None = None
    """The provider's id of the call or chat session, when there is one."""
    references: Annotated[tuple[str, ...], Field(max_length=100, strict=False)] = ()
    """Ids of earlier messages that this one answers (mail's In-Reply-To and References)."""
    case_reference: str | None = None
    """Our own reference, when the customer quotes it."""
    attachments: Annotated[tuple[Attachment, ...], Field(strict=False)] = ()
    facts: Annotated[tuple[Fact, ...], Field(max_length=200, strict=False)] = ()
    """What the message says about order, product, error and how to reach the customer."""
    automatic: Automatic | None = None
    verified: bool = False
    """Whether the provider vouches for the sender's identity."""
    sent_at: Instant | None = None
    """The provider's or the sender's own time. `at` is the time of receipt."""


class ContactEnded(Event):
    """The customer is no longer there: hung up, closed the chat."""

    message_id: EventId
    """Of this event; derived as in MessageReceived."""
    channel: Channel
    provider: str
    contact: str
    """The provider's id of the call or chat session that ended."""
    sender: Sender
    reason: Literal["completed", "hung_up", "closed", "no_answer", "busy", "failed"]
    seconds: Annotated[int, Field(ge=0)] | None = None
    """How long it lasted, when the provider tells."""
