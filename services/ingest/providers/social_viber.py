"""Viber bots: JSON, one event in a request.

What is signed: the raw body, HMAC-SHA256 with the bot's authentication token, in hex in
`X-Viber-Content-Signature`; it covers no time. Source: https://developers.viber.com/docs/api/rest-bot-api/
(callbacks). Retries: several times within an hour until 200; a repeat has the same `message_token`.

A message is the event `message`. Subscriptions, opened conversations, receipts and the call by which Viber tries
the address (`webhook`) are no messages and answered 200.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final

from schemas.messages import Attachment
from services.ingest.normalise.instant import Part, Said, Who, file, place, read, received
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request

_MEDIA_TYPES: Final = {"picture": "image/jpeg", "video": "video/mp4", "file": None}


class Sender(Part):
    """Who wrote; the id is this bot's own for them."""

    id: Who
    name: str | None = None


class Place(Part):
    """Where somebody is."""

    lat: float | None = None
    lon: float | None = None


class Contact(Part):
    """A card that was passed on: of anybody, so its number is text."""

    name: str | None = None
    phone_number: str | None = None


class Message(Part):
    """What was sent, of any type."""

    type: str
    text: str | None = None
    media: str | None = None
    file_name: str | None = None
    size: int | None = None
    location: Place | None = None
    contact: Contact | None = None


class Callback(Part):
    """A request."""

    event: str
    message_token: int | None = None
    timestamp: int | None = None
    chat_id: Who | None = None
    sender: Sender | None = None
    message: Message | None = None


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless `secret` (the bot's authentication token) signed the body."""
    signature = request.headers.get("x-viber-content-signature")
    if not signature:
        raise Rejected("unsigned", "the header X-Viber-Content-Signature is missing")
    expected = hmac.new(secret.encode(), request.body, sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.lower().encode()):
        raise Rejected("forged", "X-Viber-Content-Signature does not fit this body and token")


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """One message, or nothing."""
    callback = read(Callback, request.body)
    if callback.event != "message":
        return []
    if callback.sender is None or callback.message is None or callback.message_token is None:
        raise Rejected("malformed", "a message has a sender, a message and a message_token")
    token = str(callback.message_token)
    said = Said(
        event=token,
        own_id=token,
        network="viber",
        who=callback.sender.id,
        name=callback.sender.name,
        address=callback.chat_id or callback.sender.id,
        lines=list(_lines(callback.message)),
        files=list(_files(callback.message)),
        at=callback.timestamp / 1000 if callback.timestamp is not None else None,
    )
    return [received(said, intake)]


def _lines(message: Message) -> Iterator[str | None]:
    yield message.text
    if message.type == "url":
        yield message.media
    elif message.type == "sticker":
        yield "[sticker]"
    if message.contact:
        yield message.contact.name
        yield message.contact.phone_number
    if message.location:
        yield place(message.location.lat, message.location.lon)


def _files(message: Message) -> Iterator[Attachment]:
    if message.type in _MEDIA_TYPES:
        known = _MEDIA_TYPES[message.type] if not message.file_name else None
        yield file(message.file_name, known, message.size, message.type)


PROVIDER = Provider(channel="social", name="viber", proof=proof, parse=parse)
