"""SendGrid's Inbound Parse: a multipart form with the mail parsed, or whole ("POST the raw, full MIME message").

Proof: `X-Twilio-Email-Event-Webhook-Signature`, base64 of the ECDSA signature (P-256, SHA-256, DER) over
`<X-Twilio-Email-Event-Webhook-Timestamp>` and the raw body; the secret is the public key of the security policy
that is attached to the Parse webhook, as SendGrid shows it (base64 of DER). Source:
https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/securing-your-parse-webhooks. SendGrid drops a
mail for good on 3xx and 4xx, and tries for 72 hours on 5xx.

Of DKIM's results one counts: a signature of the very domain that stands in From makes the sender `verified`.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Annotated, Final, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from schemas.codec import describe
from schemas.messages import Attachment
from services.ingest import age
from services.ingest.normalise.form import Form
from services.ingest.normalise.mail import MAX_RECIPIENTS, Mail
from services.ingest.normalise.parsed_mail import assembled, attachment, delivered
from services.ingest.normalise.received import author, received
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request

SIGNATURE: Final = "x-twilio-email-event-webhook-signature"
TIMESTAMP: Final = "x-twilio-email-event-webhook-timestamp"
OLDEST: Final = timedelta(hours=73)
"""SendGrid's retries end after 72 hours."""

# One result only: of several, a signer's own words could have made the first ones.
_DKIM_PASS: Final = re.compile(r"\{@([A-Za-z0-9.-]{1,253}) : pass\}")


Told = TypeVar("Told")


class File(BaseModel):
    """What is told of one file."""

    filename: str | None = None
    name: str | None = None
    type: str | None = None


class Envelope(BaseModel):
    """By whom and for whom the mail was taken."""

    sender: Annotated[str | None, Field(alias="from")] = None
    to: Annotated[list[str], Field(max_length=MAX_RECIPIENTS)] = []


_CHARSETS: Final = TypeAdapter(dict[str, str])
_FILES: Final = TypeAdapter(dict[str, File])


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless the private half of `secret` signed time and body."""
    written, timestamp = request.headers.get(SIGNATURE), request.headers.get(TIMESTAMP)
    if not written or not timestamp:
        raise Rejected("unsigned", f"the headers {SIGNATURE} and {TIMESTAMP} are needed: attach a security policy")
    age.seconds(timestamp)
    try:
        signature = b64decode(written, validate=True)
        _key(secret).verify(signature, timestamp.encode() + request.body, ECDSA(SHA256()))
    except (InvalidSignature, Error, ValueError) as error:
        raise Rejected("forged", "the signature does not fit this body, time and public key") from error


def check_secret(secret: str) -> None:
    """Raises ValueError for what is no public key."""
    _key(secret)


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """One mail."""
    if intake.proven:
        age.check(intake, age.seconds(request.headers[TIMESTAMP]), OLDEST)
    form = Form.read(request)
    raw = form.parts.get("email")
    envelope = _envelope(form)
    mail = delivered(Mail.read(raw.content) if raw else _assembled(form), envelope.sender, envelope.to)
    return [received(mail, intake, verified=_signed_by_author(form, mail))]


@cache
def _key(secret: str) -> EllipticCurvePublicKey:
    try:
        key = load_der_public_key(b64decode("".join(secret.split()), validate=True))
    except (Error, ValueError) as error:
        message = "SendGrid's public key is in base64 (DER), without BEGIN and END"
        raise ValueError(message) from error
    if not isinstance(key, EllipticCurvePublicKey):
        message = "SendGrid signs with elliptic curves; this is another kind of key"
        raise ValueError(message)  # noqa: TRY004 - a wrong value of the right type
    return key


def _envelope(form: Form) -> Envelope:
    try:
        return Envelope.model_validate_json(form.text("envelope") or "{}")
    except ValidationError:
        return Envelope()  # what the mail says of itself is left


def _assembled(form: Form) -> Mail:
    charsets = _told(_CHARSETS, form, "charsets")

    def text(name: str) -> str | None:
        return form.text(name, charsets.get(name, "utf-8"))

    def headers() -> Iterator[tuple[str, str]]:
        """As they stood in the mail; those that also come as fields are read where they are missing."""
        block = form.parts.get("headers")
        if block and block.content.strip():
            yield from Mail.read(block.content.rstrip() + b"\r\n\r\n").headers.items()
        for name in ("from", "to", "cc", "subject"):
            value = text(name)
            if value:
                yield name, value

    return assembled(headers(), text("text"), text("html"), _files(form))


def _files(form: Form) -> Iterator[Attachment]:
    told = _told(_FILES, form, "attachment-info")
    for name, part in form.files().items():
        file = told.get(name, File())
        yield attachment(file.filename or file.name or part.file_name, file.type or part.media_type, part.content)


def _told(adapter: TypeAdapter[dict[str, Told]], form: Form, name: str) -> Mapping[str, Told]:
    try:
        return adapter.validate_json(form.text(name) or "{}")
    except ValidationError as error:
        raise Rejected("malformed", f"{name}: {describe(error)}") from error


def _signed_by_author(form: Form, mail: Mail) -> bool:
    signer = _DKIM_PASS.fullmatch((form.text("dkim") or "").strip())
    writer = author(mail.headers.get("from", ""))
    alone = mail.headers.get("from", "").count("@") == 1
    return bool(signer and writer and alone and writer[0].rpartition("@")[2] == signer[1].lower())


PROVIDER = Provider(channel="email", name="sendgrid", proof=proof, check_secret=check_secret, parse=parse, heavy=True)
