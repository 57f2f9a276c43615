"""Postmark's inbound webhook: JSON, with or without the raw mail in it.

Proof: Basic authentication (`services.ingest.basic_auth`); Postmark signs nothing. Source:
https://postmarkapp.com/developer/user-guide/inbound/configure-an-inbound-server and
https://postmarkapp.com/developer/webhooks/inbound-webhook. It tries ten times within ten and a half hours, and
403 makes it stop. Its id, MessageID, is the same each time.

Other webhooks (`RecordType`) report on mail that was sent and are no messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from schemas.codec import describe
from schemas.messages import Attachment
from services.ingest import basic_auth
from services.ingest.normalise.mail import MAX_HEADERS, MAX_PARTS, Mail
from services.ingest.normalise.parsed_mail import (
    announced,
    assembled,
    attachment,
    delivered,
    from_base64,
    mailbox,
)
from services.ingest.normalise.received import received
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request


class Mailbox(BaseModel):
    """One address."""

    address: Annotated[str, Field(alias="Email")] = ""
    name: Annotated[str | None, Field(alias="Name")] = None


class Header(BaseModel):
    """One header."""

    name: Annotated[str, Field(alias="Name")]
    value: Annotated[str | None, Field(alias="Value")] = None


class File(BaseModel):
    """One file. Its content is called Data in Postmark's own test."""

    name: Annotated[str | None, Field(alias="Name")] = None
    media_type: Annotated[str | None, Field(alias="ContentType")] = None
    size: Annotated[int | None, Field(alias="ContentLength")] = None
    content: Annotated[str | None, Field(alias="Content")] = None
    data: Annotated[str | None, Field(alias="Data")] = None


class Payload(BaseModel):
    """One mail."""

    record_type: Annotated[str, Field(alias="RecordType")] = "Inbound"
    message_id: Annotated[str | None, Field(alias="MessageID", max_length=200)] = None
    writer: Annotated[str | None, Field(alias="From")] = None
    writer_parts: Annotated[Mailbox | None, Field(alias="FromFull")] = None
    to: Annotated[str | None, Field(alias="To")] = None
    cc: Annotated[str | None, Field(alias="Cc")] = None
    recipient: Annotated[str | None, Field(alias="OriginalRecipient")] = None
    reply_to: Annotated[str | None, Field(alias="ReplyTo")] = None
    subject: Annotated[str | None, Field(alias="Subject")] = None
    date: Annotated[str | None, Field(alias="Date")] = None
    text: Annotated[str | None, Field(alias="TextBody")] = None
    html: Annotated[str | None, Field(alias="HtmlBody")] = None
    raw: Annotated[str | None, Field(alias="RawEmail")] = None
    headers: Annotated[list[Header], Field(alias="Headers", max_length=MAX_HEADERS)] = []
    attachments: Annotated[list[File], Field(alias="Attachments", max_length=MAX_PARTS)] = []


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """One mail; nothing for reports on mail that was sent."""
    try:
        payload = Payload.model_validate_json(request.body)
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error
    if payload.record_type != "Inbound":
        return []
    # Bytes beyond ASCII have been decoded on their way into the JSON, and nobody knows as what; the texts
    # beside the raw mail were decoded with care.
    raw = payload.raw if payload.raw and (payload.raw.isascii() or not (payload.text or payload.html)) else None
    mail = Mail.read(raw.encode()) if raw else _assembled(payload)
    mail = delivered(mail, _return_path(payload), filter(None, [payload.recipient]))
    return [received(mail, intake, own_id=payload.message_id or None)]


def _assembled(payload: Payload) -> Mail:
    return assembled(_headers(payload), payload.text, payload.html, map(_file, payload.attachments))


def _headers(payload: Payload) -> Iterator[tuple[str, str]]:
    """Those that Postmark has read, then the others as they stood in the mail."""
    full = payload.writer_parts
    read = {
        "from": mailbox(full.address, full.name) if full and full.address else payload.writer,
        "to": payload.to,
        "cc": payload.cc,
        "reply-to": payload.reply_to,
        "subject": payload.subject,
        "date": payload.date,
    }
    yield from ((name, value) for name, value in read.items() if value)
    yield from ((header.name, header.value or "") for header in payload.headers)


def _return_path(payload: Payload) -> str | None:
    """Postmark writes the envelope's sender above all other headers."""
    return next((header.value for header in payload.headers if header.name.lower() == "return-path"), None)


def _file(file: File) -> Attachment:
    content = file.content if file.content is not None else file.data
    if content is None:
        return announced(file.name, file.media_type, file.size)
    return attachment(file.name, file.media_type, from_base64(content))


PROVIDER = Provider(
    channel="email",
    name="postmark",
    proof=basic_auth.proof,
    check_secret=basic_auth.check_secret,
    parse=parse,
    heavy=True,
)
