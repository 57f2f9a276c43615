"""What messengers have in common: JSON within limits, and a short message as `MessageReceived`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from mimetypes import guess_type
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from schemas.base import ReplyAddress
from schemas.codec import describe
from schemas.messages import Attachment, MessageReceived, Sender
from services.ingest.normalise import identifiers, language, reference
from services.ingest.normalise.text import MAX_TEXT, clean, line
from services.ingest.provider import Intake, Rejected

MAX_BODY: Final = 1024 * 1024
"""Bytes. Messengers bring words and links; this is what can be read in a second, whatever it holds."""
MAX_MESSAGES: Final = 1000
"""In one request. Meta, who batches most, stops there."""
MAX_FILES: Final = 100
"""Of one message; no messenger lets anybody send as many."""
UNREADABLE: Final = "[The messenger does not pass on what the customer sent]"
"""The text of a message whose content the provider keeps to itself: somebody did write."""
UNKNOWN_TYPE: Final = "application/octet-stream"

Id = Annotated[str, StringConstraints(min_length=1, max_length=500)]
"""What a provider calls a message, or where an answer goes."""
Who = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""What a provider calls a person, or a conversation."""


class Part(BaseModel):
    """A part of a provider's JSON; what is new in it bothers nobody."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Payload = TypeVar("Payload", bound=BaseModel)


def read(model: type[Payload], body: bytes | str) -> Payload:
    """The payload that `body` is. Raises Rejected(malformed, too_large)."""
    if len(body) > MAX_BODY:
        raise Rejected("too_large", f"a request of this provider is smaller than {MAX_BODY} bytes")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody said, in the provider's own terms."""

    event: str
    """What tells this delivery from all others of the provider; its repeats have the same."""
    own_id: str
    """The message's own id, to which a later `answers` may point."""
    network: str
    """The network of the sender's handle."""
    who: str
    """What the provider calls the sender."""
    name: str | None = None
    phone: str | None = None
    """A number (with its country, the + may be missing) that the provider vouches for."""
    address: str
    """Where an answer goes."""
    thread: str | None = None
    lines: Sequence[str | None]
    """Text, caption, label of the button: what there is, in order."""
    files: Sequence[Attachment] = ()
    answers: str | None = None
    """The `own_id` of the message that this one quotes."""
    at: float | None = None
    """The provider's time, seconds since 1970."""


def received(said: Said, intake: Intake) -> MessageReceived:
    """The message that comes of it. Raises Rejected(malformed) when nobody could be called the sender, or an
    id is longer than any that a provider gives.
    """
    handle = identifiers.handle(said.network, said.who)
    if handle is None:
        raise Rejected("malformed", "the sender's id has no readable character")
    number = identifiers.tel(f"+{said.phone.lstrip('+')}") if said.phone else None
    text = clean("\n".join(filter(None, said.lines)), MAX_TEXT)
    readable = bool(text or said.files)
    try:
        return MessageReceived(
            desk=intake.desk,
            at=intake.received_at,
            message_id=intake.message_id(said.event),
            channel=intake.channel,
            provider=intake.provider,
            provider_message_id=said.own_id,
            sender=Sender(identifiers=(handle, number) if number else (handle,), name=line(said.name)),
            reply_to=ReplyAddress(
                channel=intake.channel, provider=intake.provider, address=said.address, thread=said.thread
            ),
            text=text if readable else UNREADABLE,
            language=language.detect(text, intake.policy.languages),
            references=(said.answers,) if said.answers else (),
            case_reference=reference.find(intake.policy.reference_prefix, text),
            attachments=tuple(said.files[:MAX_FILES]),
            verified=intake.proven,
            sent_at=_instant(said.at),
        )
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error


def file(name: str | None, media_type: str | None, size: int | None, kind: str) -> Attachment:
    """An attachment by what the provider tells of it; `kind` names what has no name."""
    named = line(name, 255)
    claimed = line(media_type, 100) or (guess_type(named)[0] if named else None)
    return Attachment(name=named or kind, media_type=claimed or UNKNOWN_TYPE, size=max(size or 0, 0))


def place(latitude: float | None, longitude: float | None) -> str | None:
    """Coordinates as a customer would write them."""
    return f"{latitude}, {longitude}" if latitude is not None and longitude is not None else None


def within_limit(messages: Sequence[Payload]) -> Sequence[Payload]:
    """The messages of one request. Raises Rejected(too_large) when they are too many."""
    if len(messages) > MAX_MESSAGES:
        raise Rejected("too_large", f"a request has at most {MAX_MESSAGES} messages")
    return messages


def _instant(at: float | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(at, UTC) if at is not None else None
    except (ValueError, OverflowError, OSError):
        return None
