"""MailerSend's inbound routes: JSON with the raw mail in it.

Proof: `Signature: <hex>`, the HMAC-SHA256 of the raw body with the inbound route's own secret (not that of the
account's webhooks). Source: https://developers.mailersend.com/api/v1/inbound.html and
https://developers.mailersend.com/api/v1/webhooks.html#security. There is no time in it: a repeat has the same id.
Activities (`activity.sent` and the like) are no mail: acknowledged, left alone.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from schemas.codec import describe
from services.ingest.normalise.mail import Mail
from services.ingest.normalise.parsed_mail import delivered
from services.ingest.normalise.received import received
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Address(_Part):
    """A mailbox, as the envelope has it."""

    email: str


class Recipients(_Part):
    """For whom it came."""

    envelope: tuple[Address, ...] = Field((), alias="rcptTo")


class Data(_Part):
    """The mail, under MailerSend's id of it."""

    id: Annotated[str, StringConstraints(max_length=200)] | None = None
    sender: Address | None = None
    recipients: Recipients | None = None
    raw: str


class Event(_Part):
    """Anything that MailerSend tells."""

    type: str


class Inbound(Event):
    """A mail that came in."""

    data: Data


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless `secret` signed the body."""
    signature = request.headers.get("signature")
    if not signature:
        raise Rejected("unsigned", "the header Signature is missing")
    expected = hmac.new(secret.encode(), request.body, sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise Rejected("forged", "Signature does not fit this body and the inbound route's secret")


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """The mail."""
    try:
        if Event.model_validate_json(request.body).type != "inbound.message":
            return []
        data = Inbound.model_validate_json(request.body).data
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error
    recipients = [to.email for to in data.recipients.envelope if to.email] if data.recipients else []
    mail = delivered(Mail.read(data.raw.encode()), data.sender.email if data.sender else None, recipients)
    return [received(mail, intake, own_id=data.id)]


PROVIDER = Provider(channel="email", name="mailersend", proof=proof, parse=parse, heavy=True)
