"""Forms within limits: `application/x-www-form-urlencoded` and `multipart/form-data` (RFC 7578) as bytes.

python-multipart finds the parts; what is too much is refused before anything is kept. Values stay bytes: some
providers send each in a charset of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from services.ingest.normalise import charset
from services.ingest.provider import Rejected, Request

MAX_PARTS: Final = 500
MAX_ESCAPED: Final = 1_000_000
"""Runs of escaped bytes in one value."""
MAX_WORD: Final = 400
"""Bytes of a field that is a word."""
MAX_HEADERS: Final = 20
"""Of one part."""
MAX_HEADER: Final = 4_096
"""Bytes of one header of a part."""
MAX_CONTENT_TYPE: Final = 1_000
"""Characters of the request's own Content-Type."""


_ESCAPED: Final = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")


@dataclass(frozen=True, slots=True)
class Part:
    """One field, or one file."""

    raw: bytes
    media_type: str | None = None
    file_name: str | None = None
    """None for what is no file; a file may have an empty name."""
    escaped: bool = False
    """As in a URL; undone where it is asked for, so that no more is read than what is needed."""

    @property
    def content(self) -> bytes:
        """The bytes that were meant. Raises Rejected(malformed)."""
        return _unescaped(self.raw) if self.escaped else self.raw


@dataclass(frozen=True, slots=True)
class Form:
    """The first part of each name."""

    parts: Mapping[str, Part] = field(default_factory=dict)

    @classmethod
    def read(cls, request: Request) -> Form:
        """The form in a request's body. Raises Rejected(malformed) for anything else."""
        if not request.headers.get("content-type", "").isascii():
            raise Rejected("malformed", "Content-Type is not in ASCII")
        media_type, options = parse_options_header(request.headers.get("content-type", "")[:MAX_CONTENT_TYPE])
        if media_type == b"multipart/form-data":
            return cls(_Reading(options.get(b"boundary", b"")).whole(request.body))
        if media_type == b"application/x-www-form-urlencoded":
            return cls(_pairs(request.body))
        raise Rejected("malformed", "the body is no form: Content-Type says neither multipart/form-data nor urlencoded")

    def text(self, name: str, declared: str | None = "utf-8") -> str | None:
        """A field as text; None when it is not there, or is a file."""
        part = self.parts.get(name)
        return charset.decode(part.content, declared) if part and part.file_name is None else None

    def word(self, name: str) -> str | None:
        """A short field, such as a signature; None when it is not there, or too long to be one."""
        part = self.parts.get(name)
        return self.text(name) if part and len(part.raw) <= MAX_WORD else None

    def files(self) -> Mapping[str, Part]:
        """All files, in the order in which they came."""
        return {name: part for name, part in self.parts.items() if part.file_name is not None}


def _pairs(body: bytes) -> dict[str, Part]:
    # Not urllib's: of ten million percent signs it makes a list of two gigabytes.
    if body.count(b"&") >= MAX_PARTS:
        raise Rejected("malformed", f"the form has more than {MAX_PARTS} fields")
    parts: dict[str, Part] = {}
    for pair in filter(None, body.split(b"&")):
        name, _, value = pair.partition(b"=")
        parts.setdefault(_readable(_unescaped(name[:MAX_HEADER])), Part(value, escaped=True))
    return parts


def _unescaped(value: bytes) -> bytes:
    """`value` without the escapes of a form; what is no escape stays (WHATWG URL, "percent-decode")."""
    value = value.replace(b"+", b" ")
    decoded, count = _ESCAPED.subn(
        lambda run: bytes.fromhex(run[0].replace(b"%", b"").decode()), value, count=MAX_ESCAPED
    )
    if count >= MAX_ESCAPED:
        raise Rejected("malformed", f"a field has more than {MAX_ESCAPED} escapes")
    return decoded


class _Reading:
    """Takes the parser's calls for one body, in one go. The parser itself limits a part's headers."""

    def __init__(self, boundary: bytes) -> None:
        self._boundary = boundary
        self._parts: dict[str, Part] = {}
        self._count = 0
        self._ended = False
        self._start()

    def whole(self, body: bytes) -> dict[str, Part]:
        """Every part of `body`."""
        if not self._boundary:
            raise Rejected("malformed", "Content-Type names no boundary")
        try:
            parser = MultipartParser(
                self._boundary,
                {
                    "on_part_begin": self._start,
                    "on_header_field": self._on_name,
                    "on_header_value": self._on_value,
                    "on_header_end": self._on_header,
                    "on_part_data": self._on_data,
                    "on_part_end": self._on_part,
                    "on_end": self._on_end,
                },
                max_header_count=MAX_HEADERS,
                max_header_size=MAX_HEADER,
            )
            parser.write(body)
            parser.finalize()
        except (FormParserError, ValueError) as error:
            raise Rejected("malformed", "the body is no multipart form") from error
        if not self._ended:
            raise Rejected("malformed", "the form ends in the middle")
        return self._parts

    def _start(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._data: list[bytes] = []

    def _on_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._headers.setdefault(self._name.lower(), self._value)
        self._name = self._value = b""

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def _on_part(self) -> None:
        self._count += 1
        if self._count > MAX_PARTS:
            raise Rejected("malformed", f"the form has more than {MAX_PARTS} parts")
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name, file_name = options.get(b"name"), options.get(b"filename")
        if name is None:
            raise Rejected("malformed", "a part of the form has no name")
        media_type = self._headers.get(b"content-type")
        part = Part(
            b"".join(self._data),
            None if media_type is None else _readable(media_type),
            None if file_name is None else _readable(file_name),
        )
        self._parts.setdefault(_readable(name), part)

    def _on_end(self) -> None:
        self._ended = True


def _readable(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
