"""Zendesk's event webhooks: JSON, one event of a ticket or of a messaging conversation.

Proof: `X-Zendesk-Webhook-Signature`, base64 of the HMAC-SHA256 of `<timestamp><body>` with the webhook's signing
secret, where the timestamp is that of `X-Zendesk-Webhook-Signature-Timestamp` (ISO 8601), at most five minutes off.
Source: https://developer.zendesk.com/documentation/webhooks/verifying/; events:
https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events/ and .../messaging-events/.

A customer's words are `messaging_ticket.message_added` by an end user (live) and `ticket.comment_added`, public and
not by staff. `ticket.created` comes beside the first comment and is left alone, as is all else; a ticket that is
solved or closed ends the contact. Zendesk tells no addresses: customers are known by their id there.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from schemas.base import ReplyAddress
from schemas.codec import describe
from schemas.messages import ContactEnded, MessageReceived, Sender
from services.ingest.normalise import identifiers, language, reference
from services.ingest.normalise.text import MAX_SUBJECT, MAX_TEXT, clean, line
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request

TOLERANCE: Final = timedelta(minutes=5)
_TYPE: Final = "zen:event-type:"
_OVER: Final = frozenset({"SOLVED", "CLOSED"})
UNREADABLE: Final = "[Zendesk does not pass on what the customer sent]"
"""The text of a message without words, as a file: somebody did write."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class Event(_Part):
    """Any event."""

    type: str


class Ticket(_Part):
    """What events tell of their ticket."""

    id: Id
    subject: str | None = None
    requester_id: Id | None = None


class Actor(_Part):
    """Who wrote in the messenger."""

    id: Id
    name: str | None = None
    type: str


class Words(_Part):
    """What was written in the messenger."""

    id: Id
    body: str | None = None


class Added(_Part):
    """A message in the messenger."""

    actor: Actor
    conversation_id: Id | None = None
    message: Words


class MessageAdded(Event):
    """`messaging_ticket.message_added`."""

    detail: Ticket
    event: Added
    time: str | None = None


class Author(_Part):
    """Who commented."""

    id: Id
    is_staff: bool
    name: str | None = None


class Comment(_Part):
    """A comment on a ticket: what its customer, or somebody of ours, wrote."""

    id: Id
    body: str | None = None
    is_public: bool
    author: Author


class Commented(_Part):
    """The comment of an event."""

    comment: Comment


class CommentAdded(Event):
    """`ticket.comment_added`."""

    detail: Ticket
    event: Commented
    time: str | None = None


class Change(_Part):
    """From one status to another."""

    current: str | None = None


class StatusChanged(Event):
    """`ticket.status_changed`."""

    id: Id
    detail: Ticket
    event: Change


Kind = TypeVar("Kind", bound=Event)


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless `secret` signed the time and the body within five minutes."""
    signature = request.headers.get("x-zendesk-webhook-signature")
    stamp = request.headers.get("x-zendesk-webhook-signature-timestamp")
    if not signature or not stamp:
        raise Rejected("unsigned", "X-Zendesk-Webhook-Signature and its -Timestamp are needed")
    if abs(datetime.now(UTC) - datetime.fromisoformat(stamp)) > TOLERANCE:
        raise Rejected("stale", "X-Zendesk-Webhook-Signature-Timestamp is more than five minutes off")
    signed = stamp.encode() + request.body
    expected = b64encode(hmac.new(secret.encode(), signed, sha256).digest())
    if not hmac.compare_digest(expected, signature.encode()):
        raise Rejected("forged", "X-Zendesk-Webhook-Signature does not fit this time, body and secret")


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """A customer's words, or the end of the contact."""
    kind = _as(Event, request).type.removeprefix(_TYPE)
    if kind == "messaging_ticket.message_added":
        added = _as(MessageAdded, request)
        actor, words = added.event.actor, added.event.message
        if actor.type != "end_user":
            return []
        return _received(actor, words, added.detail, added.time, intake, live_in=added.event.conversation_id or "")
    if kind == "ticket.comment_added":
        commented = _as(CommentAdded, request)
        comment = commented.event.comment
        if comment.author.is_staff or not comment.is_public:
            return []
        return _received(comment.author, comment, commented.detail, commented.time, intake)
    if kind == "ticket.status_changed":
        return _ended(_as(StatusChanged, request), intake)
    return []


def _as(kind: type[Kind], request: Request) -> Kind:
    try:
        return kind.model_validate_json(request.body)
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error


def _received(
    author: Actor | Author,
    words: Words | Comment,
    ticket: Ticket,
    time: str | None,
    intake: Intake,
    *,
    live_in: str | None = None,
) -> list[InboundEvent]:
    """`live_in` is the messenger's conversation; None for a ticket that is answered when there is time."""
    said = clean(words.body or "", MAX_TEXT)
    live = live_in is not None
    own_id = f"{ticket.id}/{words.id}"
    return [
        MessageReceived(
            desk=intake.desk,
            at=intake.received_at,
            message_id=intake.message_id(own_id),
            channel=intake.channel,
            provider=intake.provider,
            provider_message_id=own_id,
            sender=_sender(author.id, author.name),
            reply_to=ReplyAddress(
                channel=intake.channel, provider=intake.provider, address=ticket.id, thread=live_in or ticket.id
            ),
            subject=line(ticket.subject, MAX_SUBJECT),
            text=said or UNREADABLE,
            language=language.detect(said, intake.policy.languages),
            live=live,
            contact=ticket.id if live else None,
            case_reference=reference.find(intake.policy.reference_prefix, said, ticket.subject),
            verified=intake.proven,
            sent_at=_time(time),
        )
    ]


def _ended(changed: StatusChanged, intake: Intake) -> list[InboundEvent]:
    customer = changed.detail.requester_id
    if (changed.event.current or "").upper() not in _OVER or customer is None:
        return []
    return [
        ContactEnded(
            desk=intake.desk,
            at=intake.received_at,
            message_id=intake.message_id(f"{changed.id} ended"),
            channel=intake.channel,
            provider=intake.provider,
            contact=changed.detail.id,
            sender=_sender(customer, None),
            reason="closed",
        )
    ]


def _sender(customer: str, name: str | None) -> Sender:
    handle = identifiers.handle("zendesk", customer)
    if handle is None:
        raise Rejected("malformed", "the author's id has no readable character")
    return Sender(identifiers=(handle,), name=line(name))


def _time(written: str | None) -> datetime | None:
    try:
        sent = datetime.fromisoformat(written) if written else None
        return sent.astimezone(UTC) if sent and sent.tzinfo else None
    except (ValueError, OverflowError):
        return None


PROVIDER = Provider(channel="chat", name="zendesk", proof=proof, parse=parse)
