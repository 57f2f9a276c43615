"""WhatsApp Cloud API: JSON, many messages in one request.

Proof and handshake are Meta's (`services/ingest/meta.py`).

Statuses, reactions, edits, deletions, calls and system notices are no new messages: they are acknowledged and
left alone. Media are told of, never fetched.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json

from schemas.base import ReplyAddress
from schemas.codec import describe
from schemas.messages import Attachment, MessageReceived, Sender
from services.ingest.meta import handshake, proof
from services.ingest.normalise import identifiers, language, reference
from services.ingest.normalise.text import MAX_TEXT, clean, line
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request

_NO_MESSAGE: Final = frozenset({"reaction", "system", "edit", "revoke"})
_MEDIA: Final = ("image", "video", "audio", "document", "sticker")
UNREADABLE: Final = "[WhatsApp does not pass on what the customer sent]"
"""The text of a message of a kind that the API keeps to itself: somebody did write."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Context(_Part):
    """The message that this one answers."""

    id: str | None = None


class Message(_Part):
    """One message; what it holds lies under the name of its type and is read by `_text`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    type: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    sender: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(None, alias="from")
    from_user_id: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    timestamp: str | int | None = None
    context: Context | None = None

    def part(self, name: str) -> dict[str, Any]:
        """The object under `name`, empty when there is none."""
        found = (self.model_extra or {}).get(name)
        return found if isinstance(found, dict) else {}


class Profile(_Part):
    """What a customer calls themselves."""

    name: str | None = None


class Contact(_Part):
    """A customer of this batch."""

    wa_id: str | None = None
    user_id: str | None = None
    profile: Profile | None = None


class Value(_Part):
    """What changed, where messages did."""

    messages: tuple[Message, ...] = ()
    contacts: tuple[Contact, ...] = ()


class Change(_Part):
    """One change. `value` has a shape of its own for each field; only that of messages concerns us."""

    field: str
    value: dict[str, Any]


class Entry(_Part):
    """The changes of one account."""

    changes: tuple[Change, ...]


class Payload(_Part):
    """A batch."""

    object: Literal["whatsapp_business_account"]
    entry: tuple[Entry, ...]


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """Every new message of every change of every entry."""
    try:
        payload = Payload.model_validate_json(request.body)
        values = [
            Value.model_validate(change.value)
            for entry in payload.entry
            for change in entry.changes
            if change.field == "messages"
        ]
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error
    return [
        _received(message, value.contacts, intake)
        for value in values
        for message in value.messages
        if message.type not in _NO_MESSAGE and message.part("interactive").get("type") != "call_permission_reply"
    ]


def _received(message: Message, contacts: Sequence[Contact], intake: Intake) -> MessageReceived:
    who = message.sender or message.from_user_id
    handle = identifiers.handle("whatsapp", who)
    if who is None or handle is None:
        raise Rejected("malformed", "a message says neither from nor from_user_id")
    named = (c.profile.name for c in contacts if c.profile and who in {c.wa_id, c.user_id})
    number = identifiers.tel(f"+{message.sender}") if message.sender and message.sender.isdigit() else None
    text = clean("\n".join(filter(None, _text(message))), MAX_TEXT)
    attachments = tuple(_attachments(message))
    if not text and not attachments:
        text = UNREADABLE
    return MessageReceived(
        desk=intake.desk,
        at=intake.received_at,
        message_id=intake.message_id(message.id),
        channel=intake.channel,
        provider=intake.provider,
        provider_message_id=message.id,
        sender=Sender(identifiers=(handle, number) if number else (handle,), name=line(next(named, None))),
        reply_to=ReplyAddress(channel=intake.channel, provider=intake.provider, address=handle.split(":", 2)[2]),
        text=text,
        language=None if text == UNREADABLE else language.detect(text, intake.policy.languages),
        references=(message.context.id[:998],) if message.context and message.context.id else (),
        case_reference=reference.find(intake.policy.reference_prefix, text),
        attachments=attachments,
        verified=intake.proven,
        sent_at=_time(message.timestamp),
    )


def _text(message: Message) -> Iterator[str | None]:
    """The lines of what the customer said, chose or shared."""
    if message.type == "text":
        yield _string(message.part("text"), "body")
    elif message.type == "button":
        yield _string(message.part("button"), "text")
    elif message.type == "interactive":
        yield from _choice(message.part("interactive"))
    elif message.type in _MEDIA:
        yield _string(message.part(message.type), "caption")
    elif message.type == "location":
        place = message.part("location")
        yield _string(place, "name")
        yield _string(place, "address")
        if isinstance(place.get("latitude"), int | float) and isinstance(place.get("longitude"), int | float):
            yield f"{place['latitude']}, {place['longitude']}"
    elif message.type == "contacts":
        cards = (message.model_extra or {}).get("contacts")
        yield from map(_card, _objects(cards))
    elif message.type == "order":
        order = message.part("order")
        yield _string(order, "text")
        for item in _objects(order.get("product_items")):
            yield f"{_string(item, 'quantity') or 1} x {_string(item, 'product_retailer_id') or '?'}"


def _choice(interactive: dict[str, Any]) -> Iterator[str | None]:
    """A button, a row of a list, or a form that was filled in."""
    for kind in ("button_reply", "list_reply"):
        chosen = interactive.get(kind)
        if isinstance(chosen, dict):
            yield _string(chosen, "title")
            yield _string(chosen, "description")
    form = interactive.get("nfm_reply")
    if isinstance(form, dict):
        try:
            fields = from_json(form.get("response_json") or "{}")
        except (ValueError, TypeError):
            fields = {}
        if isinstance(fields, dict):
            for name in fields:
                if name != "flow_token" and _string(fields, name):
                    yield f"{name}: {_string(fields, name)}"


def _card(card: dict[str, Any]) -> str:
    name = card.get("name")
    numbers = [number for phone in _objects(card.get("phones")) if (number := _string(phone, "phone"))]
    return f"{(_string(name, 'formatted_name') if isinstance(name, dict) else None) or '?'}: {', '.join(numbers)}"


def _attachments(message: Message) -> Iterator[Attachment]:
    media = message.part(message.type) if message.type in _MEDIA else {}
    if media:
        yield Attachment(
            name=line(_string(media, "filename"), 255) or message.type,
            media_type=line(_string(media, "mime_type"), 100) or "application/octet-stream",
            size=0,
            sha256=_hex(_string(media, "sha256")),
        )


def _hex(digest: str | None) -> str | None:
    """WhatsApp writes hashes in base64."""
    try:
        found = b64decode(digest or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    return found.hex() if len(found) == sha256().digest_size else None


def _string(part: dict[str, Any], name: str) -> str | None:
    """A word or a number under `name`, as text; none for anything else."""
    found = part.get(name)
    return str(found) if isinstance(found, str | int | float) and not isinstance(found, bool) and found != "" else None


def _objects(found: Any) -> list[dict[str, Any]]:
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _time(timestamp: str | int | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(timestamp), UTC) if timestamp is not None else None
    except (ValueError, OverflowError, OSError):
        return None


PROVIDER = Provider(channel="social", name="whatsapp", proof=proof, parse=parse, handshake=handshake)
