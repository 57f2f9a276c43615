"""Mailjet's Parse API: JSON with the mail's headers, texts and files.

Proof: Basic authentication (`services.ingest.basic_auth`) with the credentials in the parse route's address;
Mailjet signs nothing. Source: https://dev.mailjet.com/email/guides/parse-api/. Mailjet gives a mail no id of its
own, so its Message-ID and words are its id.

Events of sent mail (`event`, alone or in a list) are no messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from email.message import Message
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from schemas.codec import describe
from schemas.messages import Attachment
from services.ingest import basic_auth
from services.ingest.normalise.mail import MAX_HEADERS, MAX_PARAMETERS, MAX_PARTS, Mail, decoded
from services.ingest.normalise.parsed_mail import assembled, attachment, delivered, from_base64
from services.ingest.normalise.received import received
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request

Headers = Annotated[dict[str, str | list[str]], Field(max_length=MAX_HEADERS)]
"""A header that is there several times has a list of values."""


class Part(BaseModel):
    """One part; what it holds stands in the payload, under the name in `content`."""

    headers: Annotated[Headers, Field(alias="Headers")] = {}
    content: Annotated[str | None, Field(alias="ContentRef")] = None


class Parsed(BaseModel):
    """One mail; files stand beside these as `Attachment1`, `InlineAttachment1` and so on."""

    model_config = ConfigDict(extra="allow")

    sender: Annotated[str | None, Field(alias="Sender")] = None
    recipient: Annotated[str | None, Field(alias="Recipient")] = None
    writer: Annotated[str | None, Field(alias="From")] = None
    subject: Annotated[str | None, Field(alias="Subject")] = None
    headers: Annotated[Headers, Field(alias="Headers")] = {}
    parts: Annotated[list[Part], Field(alias="Parts", max_length=MAX_PARTS)] = []
    text: Annotated[str | None, Field(alias="Text-part")] = None
    html: Annotated[str | None, Field(alias="Html-part")] = None

    def file(self, name: str) -> str | None:
        """The content of a file, in base64."""
        found = (self.model_extra or {}).get(name)
        return found if isinstance(found, str) else None


class Event(BaseModel):
    """A report on a mail that was sent."""

    event: str


_PAYLOAD: Final[TypeAdapter[list[Event] | Event | Parsed]] = TypeAdapter(
    Annotated[list[Event] | Event | Parsed, Field(union_mode="left_to_right")]
)


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """One mail; nothing for reports on mail that was sent."""
    try:
        payload = _PAYLOAD.validate_json(request.body)
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error
    if not isinstance(payload, Parsed):
        return []
    mail = delivered(_assembled(payload), payload.sender, filter(None, [payload.recipient]))
    return [received(mail, intake)]


def _assembled(payload: Parsed) -> Mail:
    return assembled(_headers(payload), payload.text, payload.html, _files(payload))


def _headers(payload: Parsed) -> Iterator[tuple[str, str]]:
    for name, values in payload.headers.items():
        yield from ((name, value) for value in ([values] if isinstance(values, str) else values[:MAX_HEADERS]))
    yield from ((name, value) for name, value in (("from", payload.writer), ("subject", payload.subject)) if value)


def _files(payload: Parsed) -> Iterator[Attachment]:
    for part in payload.parts:
        content = payload.file(part.content) if part.content else None
        if content is not None:
            name, media_type = _named(part.headers)
            yield attachment(name, media_type, from_base64(content))


def _named(headers: Mapping[str, str | list[str]]) -> tuple[str | None, str]:
    """A file's name and type, from the headers of its part."""
    part: Message[Any, Any] = Message()
    for name, values in headers.items():
        value = values if isinstance(values, str) else " ".join(values[:1])
        if name.lower() in {"content-type", "content-disposition"} and len(value) <= MAX_PARAMETERS:
            part[name] = " ".join(value.splitlines())
    try:
        file_name = part.get_filename()
    except (ValueError, LookupError, TypeError, AttributeError):
        file_name = None
    return decoded(file_name) if file_name else None, str(part.get("content-type", ""))


PROVIDER = Provider(
    channel="email",
    name="mailjet",
    proof=basic_auth.proof,
    check_secret=basic_auth.check_secret,
    parse=parse,
    heavy=True,
)
