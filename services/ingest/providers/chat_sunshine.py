"""Zendesk's Sunshine Conversations, version 2 of its webhooks: JSON, several events in one request.

Proof: `X-API-Key` holds the webhook's own secret, as Sunshine gives it when the webhook is made; nothing is signed
(`services.ingest.shared_token`). Source: https://docs.smooch.io/rest/#tag/Webhooks and
https://developer.zendesk.com/documentation/conversations/messaging-platform/programmable-conversations/receiving-messages/.

`conversation:message` by a user is a message, and so is `conversation:postback`, the press of a button;
`conversation:remove` ends the contact. Typing, reading, joining, deliveries and what the business writes are
acknowledged and left alone. Media are told of, never fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from schemas.base import ReplyAddress
from schemas.codec import describe
from schemas.messages import Attachment, ContactEnded, MessageReceived, Sender
from services.ingest import shared_token
from services.ingest.normalise import identifiers, language, reference
from services.ingest.normalise.parsed_mail import announced
from services.ingest.normalise.text import MAX_TEXT, clean, line
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request

UNREADABLE: Final = "[Sunshine Conversations does not pass on what the customer sent]"
"""The text of a message of a kind without words: somebody did write."""

Found = TypeVar("Found")
Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Profile(_Part):
    """What a user says of themselves; only where the webhook is set to tell."""

    givenName: str | None = None  # noqa: N815 - Sunshine's own names, here and below
    surname: str | None = None
    email: str | None = None


class User(_Part):
    """Who writes."""

    id: Id
    profile: Profile | None = None


class Author(_Part):
    """A user, or the business."""

    type: str
    userId: Id | None = None  # noqa: N815
    displayName: str | None = None  # noqa: N815
    user: User | None = None


class Content(_Part):
    """What is in a message, according to its type."""

    type: str
    text: str | None = None
    textFallback: str | None = None  # noqa: N815
    mediaUrl: str | None = None  # noqa: N815
    mediaType: str | None = None  # noqa: N815
    mediaSize: int | None = None  # noqa: N815
    altText: str | None = None  # noqa: N815
    fields: tuple[dict[str, Any], ...] | None = None
    coordinates: dict[str, Any] | None = None


class Message(_Part):
    """A message."""

    id: Id
    author: Author
    content: Content
    received: str | None = None
    deleted: bool | None = None


class Pressed(_Part):
    """A button."""

    text: str | None = None
    payload: str | None = None


class Conversation(_Part):
    """Where it was said."""

    id: Id


class Payload(_Part):
    """What an event tells, according to its type."""

    conversation: Conversation | None = None
    message: Message | None = None
    postback: Pressed | None = None
    user: User | None = None


class Event(_Part):
    """One event."""

    id: Id
    type: str
    createdAt: str | None = None  # noqa: N815
    payload: dict[str, Any] = {}


class Batch(_Part):
    """A request."""

    events: Annotated[tuple[Event, ...], Field(max_length=1000)]


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless X-API-Key is `secret`."""
    shared_token.proof(request, secret, "X-API-Key")


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """What users wrote or pressed, and the ends of conversations."""
    try:
        events = Batch.model_validate_json(request.body).events
        told = [(event, Payload.model_validate(event.payload)) for event in events if event.type in _READ]
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error
    found = (_READ[event.type](event, payload, intake) for event, payload in told)
    return [event for event in found if event is not None]


def _message(_: Event, payload: Payload, intake: Intake) -> InboundEvent | None:
    message = _needed(payload.message, "message")
    author = message.author
    if author.type != "user" or message.deleted:
        return None
    text = clean("\n".join(filter(None, _words(message.content))), MAX_TEXT)
    files = tuple(_files(message.content))
    user = author.user or (User(id=author.userId) if author.userId else None)
    return _received(
        _needed(payload.conversation, "conversation"),
        message.id,
        _sender(_needed(user, "author.userId"), author.displayName),
        text if text or files else UNREADABLE,
        intake,
        files,
        message.received,
    )


def _pressed(event: Event, payload: Payload, intake: Intake) -> InboundEvent | None:
    button = _needed(payload.postback, "postback")
    text = clean(button.text or button.payload or "", MAX_TEXT) or UNREADABLE
    sender = _sender(_needed(payload.user, "user"), None)
    return _received(
        _needed(payload.conversation, "conversation"), event.id, sender, text, intake, sent_at=event.createdAt
    )


def _ended(event: Event, payload: Payload, intake: Intake) -> InboundEvent | None:
    conversation = _needed(payload.conversation, "conversation")
    who = payload.user
    return ContactEnded(
        desk=intake.desk,
        at=intake.received_at,
        message_id=intake.message_id(f"{event.id} ended"),
        channel=intake.channel,
        provider=intake.provider,
        contact=conversation.id,
        sender=_sender(who, None) if who else Sender(identifiers=(f"handle:sunshine:conversation {conversation.id}",)),
        reason="closed",
    )


_READ: Final = {
    "conversation:message": _message,
    "conversation:postback": _pressed,
    "conversation:remove": _ended,
}


def _received(
    conversation: Conversation,
    own_id: str,
    sender: Sender,
    text: str,
    intake: Intake,
    files: tuple[Attachment, ...] = (),
    sent_at: str | None = None,
) -> MessageReceived:
    return MessageReceived(
        desk=intake.desk,
        at=intake.received_at,
        message_id=intake.message_id(own_id),
        channel=intake.channel,
        provider=intake.provider,
        provider_message_id=own_id,
        sender=sender,
        reply_to=ReplyAddress(
            channel=intake.channel, provider=intake.provider, address=conversation.id, thread=conversation.id
        ),
        text=text,
        language=None if text == UNREADABLE else language.detect(text, intake.policy.languages),
        live=True,
        contact=conversation.id,
        case_reference=reference.find(intake.policy.reference_prefix, text),
        attachments=files,
        verified=intake.proven,
        sent_at=_time(sent_at),
    )


def _words(content: Content) -> Iterator[str | None]:
    """The lines of what somebody wrote, filled in or shared."""
    yield content.text or content.textFallback
    for field in content.fields or ():
        label = field.get("label") or field.get("name")
        said = field.get("text") or field.get("email")
        if isinstance(said, str) and isinstance(label, str):
            yield f"{label}: {said}"
    place = content.coordinates or {}
    if isinstance(place.get("lat"), int | float) and isinstance(place.get("long"), int | float):
        yield f"{place['lat']}, {place['long']}"


def _files(content: Content) -> Iterator[Attachment]:
    if content.mediaUrl:
        yield announced(content.altText or content.type, content.mediaType, content.mediaSize)


def _sender(user: User, name: str | None) -> Sender:
    handle = identifiers.handle("sunshine", user.id)
    if handle is None:
        raise Rejected("malformed", "a user's id has no readable character")
    profile = user.profile or Profile()
    full = " ".join(filter(None, (profile.givenName, profile.surname))) or name
    return Sender(identifiers=(handle, *filter(None, (identifiers.email(profile.email),))), name=line(full))


def _needed(found: Found | None, name: str) -> Found:
    if found is None:
        raise Rejected("malformed", f"{name}: is missing")
    return found


def _time(written: str | None) -> datetime | None:
    try:
        sent = datetime.fromisoformat(written) if written else None
        return sent.astimezone(UTC) if sent and sent.tzinfo else None
    except (ValueError, OverflowError):
        return None


PROVIDER = Provider(channel="chat", name="sunshine", proof=proof, parse=parse)
