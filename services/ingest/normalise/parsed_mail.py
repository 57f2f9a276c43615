"""A mail that a provider has taken apart: its headers, texts and files, put together within the same limits."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from typing import Final

from schemas.messages import Attachment
from services.ingest.normalise.mail import MAX_HEADER, MAX_HEADERS, MAX_PARTS, MAX_RECIPIENTS, Mail
from services.ingest.normalise.text import MAX_NAME, line
from services.ingest.provider import Rejected

_SPACE: Final = re.compile(r"\s+")
_ANGLES: Final = re.compile(r"[<>]")
_BETWEEN_FOLDERS: Final = re.compile(r"[/\\]")
MAX_SIZE: Final = 2**40
"""Bytes of a file, as far as a provider is believed."""


def assembled(
    headers: Iterable[tuple[str, str]],
    plain: str | None = None,
    html: str | None = None,
    attachments: Iterable[Attachment] = (),
) -> Mail:
    """The mail of these parts; of headers with the same name the first counts, so give the surer ones first.
    Raises Rejected(malformed) for more than the limits of a raw mail.
    """
    first: dict[str, str] = {}
    for count, (name, value) in enumerate(headers):
        if len(value) > MAX_HEADER:
            raise Rejected("malformed", f"a header is longer than {MAX_HEADER} characters")
        if count >= MAX_HEADERS:
            raise Rejected("malformed", f"the mail has more than {MAX_HEADERS} headers")
        first.setdefault(name.lower(), " ".join(value.splitlines()))
    if sum(first.get(name, "").count("@") for name in ("to", "cc", "bcc")) > MAX_RECIPIENTS:
        raise Rejected("malformed", f"the mail has more than {MAX_RECIPIENTS} recipients")
    files = tuple(attachments)
    if len(files) > MAX_PARTS:
        raise Rejected("malformed", f"the mail has more than {MAX_PARTS} parts")
    return Mail(first, plain, html, files)


def delivered(mail: Mail, sender: str | None, recipients: Iterable[str] = ()) -> Mail:
    """The mail with its envelope: by whom and for whom the provider took it, which is surer than what the mail
    says of itself. An empty `sender` is that of a bounce; None is not known.
    """
    headers = dict(mail.headers)
    if sender is not None:
        headers["return-path"] = f"<{sender.strip('<> ')}>"
    headers["to"] = ", ".join(filter(None, [headers.get("to"), *recipients]))
    return replace(mail, headers=headers)


def mailbox(address: str, name: str | None) -> str:
    """An address with its name, as in a header. A name cannot pass for an address."""
    return f"{_ANGLES.sub('', name[:MAX_NAME])} <{address}>" if name else address


def attachment(name: str | None, media_type: str | None, content: bytes) -> Attachment:
    """A file whose bytes came along. Of a name with folders only the last part is kept."""
    return Attachment(
        name=file_name(name),
        media_type=kind(media_type),
        size=len(content),
        sha256=sha256(content).hexdigest(),
    )


def announced(name: str | None, media_type: str | None, size: int | None = None) -> Attachment:
    """A file whose bytes stay with the provider."""
    return Attachment(name=file_name(name), media_type=kind(media_type), size=min(max(size or 0, 0), MAX_SIZE))


def file_name(written: str | None) -> str:
    """What may stand as a file's name: one line, no folders; `unnamed` where nothing is left."""
    name = line(_BETWEEN_FOLDERS.split(written[-4096:])[-1], 255) if written else None
    return name if name and name.strip(".") else "unnamed"


def kind(media_type: str | None) -> str:
    """`image/png`, without parameters, as the sender claims it."""
    return line((media_type or "").partition(";")[0].lower(), 100) or "application/octet-stream"


def from_base64(written: str) -> bytes:
    """The bytes of a file in JSON. Raises Rejected(malformed)."""
    try:
        return b64decode(_SPACE.sub("", written), validate=True)
    except (Error, ValueError) as error:
        raise Rejected("malformed", "an attachment is not in base64") from error
