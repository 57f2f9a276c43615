"""Resend's `email.received`: JSON that says who wrote and about what; the text stays with Resend.

Proof: Svix, which is Standard Webhooks under the header names `svix-id`, `svix-timestamp` and `svix-signature`:
the HMAC-SHA256 of `<svix-id>.<svix-timestamp>.<body>` with the bytes behind the `whsec_` secret, at most five minutes
old (`services.ingest.standard_webhooks`). Source: https://resend.com/docs/webhooks/verify-webhooks-requests and
https://resend.com/docs/webhooks/emails/received. Without headers, a machine's mail is known by its author alone. A
text that is sent along (`text`, `html`, `raw`) is read. Other events are acknowledged and left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from schemas.codec import describe
from services.ingest import standard_webhooks
from services.ingest.normalise.mail import Mail
from services.ingest.normalise.parsed_mail import announced, assembled
from services.ingest.normalise.received import received
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request

ABSENT: Final = "[Resend does not pass on the text of a mail; it is there under the id {id}]"
"""The text of a message that came without one: somebody did write."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class File(_Part):
    """What is told of a file."""

    filename: str | None = None
    content_type: str | None = None
    size: int | None = None


class Data(_Part):
    """A mail, under Resend's id of it."""

    email_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    author: str = Field(alias="from")
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] | None = None
    reply_to: tuple[str, ...] | None = None
    subject: str | None = None
    message_id: str | None = None
    created_at: str | None = None
    headers: dict[str, Any] | None = None
    text: str | None = None
    html: str | None = None
    raw: str | None = None
    attachments: tuple[File, ...] | None = None


class Event(_Part):
    """Anything that Resend tells."""

    type: str


class Received(Event):
    """A mail that came in."""

    data: Data


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless `secret` signed the request's id, time and body within five minutes."""
    headers = {}
    for name in ("id", "timestamp", "signature"):
        given = request.headers.get(f"svix-{name}")
        if not given:
            raise Rejected("unsigned", f"the header svix-{name} is missing")
        headers[f"webhook-{name}"] = given
    standard_webhooks.proof(replace(request, headers=headers), secret)


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """The mail, as far as Resend tells of it."""
    try:
        if Event.model_validate_json(request.body).type != "email.received":
            return []
        data = Received.model_validate_json(request.body).data
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error
    if data.raw:
        return [received(Mail.read(data.raw.encode()), intake, own_id=data.email_id)]
    files = (announced(file.filename, file.content_type, file.size) for file in data.attachments or ())
    message = received(assembled(_headers(data), data.text, data.html, files), intake, own_id=data.email_id)
    if data.text is None and data.html is None:
        message = message.model_copy(update={"text": ABSENT.format(id=data.email_id)})
    return [message]


def _headers(data: Data) -> Iterator[tuple[str, str]]:
    for name, value in (data.headers or {}).items():
        if isinstance(value, str):
            yield name, value
    yield "from", data.author
    for name, addresses in (("to", data.to), ("cc", data.cc), ("reply-to", data.reply_to)):
        if addresses:
            yield name, ", ".join(addresses)
    for name, said in (("subject", data.subject), ("message-id", data.message_id)):
        if said:
            yield name, said


PROVIDER = Provider(
    channel="email",
    name="resend",
    proof=proof,
    check_secret=standard_webhooks.check_secret,
    parse=parse,
    heavy=True,
)
