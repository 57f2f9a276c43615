"""SparkPost's relay webhooks: JSON, several raw mails in one request.

Proof: nothing is signed. Either `X-MessageSystems-Webhook-Token` (the relay webhook's `auth_token`, which is the
secret then) or `Authorization: Basic` with the credentials of the target's address (`services.ingest.basic_auth`;
the secret is `user:password`). Source: https://developers.sparkpost.com/api/relay-webhooks/. Pings and message
events hold no mail: acknowledged, left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from schemas.codec import describe
from schemas.messages import MessageReceived
from services.ingest import basic_auth, shared_token
from services.ingest.normalise import batch, raw_mail
from services.ingest.normalise.parsed_mail import from_base64
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request

TOKEN: Final = "X-MessageSystems-Webhook-Token"  # noqa: S105 - the header's name
RELAY: Final = "relay_message"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Content(_Part):
    """The raw mail."""

    mail: str = Field(alias="email_rfc822")
    is_base64: bool = Field(False, alias="email_rfc822_is_base64")


class Relayed(_Part):
    """A mail that came in."""

    protocol: Literal["smtp"] = "smtp"
    msg_from: str | None = None
    rcpt_to: str | None = None
    content: Content


class Entry(_Part):
    """One thing of the batch, under the name of its kind."""

    msys: dict[str, dict[str, Any]]


BATCH: Final = TypeAdapter(Annotated[tuple[Entry, ...], Field(max_length=10_000)])


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless the request carries `secret`, as a token or as credentials."""
    if "authorization" in request.headers and TOKEN.lower() not in request.headers:
        basic_auth.proof(request, secret)
    else:
        shared_token.proof(request, secret, TOKEN)


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """Every mail of the batch."""
    try:
        entries = BATCH.validate_json(request.body)
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error
    return batch.each((entry.msys[RELAY] for entry in entries if RELAY in entry.msys), partial(_read, intake=intake))


def _read(found: dict[str, Any], intake: Intake) -> MessageReceived:
    try:
        relayed = Relayed.model_validate(found)
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error
    content = relayed.content
    raw = from_base64(content.mail) if content.is_base64 else content.mail.encode()
    return raw_mail.taken(raw, intake, relayed.msg_from, filter(None, (relayed.rcpt_to,)))


PROVIDER = Provider(channel="email", name="sparkpost", proof=proof, parse=parse, heavy=True)
