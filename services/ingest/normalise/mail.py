"""A mail's parts within limits: what is too much is refused while parsing, before it costs anything.

The standard library's parser is asked for its plain old objects (`policy.compat32`): the newer ones parse
addresses recursively, and `From: ((((` thousands of times ends them. Headers are decoded here instead.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesFeedParser
from email.policy import Policy, compat32
from typing import Any, Final, Self, cast

from schemas.messages import Attachment
from services.ingest.normalise import charset, html, reply
from services.ingest.normalise.text import clean, line
from services.ingest.provider import Rejected

MAX_HEADER: Final = 65_536
"""Characters of one header."""
MAX_PARAMETERS: Final = 4_096
"""Characters of a header with parameters: the library's time grows with the square of it."""
MAX_HEADERS: Final = 1_000
"""Of one part."""
MAX_RECIPIENTS: Final = 100
MAX_DEPTH: Final = 50
MAX_PARTS: Final = 200
MAX_LINES: Final = 500_000
MAX_DECODED: Final = 512 * 1024
"""Bytes of a text part that are decoded."""

_WITH_PARAMETERS: Final = frozenset({"content-type", "content-disposition", "content-transfer-encoding"})

MAX_HEAD: Final = 262_144
"""Bytes within which a broken head is repaired."""

_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_FROM: Final = re.compile(rb"^from[ \t]*:", re.IGNORECASE | re.MULTILINE)
_HEAD_LINE: Final = re.compile(rb"[ \t]|[!-9;-~]+[ \t]*:")
_SPACE_BEFORE_COLON: Final = re.compile(rb"^([!-9;-~]+)[ \t]+:")


class _Part(Message):
    """A part that knows how deep it lies, and refuses more than the limits while it is being filled."""

    depth = 0

    def attach(self, payload: Any) -> None:
        """Called by the parser for each part, before what is in it is read."""
        payload.depth = self.depth + 1
        if payload.depth > MAX_DEPTH:
            raise Rejected("malformed", f"parts lie more than {MAX_DEPTH} deep in one another")
        super().attach(payload)

    def set_raw(self, name: str, value: str) -> None:
        """Called by the parser for each header."""
        limit = MAX_PARAMETERS if name.lower() in _WITH_PARAMETERS else MAX_HEADER
        if len(value) > limit:
            raise Rejected("malformed", f"a header is longer than {limit} characters")
        if len(self) >= MAX_HEADERS:
            raise Rejected("malformed", f"a part has more than {MAX_HEADERS} headers")
        super().set_raw(name, value)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail's headers, its text and what is attached to it."""

    headers: dict[str, str]
    """The first of each name, in lower case; unfolded, encoded words still in it."""
    plain: str | None
    html: str | None
    attachments: tuple[Attachment, ...]

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Parse `raw`. Raises Rejected(malformed) for what is no mail, or more than the limits."""
        root = _parse(raw)
        if "from" not in root and (repaired := _repaired(raw)):
            root = _parse(repaired)
        headers: dict[str, str] = {}
        for name, value in root.raw_items():
            headers.setdefault(name.lower(), _readable(" ".join(str(value).splitlines())))
        if not headers:
            raise Rejected("malformed", "this is no mail: it has no headers")
        recipients = sum(headers.get(name, "").count("@") for name in ("to", "cc", "bcc"))
        if recipients > MAX_RECIPIENTS:
            raise Rejected("malformed", f"the mail has more than {MAX_RECIPIENTS} recipients")
        plain: list[str] = []
        pages: list[str] = []
        attachments: list[Attachment] = []
        for part in _leaves(root):
            kind = part.get_content_type()
            if part.get_content_maintype() == "multipart":  # it says so, but has no parts
                kind = "text/plain"
            file_name = _file_name(part)
            if kind in {"text/plain", "text/html"} and part.get_content_disposition() != "attachment" and not file_name:
                text = charset.decode(_content(part)[:MAX_DECODED], _charset(part))
                (plain if kind == "text/plain" else pages).append(text)
            elif kind.startswith("message/") and part.is_multipart():
                attachments.append(_enclosed(part, file_name))
            else:
                attachments.append(_attachment(part, file_name, kind))
        return cls(headers, "\n".join(plain) or None, "\n".join(pages) or None, tuple(attachments))

    def header(self, name: str) -> str:
        """The header decoded (RFC 2047, or whatever charset stands there raw); empty when it is missing."""
        return decoded(self.headers.get(name, ""))

    def text(self) -> str:
        """All of the text: the plain one, or else what the HTML shows."""
        return self.texts()[0]

    def texts(self, author: str | None = None) -> tuple[str, str]:
        """All of the text, and what was written this time. `author` is the sender's name, or else the address."""
        if self.plain and self.plain.strip():
            full = clean(self.plain)
            return full, reply.latest(full, author)
        full, unquoted = map(clean, html.to_texts(self.html)) if self.html else ("", "")
        return full, reply.new_part(unquoted, author) or reply.latest(full, author)


