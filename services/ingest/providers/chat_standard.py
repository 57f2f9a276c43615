"""Chat from any widget or adapter: our own payload, signed by Standard Webhooks.

Body, JSON in UTF-8:
    {"type": "message" | "ended", "conversation": "c-17", "message_id": "m-1", "sent_at": "2026-11-22T09:30:00Z",
     "text": "...", "customer": {"id": "u-9", "email": "...", "phone": "...", "name": "..."}, "language": "af",
     "attachments": [{"name": "screen.png", "media_type": "image/png", "size": 12345}]}
`sent_at`, `language`, `attachments` and the customer's `email`, `phone` and `name` may be left out, and with
`ended` so may `message_id` and `text`; without a `message_id` a conversation ends only once. Proof: `services.ingest.standard_webhooks`. The adapter vouches for
`customer.id`; mail and phone are what the customer says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from schemas.base import Instant, Language, ReplyAddress
from schemas.codec import describe
from schemas.messages import Attachment, ContactEnded, MessageReceived, Sender
from services.ingest import standard_webhooks
from services.ingest.normalise import identifiers, language, reference
from services.ingest.normalise.text import MAX_TEXT, clean, line
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request

Id = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^\S(?:.*\S)?$")]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class Customer(_Part):
    """Who chats."""

    id: Id
    email: Annotated[str, StringConstraints(max_length=320)] | None = None
    phone: Annotated[str, StringConstraints(max_length=50)] | None = None
    name: Annotated[str, StringConstraints(max_length=1000)] | None = None


class File(_Part):
    """What the customer sent along; its bytes stay with the adapter."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    media_type: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    size: Annotated[int, Field(ge=0)]


class Payload(_Part):
    """One thing that happened in a conversation."""

    type: Literal["message", "ended"]
    conversation: Id
    customer: Customer
    message_id: Id | None = None
    sent_at: Instant | None = None
    text: str = ""
    language: Language | None = None
    attachments: Annotated[list[File], Field(max_length=100)] = []


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """One message, or the end of the chat."""
    try:
        payload = Payload.model_validate_json(request.body)
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error
    sender = _sender(payload.customer, intake)
    if payload.type == "ended":
        return [
            ContactEnded(
                desk=intake.desk,
                at=intake.received_at,
                message_id=intake.message_id(f"{payload.message_id or payload.conversation} ended"),
                channel=intake.channel,
                provider=intake.provider,
                contact=payload.conversation,
                sender=sender,
                reason="closed",
            )
        ]
    if payload.message_id is None:
        raise Rejected("malformed", "message_id: a message needs one, the same whenever it is sent again")
    text = clean(payload.text, MAX_TEXT)
    if not text and not payload.attachments:
        raise Rejected("malformed", "text: a message without attachments needs some")
    return [
        MessageReceived(
            desk=intake.desk,
            at=intake.received_at,
            message_id=intake.message_id(payload.message_id),
            channel=intake.channel,
            provider=intake.provider,
            provider_message_id=payload.message_id,
            sender=sender,
            reply_to=ReplyAddress(
                channel=intake.channel,
                provider=intake.provider,
                address=payload.conversation,
                thread=payload.conversation,
            ),
            text=text,
            language=payload.language or language.detect(text, intake.policy.languages),
            live=True,
            contact=payload.conversation,
            case_reference=reference.find(intake.policy.reference_prefix, text),
            attachments=tuple(
                Attachment(name=line(file.name, 255) or "unnamed", media_type=file.media_type, size=file.size)
                for file in payload.attachments
            ),
            verified=intake.proven,
            sent_at=payload.sent_at,
        )
    ]


def _sender(customer: Customer, intake: Intake) -> Sender:
    handle = identifiers.handle("chat", customer.id)
    if handle is None:
        raise Rejected("malformed", "customer.id: has no readable character")
    said = (identifiers.email(customer.email), identifiers.tel(customer.phone, intake.policy.region))
    return Sender(identifiers=(handle, *filter(None, said)), name=line(customer.name))


PROVIDER = Provider(
    channel="chat",
    name="standard",
    proof=standard_webhooks.proof,
    check_secret=standard_webhooks.check_secret,
    parse=parse,
)
