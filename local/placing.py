"""Which provider a recorded input came from, told by its shape.

Raw mail goes to `email/mime`, our own chat JSON to `chat/standard`, Twilio's forms to `phone/twilio`,
WhatsApp Cloud JSON to `social/whatsapp`. A recording with metadata beside it (`x.body` and
`x.meta.json`) is placed by them. What fits nowhere is named, with the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from runtime.refusal import Refusal
from schemas.base import Channel


@dataclass(frozen=True)
class Input:
    """One request to ingest, before it is signed."""

    path: str
    """The file, with `#name` for one of several in it."""
    channel: Channel
    provider: str
    content_type: str
    body: bytes
    forged: bool = False
    """To be signed with another secret than the desk's: the file's name has `.forged.` in it."""

    @property
    def way(self) -> str:
        """Channel and provider as they stand in ingest's path."""
        return f"{self.channel}/{self.provider}"


@dataclass(frozen=True)
class Unplaced:
    """A file that fits no provider that is served."""

    path: str
    reason: str


_SERVED: Final[dict[str, tuple[Channel, str]]] = {
    "mime": ("email", "message/rfc822"),
    "standard": ("chat", "application/json"),
    "twilio": ("phone", "application/x-www-form-urlencoded"),
    "whatsapp": ("social", "application/json"),
}
"""Channel and media type of each provider that has a place."""

_HEADER: Final = re.compile(rb"^[A-Za-z][A-Za-z0-9-]*:")
_MAIL_HEADERS: Final = re.compile(
    rb"^(from|to|cc|subject|date|message-id|received|return-path|mime-version|content-type|delivered-to|sender"
    rb"|reply-to|in-reply-to|dkim-signature|x-[a-z-]+):",
    re.IGNORECASE,
)
_TWILIO_FIELDS: Final = frozenset({"CallSid", "MessageSid", "SmsSid", "RecordingSid", "TranscriptionSid"})
_META: Final = ".meta.json"


def place(path: Path) -> Iterator[Input | Unplaced]:
    """Every input in a file, or in all files of a folder, in the order of their names.

    Raises Refusal when there is no such file or folder.
    """
    if not path.exists():
        message = f"{path}: no such file or folder"
        raise Refusal(message)
    if path.is_file():
        yield from _place_file(path, path.name)
        return
    for file in sorted(found for found in path.rglob("*") if found.is_file()):
        if not file.name.endswith(_META):
            yield from _place_file(file, str(file.relative_to(path)))


def _place_file(file: Path, name: str) -> Iterable[Input | Unplaced]:
    try:
        body = file.read_bytes()
    except OSError as error:
        return [Unplaced(name, f"cannot be read: {error.strerror}")]
    meta = file.with_name(file.stem + _META)
    if file.suffix == ".body" and meta.is_file():
        return [_recorded(name, body, meta)]
    return _by_shape(name, body)


def _recorded(name: str, body: bytes, meta: Path) -> Input | Unplaced:
    """A recorded request: its metadata say which provider it was meant for."""
    try:
        recorded = json.loads(meta.read_bytes())
        provider = next((part for part in str(recorded["path"]).split("/") if part in _SERVED), None)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Unplaced(name, f"its metadata cannot be read: {error!r}")
    if provider is None:
        return Unplaced(name, f"recorded for {recorded['path']}, a provider that is not served yet")
    return _input(name, provider, body)


def _by_shape(name: str, body: bytes) -> Iterable[Input | Unplaced]:
    text = body.lstrip()
    if not text:
        return [Unplaced(name, "empty")]
    if text[:1] in b"{[":
        return _json(name, body)
    if _is_form(body):
        return [_input(name, "twilio", body)]
    if _is_mail(name, body):
        return [_input(name, "mime", body)]
    return [Unplaced(name, "neither mail (no header at its beginning), nor JSON, nor a form of Twilio's")]


def _json(name: str, body: bytes) -> Iterable[Input | Unplaced]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        if b'"conversation"' in body:
            return [_input(name, "standard", body)]  # ours, broken: ingest is to say so
        return [Unplaced(name, f"looks like JSON and is not: {error}")]
    payload = _payload(document, body)
    if payload is not None:
        return [_input(name, *payload)]
    # A collection: several payloads of one provider by name in one file.
    parts = document.items() if isinstance(document, dict) else ()
    payloads = [(key, _payload(part, json.dumps(part).encode())) for key, part in parts]
    placed = [_input(f"{name}#{key}", *payload) for key, payload in payloads if payload is not None]
    return (
        placed
        if placed and len(placed) == len(payloads)
        else [Unplaced(name, "JSON of a provider that is not served yet")]
    )


def _payload(document: Any, body: bytes) -> tuple[str, bytes] | None:
    """Provider and body of a JSON payload that belongs to one that is served."""
    if not isinstance(document, dict):
        return None
    if document.get("object") == "whatsapp_business_account":
        return "whatsapp", body
    if "conversation" in document and "type" in document:
        return "standard", body
    if not _TWILIO_FIELDS.isdisjoint(document):
        return "twilio", urlencode(document).encode()
    return None


def _is_form(body: bytes) -> bool:
    line = body.strip()
    if b"\n" in line or b"=" not in line:
        return False
    return not _TWILIO_FIELDS.isdisjoint(key for key, _ in parse_qsl(line.decode("utf-8", "replace")))


def _is_mail(name: str, body: bytes) -> bool:
    """Whether it begins as mail does; a file that is named as mail is sent even when it is broken."""
    if Path(name).suffix == ".eml":
        return True
    lines = body[:65536].lstrip().splitlines()
    head = lines[: next((n for n, line in enumerate(lines) if not line.strip()), len(lines))]
    if head and head[0].startswith(b"From "):
        head = head[1:]
    known = sum(1 for line in head if _MAIL_HEADERS.match(line))
    return bool(head) and _HEADER.match(head[0]) is not None and known >= 2  # noqa: PLR2004 - one may be chance


def _input(name: str, provider: str, body: bytes) -> Input:
    channel, content_type = _SERVED[provider]
    return Input(name, channel, provider, content_type, body, forged=".forged." in Path(name).name)
