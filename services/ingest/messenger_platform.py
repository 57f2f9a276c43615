"""Messenger's and Instagram's batches, which have one shape (Meta's Messenger Platform).

`{"object": "page" | "instagram", "entry": [{"id": <our page or account>, "messaging": [{"sender": {"id"},
"recipient": {"id"}, "timestamp": <ms>, "message": {...} | "postback": {...} | ...}]}]}`. Instagram's own login
brings the same events one by one as `entry[].changes[]` with `field` and `value`. Source:
https://developers.facebook.com/docs/messenger-platform/reference/webhook-events.

A message is a `message` that is no echo and not taken back, or a `postback` (somebody pressed a button of ours,
whose label is the text). Reads, deliveries, reactions, edits, referrals, opt-ins, handovers, comments and what
another app answers (`standby`) are no new messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, Final

from pydantic import ValidationError

from schemas.codec import describe
from schemas.messages import Attachment, MessageReceived
from services.ingest.normalise.batch import each
from services.ingest.normalise.instant import Id, Part, Said, Who, file, place, read, received, within_limit
from services.ingest.provider import Intake, Rejected, Request

_FILES: Final = frozenset({"image", "video", "audio", "file"})
_SINGLE: Final = frozenset({"messages", "messaging_postbacks"})
"""Fields of Instagram's changes that are what else is an item of `messaging`."""


class Party(Part):
    """A person by the id that the page or account knows them by, or we ourselves."""

    id: Who


class Coordinates(Part):
    """Where somebody is."""

    lat: float | None = None
    long: float | None = None


class Content(Part):
    """What is attached."""

    url: str | None = None
    title: str | None = None
    coordinates: Coordinates | None = None


class Attached(Part):
    """A file, a place, or something of the network that was passed on."""

    type: str
    title: str | None = None
    url: str | None = None
    payload: Content | None = None


class Quoted(Part):
    """The message that this one answers; a story has no `mid`."""

    mid: Id | None = None


class Message(Part):
    """What somebody wrote."""

    mid: Id
    text: str | None = None
    attachments: tuple[Attached, ...] = ()
    reply_to: Quoted | None = None
    is_echo: bool = False
    is_self: bool = False
    is_deleted: bool = False


class Postback(Part):
    """A button of ours that somebody pressed."""

    mid: Id | None = None
    title: str | None = None
    payload: str | None = None


class Event(Part):
    """One thing that happened between a person and us."""

    sender: Party | None = None
    timestamp: int | None = None
    message: Message | None = None
    postback: Postback | None = None


class Change(Part):
    """One thing that happened, as Instagram's own login tells it. `value` has a shape for each field."""

    field: str
    value: Any = None


class Entry(Part):
    """What happened on one page or account."""

    id: str | None = None
    messaging: tuple[Event, ...] = ()
    changes: tuple[Change, ...] = ()


class Batch(Part):
    """A request."""

    object: str
    entry: tuple[Entry, ...]


def parse(request: Request, intake: Intake, network: str, kind: str) -> Sequence[MessageReceived]:
    """Every new message of every entry. `network` is that of the senders' handles, `kind` what Meta calls
    the object that was written to (`page`, `instagram`).
    """
    batch = read(Batch, request.body)
    if batch.object != kind:
        raise Rejected(
            "malformed", f"object: is not {kind!r}; is the webhook of another product of Meta's set to this address?"
        )
    events = [event for entry in batch.entry for event in _events(entry) if _is_new(event, entry)]
    return each(within_limit(events), lambda event: received(_said(event, network), intake))


def _events(entry: Entry) -> Iterator[Event]:
    yield from entry.messaging
    try:
        yield from (Event.model_validate(c.value) for c in entry.changes if c.field in _SINGLE)
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error


def _is_new(event: Event, entry: Entry) -> bool:
    message = event.message
    if message is None and event.postback is None:
        return False
    if message and (message.is_echo or message.is_self or message.is_deleted):
        return False
    return event.sender is None or event.sender.id != entry.id  # we wrote it ourselves


def _said(event: Event, network: str) -> Said:
    if event.sender is None:
        raise Rejected("malformed", "sender: a message has one")
    who = event.sender.id
    at = event.timestamp / 1000 if event.timestamp is not None else None
    message, postback = event.message, event.postback
    if message is not None:
        return Said(
            event=message.mid,
            own_id=message.mid,
            network=network,
            who=who,
            address=who,
            lines=list(_lines(message)),
            files=list(_files(message)),
            answers=message.reply_to.mid if message.reply_to else None,
            at=at,
        )
    assert postback is not None
    pressed = postback.mid or f"{who}/{event.timestamp}/{_digest(postback)}"
    words = postback.title or postback.payload
    return Said(event=pressed, own_id=pressed, network=network, who=who, address=who, lines=[words], at=at)


def _lines(message: Message) -> Iterator[str | None]:
    yield message.text
    for attached in message.attachments:
        content = attached.payload or Content()
        if content.coordinates:
            yield attached.title or content.title
            yield place(content.coordinates.lat, content.coordinates.long)
        elif attached.type not in _FILES:
            # A link, a post, a story: its address says more than that there was one.
            yield from dict.fromkeys([attached.title or content.title, attached.url or content.url])


def _files(message: Message) -> Iterator[Attachment]:
    yield from (file(None, None, None, attached.type) for attached in message.attachments if attached.type in _FILES)


def _digest(postback: Postback) -> str:
    return sha256(f"{postback.title}\n{postback.payload}".encode()).hexdigest()[:16]
