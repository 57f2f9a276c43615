"""VK communities (Callback API): JSON, one event in a request.

Proof: `secret` in the body is the community's secret key. It says who called; what is said and when is not
covered, so TLS keeps it from strangers, and a repeat has the same id. Before anything else VK sends
`{"type": "confirmation"}`, often without the secret, and wants the confirmation string of the community's
settings back; everything else must be answered with the two letters `ok`, or it comes again. Source:
https://dev.vk.com/en/api/callback/getting-started. The source's secret holds both: `<key>:<confirmation string>`.

A message is `message_new`, or `message_event`: a button of ours that somebody pressed. What we or other
communities write, edits, reads, typing, reactions, permissions, notices in chats, and all that happens on the
wall are no new messages.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pydantic import ValidationError

from schemas.codec import describe
from schemas.messages import Attachment
from services.ingest.normalise.instant import Id, Part, Said, file, place, read, received
from services.ingest.provider import Answer, InboundEvent, Intake, Provider, Rejected, Request

OK: Final = Answer(b"ok")
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{1,50}:[A-Za-z0-9]{1,64}")
_MEDIA_TYPES: Final = {"photo": "image/jpeg", "video": None, "audio": "audio/mpeg", "audio_message": "audio/ogg"}


class Coordinates(Part):
    """Where somebody is."""

    latitude: float | None = None
    longitude: float | None = None


class Geo(Part):
    """A place that was shared."""

    coordinates: Coordinates | None = None


class Forwarded(Part):
    """A message that was passed on."""

    text: str = ""


class Quoted(Part):
    """The message that this one answers."""

    conversation_message_id: int | None = None


class Attached(Part):
    """Something attached; what it is lies under the name of its type."""

    model_config = Part.model_config | {"extra": "allow"}

    type: str

    def content(self) -> dict[str, Any]:
        """The object under the type's name, empty when there is none."""
        found = (self.model_extra or {}).get(self.type)
        return found if isinstance(found, dict) else {}


class Message(Part):
    """What was written."""

    id: int = 0
    date: int | None = None
    peer_id: int
    from_id: int
    out: int = 0
    text: str = ""
    conversation_message_id: int | None = None
    action: Part | None = None
    attachments: tuple[Attached, ...] = ()
    fwd_messages: tuple[Forwarded, ...] = ()
    reply_message: Quoted | None = None
    geo: Geo | None = None


class Written(Part):
    """The object of `message_new`."""

    message: Message


class Press(Part):
    """The object of `message_event`."""

    user_id: int
    peer_id: int
    payload: Any = None


class Callback(Part):
    """A request. `object` has a shape for each type."""

    type: str
    group_id: int | None = None
    event_id: Id | None = None
    secret: str | None = None
    object: Any = None


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless the body carries the key that `secret` begins with."""
    given = read(Callback, request.body).secret
    if not given:
        raise Rejected("unsigned", "secret: is missing; set the secret key in the community's settings")
    if not hmac.compare_digest(secret.partition(":")[0].encode(), given.encode()):
        raise Rejected("forged", "secret: is not this source's key")


def check_secret(secret: str) -> None:
    """Raises ValueError for what is no key with a confirmation string."""
    if not _SECRET.fullmatch(secret):
        message = "VK needs '<secret key>:<confirmation string>', both as in the community's settings"
        raise ValueError(message)


def challenge(request: Request, secrets: Sequence[str]) -> Answer | None:
    """The confirmation string, for `{"type": "confirmation"}`. It is asked for by anybody and tells nothing:
    only VK can use it, and only for the community that it is of. While secrets are rotated, the one whose key
    comes along counts, otherwise the first.
    """
    callback = read(Callback, request.body)
    if callback.type != "confirmation":
        return None
    pairs = [secret.partition(":")[::2] for secret in secrets]
    if not pairs:
        raise Rejected("unsigned", "this source has no secret, and with it no confirmation string")
    if callback.secret is None:
        return Answer(pairs[0][1].encode())
    for key, confirmation in pairs:
        if hmac.compare_digest(key.encode(), callback.secret.encode()):
            return Answer(confirmation.encode())
    raise Rejected("forged", "secret: is not this source's key")


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """One message, or nothing."""
    callback = read(Callback, request.body)
    try:
        if callback.type == "message_new":
            said = _written(callback, _message(callback.object))
        elif callback.type == "message_event":
            said = _pressed(callback, Press.model_validate(callback.object))
        else:
            return []
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error
    return [received(said, intake)] if said else []


def answer(*_: object) -> Answer:
    """What VK wants to hear."""
    return OK


def _message(found: Any) -> Message:
    """Before version 5.103 of the API the object was the message itself."""
    nested = isinstance(found, dict) and "message" in found
    return Written.model_validate(found).message if nested else Message.model_validate(found)


def _written(callback: Callback, message: Message) -> Said | None:
    if message.out or message.action or message.from_id <= 0:
        return None  # ours, a notice, or a community's
    number = message.conversation_message_id or message.id
    own_id = f"{message.peer_id}/{number}"
    quoted = message.reply_message.conversation_message_id if message.reply_message else None
    return Said(
        event=callback.event_id or f"{callback.group_id}/{own_id}",
        own_id=own_id,
        network="vk",
        who=str(message.from_id),
        address=str(message.peer_id),
        lines=list(_lines(message)),
        files=list(_files(message)),
        answers=f"{message.peer_id}/{quoted}" if quoted else None,
        at=message.date,
    )


def _pressed(callback: Callback, press: Press) -> Said | None:
    """VK tells only the data behind the button; a label in it is the best that there is."""
    data = press.payload
    label = (
        next((data[k] for k in ("label", "text", "command") if isinstance(data.get(k), str)), None)
        if (isinstance(data, dict))
        else data
    )
    if not isinstance(label, str) or not label or callback.event_id is None or press.user_id <= 0:
        return None
    return Said(
        event=callback.event_id,
        own_id=callback.event_id,
        network="vk",
        who=str(press.user_id),
        address=str(press.peer_id),
        lines=[label],
    )


def _lines(message: Message) -> Iterator[str | None]:
    yield message.text
    yield from (forwarded.text for forwarded in message.fwd_messages)
    if message.geo and message.geo.coordinates:
        yield place(message.geo.coordinates.latitude, message.geo.coordinates.longitude)
    for attached in message.attachments:
        content = attached.content()
        if attached.type == "sticker":
            yield "[sticker]"
        elif attached.type not in _MEDIA_TYPES and attached.type != "doc":
            yield from (content.get(k) for k in ("title", "question", "text", "url") if isinstance(content.get(k), str))


def _files(message: Message) -> Iterator[Attachment]:
    for attached in message.attachments:
        content = attached.content()
        size = content.get("size") if isinstance(content.get("size"), int) else None
        title = content.get("title") if isinstance(content.get("title"), str) else None
        if attached.type == "doc":
            yield file(title, None, size, "doc")
        elif attached.type in _MEDIA_TYPES:
            yield file(title, _MEDIA_TYPES[attached.type], size, attached.type)


PROVIDER = Provider(
    channel="social", name="vk", proof=proof, check_secret=check_secret, parse=parse, answer=answer, challenge=challenge
)