def decoded(raw: str) -> str:
    """A header's words in place of its encoded words and raw bytes. Never raises."""
    raw = _readable(raw)
    if "=?" not in raw:
        return raw
    try:
        pieces = decode_header(raw)
    except (HeaderParseError, ValueError):
        return raw
    return "".join(
        piece if isinstance(piece, str) else charset.decode(piece, name) if name else piece.decode("latin-1")
        for piece, name in pieces
    )


def _readable(raw: str) -> str:
    """A header's raw bytes, which the parser escapes, as text."""
    if raw.isascii():
        return raw
    try:
        return charset.decode(raw.encode("ascii", "surrogateescape"), None)
    except UnicodeEncodeError:  # it is text already
        return raw


def _parse(raw: bytes) -> _Part:
    if raw.count(b"\n") > MAX_LINES:
        raise Rejected("too_large", f"the mail has more than {MAX_LINES} lines")
    made = 0

    def factory(policy: Any = compat32) -> _Part:
        nonlocal made
        made += 1
        if made > MAX_PARTS:
            raise Rejected("malformed", f"the mail has more than {MAX_PARTS} parts")
        return _Part(policy)

    parser: BytesFeedParser[_Part] = BytesFeedParser(factory, policy=cast("Policy[_Part]", compat32))
    try:
        parser.feed(raw)
        root = parser.close()
    except (MessageError, ValueError, RecursionError, LookupError, IndexError, AttributeError, AssertionError) as error:
        raise Rejected("malformed", f"the mail cannot be parsed: {type(error).__name__}") from error
    return root


def _repaired(raw: bytes) -> bytes | None:
    """The mail without the lines that end its head too early, where a From comes after them: the parser
    takes all from there on for the body. None when there is nothing to repair.
    """
    end = _HEAD_END.search(raw, 0, MAX_HEAD)
    head = raw[: end.start()] if end else b""
    if not _FROM.search(head):
        return None
    fields = [_SPACE_BEFORE_COLON.sub(rb"\1:", row) for row in head.splitlines() if _HEAD_LINE.match(row)]
    return b"\n".join(fields) + raw[end.start() :] if end else None


def _leaves(part: Message) -> Iterator[Message]:
    """The parts that hold something themselves. Mail enclosed in mail is one of them: what somebody
    forwards as a file is not what the customer wrote. Of alternatives, all are given.
    """
    children = _children(part)
    if part.get_content_maintype() == "multipart" and children is not None:
        for child in children:
            yield from _leaves(child)
    else:
        yield part


def _children(part: Message) -> list[Message] | None:
    inside: Any = part.get_payload()
    return inside if isinstance(inside, list) else None


def _content(part: Message) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        content = None
    return content if isinstance(content, bytes) else b""


def _charset(part: Message) -> str | None:
    try:
        return part.get_content_charset()
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _file_name(part: Message) -> str | None:
    try:
        name = part.get_filename()
    except (ValueError, LookupError, TypeError, AttributeError):
        return "unreadable name"
    return line(decoded(name), 255) if name else None


def _attachment(part: Message, name: str | None, kind: str) -> Attachment:
    content = _content(part)
    return Attachment(
        name=name or "unnamed",
        media_type=line(kind, 100) or "application/octet-stream",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _enclosed(part: Message, name: str | None) -> Attachment:
    """A mail within the mail; its bytes are not there any more, so its size is that of
    what it holds, and it has no hash.
    """
    inner = (_children(part) or [part])[0]
    subject = line(decoded(str(inner.get("subject", ""))), 200)
    size = sum(len(_content(leaf)) for leaf in _leaves(inner))
    return Attachment(name=name or f"{subject or 'message'}.eml", media_type=part.get_content_type(), size=size)
