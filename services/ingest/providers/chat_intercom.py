"""Intercom's webhooks: JSON, one notification about one conversation.

Proof: `X-Hub-Signature: sha1=<hex>`, the HMAC-SHA1 of the raw body with the app's client secret. Source:
https://developers.intercom.com/docs/webhooks/setting-up-webhooks ("Signed notifications") and
https://developers.intercom.com/docs/references/webhooks/webhook-models. There is no time in it: a repeat has the
same id, that of the conversation's part, however often Intercom notifies of it; an end has that of its notification.

What a contact writes (`conversation.user.created`, `conversation.user.replied`) is a message, and
`conversation.admin.closed` ends the contact. All other topics, and parts by admins, bots and teams, by redaction and
without words, are acknowledged and left alone. Texts are HTML; files are told of, never fetched.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha1
from itertools import islice
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from schemas.base import ReplyAddress
from schemas.codec import describe
from schemas.messages import Attachment, ContactEnded, MessageReceived, Sender
from services.ingest.normalise import html, identifiers, language, reference
from services.ingest.normalise.parsed_mail import announced
from services.ingest.normalise.text import MAX_SUBJECT, MAX_TEXT, clean, line
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request

_STARTED: Final = "conversation.user.created"
_REPLIED: Final = "conversation.user.replied"
_CLOSED: Final = "conversation.admin.closed"
_CUSTOMERS: Final = frozenset({"user", "lead", "contact"})
_LIVE: Final = frozenset({"conversation", "admin_initiated", "push"})
"""Where a contact sits in front of the messenger; the others (email, facebook, ...) are read when there is time."""
MAX_FILES: Final = 100
_PICTURE: Final = re.compile(r"<img\b", re.IGNORECASE)

Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class Author(_Part):
    """Who wrote: a contact, or one of ours."""

    id: Id | None = None
    type: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class File(_Part):
    """What was sent along."""

    name: str | None = None
    content_type: str | None = None
    filesize: int | None = None


class Words(_Part):
    """What somebody wrote at one time: the beginning of a conversation, or a part of it."""

    id: Id | None = None
    type: str | None = None
    subject: str | None = None
    body: str | None = None
    author: Author | None = None
    created_at: int | None = None
    redacted: bool | None = None
    attachments: tuple[File, ...] | None = None


class Parts(_Part):
    """The parts that this notification is about."""

    conversation_parts: Annotated[tuple[Words, ...], Field(max_length=100)] = ()


class Contacts(_Part):
    """The contacts of a conversation."""

    contacts: tuple[Author, ...] = ()


class Conversation(_Part):
    """A conversation. Before version 2.0 of the API its beginning was called `conversation_message`."""

    id: Id
    created_at: int | None = None
    source: Words | None = None
    conversation_message: Words | None = None
    conversation_parts: Parts | None = None
    contacts: Contacts | None = None
    user: Author | None = None

    @property
    def began(self) -> Words | None:
        """What it began with."""
        return self.source or self.conversation_message


class Item(_Part):
    """What a notification is about."""

    item: Conversation


class Topic(_Part):
    """Any notification."""

    topic: str


class Notification(Topic):
    """A notification about a conversation."""

    id: Id
    data: Item


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless `secret` (the client secret) signed the body."""
    signature = request.headers.get("x-hub-signature")
    if not signature:
        raise Rejected("unsigned", "the header X-Hub-Signature is missing")
    expected = "sha1=" + hmac.new(secret.encode(), request.body, sha1).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise Rejected("forged", "X-Hub-Signature does not fit this body and client secret")


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """What the contact wrote, or the end of the conversation."""
    try:
        topic = Topic.model_validate_json(request.body).topic
        if topic not in {_STARTED, _REPLIED, _CLOSED}:
            return []
        notification = Notification.model_validate_json(request.body)
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error
    conversation = notification.data.item
    if topic == _CLOSED:
        return list(_ended(notification.id, conversation, intake))
    events = (_received(words, conversation, intake) for words in _new(conversation, topic))
    return [event for event in events if event is not None]


def _new(conversation: Conversation, topic: str) -> Iterator[Words]:
    """What contacts wrote and what is left of it."""
    parts = conversation.conversation_parts.conversation_parts if conversation.conversation_parts else ()
    began = conversation.began
    for words in (began,) if topic == _STARTED and began else parts:
        if words.author and words.author.type in _CUSTOMERS and not words.redacted:
            yield words


def _received(words: Words, conversation: Conversation, intake: Intake) -> MessageReceived | None:
    text = clean(html.to_text(words.body or ""), MAX_TEXT)
    files = tuple(_files(words))
    if not text and not files:
        return None
    began = conversation.began
    live = (began.type if began and began.type else "conversation") in _LIVE
    own_id = f"{conversation.id}/{words.id or 'source'}"
    return MessageReceived(
        desk=intake.desk,
        at=intake.received_at,
        message_id=intake.message_id(own_id),
        channel=intake.channel,
        provider=intake.provider,
        provider_message_id=own_id,
        sender=_sender(words.author, conversation, intake),
        reply_to=ReplyAddress(
            channel=intake.channel, provider=intake.provider, address=conversation.id, thread=conversation.id
        ),
        subject=line(html.to_text(words.subject), MAX_SUBJECT) if words.subject else None,
        text=text,
        language=language.detect(text, intake.policy.languages),
        live=live,
        contact=conversation.id if live else None,
        case_reference=reference.find(intake.policy.reference_prefix, text),
        attachments=files,
        verified=intake.proven,
        sent_at=_time(words.created_at or (conversation.created_at if words is began else None)),
    )


def _files(words: Words) -> Iterator[Attachment]:
    """Files, and pictures that stand in the text."""
    for file in (words.attachments or ())[:MAX_FILES]:
        yield announced(file.name, file.content_type, file.filesize)
    for number, _ in enumerate(islice(_PICTURE.finditer(words.body or ""), MAX_FILES), 1):
        yield announced(f"picture-{number}", "image/*")


def _ended(notification: str, conversation: Conversation, intake: Intake) -> Iterator[ContactEnded]:
    """The end; none for a conversation of which nobody knows with whom."""
    known = conversation.contacts.contacts if conversation.contacts else ()
    began = conversation.began
    beginner = began.author if began and began.author and began.author.type in _CUSTOMERS else None
    customer = known[0] if known else conversation.user or beginner
    if customer is None:
        return
    yield ContactEnded(
        desk=intake.desk,
        at=intake.received_at,
        message_id=intake.message_id(f"{notification} ended"),
        channel=intake.channel,
        provider=intake.provider,
        contact=conversation.id,
        sender=_sender(customer, conversation, intake),
        reason="closed",
    )


def _sender(author: Author | None, conversation: Conversation, intake: Intake) -> Sender:
    who = author or Author()
    handle = identifiers.handle("intercom", who.id) or f"handle:intercom:conversation {conversation.id}"
    said = (identifiers.email(who.email), identifiers.tel(who.phone, intake.policy.region))
    return Sender(identifiers=(handle, *filter(None, said)), name=line(who.name))


def _time(seconds: int | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (ValueError, OverflowError, OSError):
        return None


PROVIDER = Provider(channel="chat", name="intercom", proof=proof, parse=parse)
