"""Brevo's inbound parsing: JSON, several mails in one request, without the files' bytes.

Proof: nothing is signed. Either `Authorization: Basic` with the credentials of the webhook's address
(`services.ingest.basic_auth`; the secret is `user:password`) or `Authorization: Bearer <token>` (the secret is the
token). Source: https://developers.brevo.com/docs/secured-webhooks; payload:
https://developers.brevo.com/docs/inbound-parse-webhooks. Tracking events hold no mail: acknowledged, left alone.
Brevo gives up after 5xx, as after any 4xx but 429 (https://developers.brevo.com/docs/retry-mechanism): our own
faults are 429 here.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.codec import describe
from schemas.messages import MessageReceived
from services.ingest import basic_auth
from services.ingest.normalise import batch
from services.ingest.normalise.parsed_mail import announced, assembled, mailbox
from services.ingest.normalise.received import received
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Mailbox(_Part):
    """Somebody's name and address."""

    name: str | None = Field(None, alias="Name")
    address: str | None = Field(None, alias="Address")


class File(_Part):
    """What is told of a file; its bytes have to be asked for."""

    name: str | None = Field(None, alias="Name")
    media_type: str | None = Field(None, alias="ContentType")
    size: int | None = Field(None, alias="ContentLength")


class Item(_Part):
    """One mail."""

    ids: tuple[str, ...] = Field((), alias="Uuid")
    message_id: str | None = Field(None, alias="MessageId")
    in_reply_to: str | None = Field(None, alias="InReplyTo")
    author: Mailbox | None = Field(None, alias="From")
    reply_to: Mailbox | None = Field(None, alias="ReplyTo")
    sent_at: str | None = Field(None, alias="SentAtDate")
    subject: str | None = Field(None, alias="Subject")
    headers: dict[str, str | list[str] | None] = Field({}, alias="Headers")
    plain: str | None = Field(None, alias="RawTextBody")
    html: str | None = Field(None, alias="RawHtmlBody")
    files: tuple[File, ...] | None = Field(None, alias="Attachments")


class Payload(_Part):
    """A batch of mails, or an event about mail that was sent."""

    event: str | None = None
    items: Annotated[tuple[Item, ...] | None, Field(max_length=1000)] = None


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless the request carries `secret`, as credentials or as a token."""
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer":
        basic_auth.proof(request, secret)
    elif not hmac.compare_digest(token.strip().encode("latin-1"), secret.encode()):
        raise Rejected("forged", "the token is not this source's")


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """Every mail of the batch."""
    try:
        payload = Payload.model_validate_json(request.body)
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error
    if payload.items is None:
        if payload.event is None:
            raise Rejected("malformed", "items: there are neither mails nor an event")
        return []
    return batch.each(payload.items, partial(_read, intake=intake))


def _read(item: Item, intake: Intake) -> MessageReceived:
    files = (announced(file.name, file.media_type, file.size) for file in item.files or ())
    mail = assembled(_headers(item), item.plain, item.html, files)
    return received(mail, intake, own_id=item.ids[0][:200] if item.ids and item.ids[0] else None)


def _headers(item: Item) -> Iterator[tuple[str, str]]:
    """Those of the mail itself first: they still have their encoded words."""
    for name, value in item.headers.items():
        for one in value if isinstance(value, list) else (value,):
            if one is not None:
                yield name, one
    for name, who in (("from", item.author), ("reply-to", item.reply_to)):
        if who is not None and who.address:
            yield name, mailbox(who.address, who.name)
    for name, said in (
        ("subject", item.subject),
        ("date", item.sent_at),
        ("message-id", item.message_id),
        ("in-reply-to", item.in_reply_to),
    ):
        if said:
            yield name, said


PROVIDER = Provider(
    channel="email",
    name="brevo",
    proof=proof,
    parse=parse,
    statuses={"failed": 429, "unavailable": 429, "slow": 429},
    heavy=True,
)
