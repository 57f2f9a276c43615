"""Mailgun routes: `forward()` to this address, parsed or (address ends in `mime`, e.g. `...?mime`) raw.

Proof: the fields `timestamp`, `token` and `signature`, which is the hexadecimal HMAC-SHA256 of
`<timestamp><token>` with the webhook signing key. Source: https://documentation.mailgun.com, "Securing webhooks".
The body is not covered, so a token holds for one mail only: the endpoint remembers it (`single_use`), and what
comes under it again must be the same mail. The timestamp's length is fixed, or digits could wander from one to
the other. Mailgun tries again for eight hours after any answer but 200 and 406, so 406 is what it is told where
trying again is in vain.

Events of sent mail (`event-data`, `event`), for which the same key signs, are no messages.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Final

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from schemas.codec import describe
from schemas.messages import Attachment
from services.ingest import age
from services.ingest.normalise.form import Form
from services.ingest.normalise.mail import MAX_PARTS, Mail
from services.ingest.normalise.parsed_mail import announced, assembled, attachment, delivered
from services.ingest.normalise.received import received
from services.ingest.provider import InboundEvent, Intake, Provider, Reason, Rejected, Request

OLDEST: Final = timedelta(hours=9)
"""Mailgun's retries end after eight hours."""
MAX_TOKEN: Final = 100
IN_VAIN: Final[Mapping[Reason, int]] = dict.fromkeys(
    ("unsigned", "forged", "stale", "too_large", "compressed", "malformed"), 406
)
_HEADERS: Final = TypeAdapter(list[tuple[str, str]])


class Signature(BaseModel):
    """What is signed, and how."""

    timestamp: str
    token: Annotated[str, Field(max_length=MAX_TOKEN)]
    signature: str


class Event(BaseModel):
    """A report on a mail that was sent, in JSON."""

    signature: Signature


class Stored(BaseModel):
    """A file that Mailgun keeps, where the route says `store()`."""

    name: str | None = None
    media_type: Annotated[str | None, Field(alias="content-type")] = None
    size: int | None = None


_STORED: Final = TypeAdapter(Annotated[list[Stored], Field(max_length=MAX_PARTS)])


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless `secret` (the webhook signing key) signed timestamp and token."""
    signed = _signature(request)
    age.seconds(signed.timestamp)
    expected = hmac.new(secret.encode(), f"{signed.timestamp}{signed.token}".encode(), sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signed.signature.encode()):
        raise Rejected("forged", "the signature does not fit timestamp, token and signing key")


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """One mail; nothing for reports on mail that was sent."""
    if intake.proven:
        age.check(intake, age.seconds(_signature(request).timestamp), OLDEST)
    if _is_json(request):
        _event(request)
        return []
    form = Form.read(request)
    if "event" in form.parts:
        return []
    raw = form.parts.get("body-mime")
    mail = Mail.read(raw.content) if raw else _assembled(form)
    return [received(delivered(mail, form.text("sender"), filter(None, [form.text("recipient")])), intake)]


def token(request: Request) -> str | None:
    """The token, which holds for one mail."""
    return _signature(request).token


def _signature(request: Request) -> Signature:
    if _is_json(request):
        return _event(request).signature
    form = Form.read(request)
    given = {name: form.word(name) for name in Signature.model_fields}
    if not all(given.values()):
        raise Rejected("unsigned", "the fields timestamp, token and signature are needed")
    try:
        return Signature.model_validate(given)
    except ValidationError as error:
        raise Rejected("forged", f"the token is longer than {MAX_TOKEN} characters") from error


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _event(request: Request) -> Event:
    try:
        return Event.model_validate_json(request.body)
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error


def _assembled(form: Form) -> Mail:
    return assembled(_headers(form), form.text("body-plain"), form.text("body-html"), [*_files(form), *_stored(form)])


def _headers(form: Form) -> Iterator[tuple[str, str]]:
    """All of the mail's, in order; then those that also come as fields, should the others be missing."""
    try:
        yield from _HEADERS.validate_json(form.text("message-headers") or "[]")
    except ValidationError as error:
        raise Rejected("malformed", f"message-headers: {describe(error)}") from error
    for name in ("from", "subject", "Message-Id", "In-Reply-To", "References", "Date"):
        value = form.text(name)
        if value:
            yield name, value


def _files(form: Form) -> Iterator[Attachment]:
    for part in form.files().values():
        yield attachment(part.file_name, part.media_type, part.content)


def _stored(form: Form) -> Iterator[Attachment]:
    try:
        stored = _STORED.validate_json(form.text("attachments") or "[]")
    except ValidationError as error:
        raise Rejected("malformed", f"attachments: {describe(error)}") from error
    for file in stored:
        yield announced(file.name, file.media_type, file.size)


PROVIDER = Provider(
    channel="email",
    name="mailgun",
    proof=proof,
    parse=parse,
    statuses=IN_VAIN,
    single_use=token,
    heavy=True,
)
