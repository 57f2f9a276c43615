"""LINE Messaging API: JSON, many events in one request.

What is signed: the raw body, HMAC-SHA256 with the channel secret, in base64 in `X-Line-Signature`; it covers no
time. Source: https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/. Retries: where
redelivery is switched on, the same `webhookEventId` with `deliveryContext.isRedelivery`. The console's "Verify"
sends no events at all and wants a 2xx.

A message is a `message`, or a `postback`: a button of ours that somebody pressed, of which LINE tells only the
data behind it. Edits, unsent messages, follows, joins, receipts and turned menus are no new messages, nor is
what comes while another module of the channel has the conversation (`mode: standby`).
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final

from schemas.messages import Attachment
from services.ingest.normalise.batch import each
from services.ingest.normalise.instant import Id, Part, Said, Who, file, place, read, received, within_limit
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request

_MEDIA_TYPES: Final = {"image": "image/jpeg", "video": "video/mp4", "audio": "audio/m4a", "file": None}
"""As LINE's own content endpoint serves them."""
_MENU: Final = "newRichMenuAliasId"
"""In a postback that only turned a rich menu over."""


class Source(Part):
    """Who it comes from, and where it was said. In groups `userId` may be missing."""

    userId: Who | None = None  # noqa: N815 - LINE's spelling, as in the whole of this module
    groupId: Who | None = None  # noqa: N815
    roomId: Who | None = None  # noqa: N815

    def people(self) -> tuple[str | None, str | None]:
        """The sender, and the address of an answer: the group where there is one."""
        where = self.groupId or self.roomId or self.userId
        return self.userId or where, where


class Message(Part):
    """What was sent, of any type."""

    id: Id
    type: str
    text: str | None = None
    title: str | None = None
    address: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    fileName: str | None = None  # noqa: N815
    fileSize: int | None = None  # noqa: N815
    keywords: tuple[str, ...] = ()
    quotedMessageId: Id | None = None  # noqa: N815


class Postback(Part):
    """What was behind the button, and the date or time that was picked."""

    data: str | None = None
    params: dict[str, str] | None = None


class Event(Part):
    """One thing that happened."""

    type: str
    mode: str | None = None
    webhookEventId: Id | None = None  # noqa: N815
    timestamp: int | None = None
    source: Source | None = None
    message: Message | None = None
    postback: Postback | None = None


class Batch(Part):
    """A request."""

    events: tuple[Event, ...]


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless `secret` (the channel secret) signed the body."""
    signature = request.headers.get("x-line-signature")
    if not signature:
        raise Rejected("unsigned", "the header X-Line-Signature is missing")
    expected = b64encode(hmac.new(secret.encode(), request.body, sha256).digest())
    if not hmac.compare_digest(expected, signature.encode()):
        raise Rejected("forged", "X-Line-Signature does not fit this body and channel secret")


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """Every new message, in order."""
    events = [event for event in read(Batch, request.body).events if _is_new(event)]
    return each(within_limit(events), lambda event: received(_said(event), intake))


def _is_new(event: Event) -> bool:
    if event.mode == "standby":
        return False
    turned = event.postback is not None and _MENU in (event.postback.params or {})
    return event.type == "message" or (event.type == "postback" and not turned)


def _said(event: Event) -> Said:
    who, where = event.source.people() if event.source else (None, None)
    if who is None or where is None:
        raise Rejected("malformed", "source: says neither userId nor groupId nor roomId")
    at = event.timestamp / 1000 if event.timestamp is not None else None
    message, delivery = event.message, event.webhookEventId
    if message is not None:
        return Said(
            event=f"{delivery or ''} {message.id}",
            own_id=message.id,
            network="line",
            who=who,
            address=where,
            lines=list(_lines(message)),
            files=list(_files(message)),
            answers=message.quotedMessageId,
            at=at,
        )
    if delivery is None or event.postback is None:
        raise Rejected("malformed", "an event of type message has a message, a postback its webhookEventId")
    return Said(
        event=delivery,
        own_id=delivery,
        network="line",
        who=who,
        address=where,
        lines=[event.postback.data, *(event.postback.params or {}).values()],
        at=at,
    )


def _lines(message: Message) -> Iterator[str | None]:
    yield message.text
    if message.type == "location":
        yield message.title
        yield message.address
        yield place(message.latitude, message.longitude)
    elif message.type == "sticker" and not message.text:
        yield f"[{', '.join(message.keywords[:3]) or 'sticker'}]"


def _files(message: Message) -> Iterator[Attachment]:
    if message.type in _MEDIA_TYPES:
        yield file(message.fileName, _MEDIA_TYPES[message.type], message.fileSize, message.type)


PROVIDER = Provider(channel="social", name="line", proof=proof, parse=parse)
