"""CloudEvents over HTTP, on every channel: for whoever is not a provider of their own.

Source: CloudEvents 1.0.2, HTTP protocol binding: one event in binary mode (attributes in `ce-` headers, the data is
the body) or in structured mode (`application/cloudevents+json`), or several (`application/cloudevents-batch+json`).
The data is what `services.ingest.providers.chat_standard` documents, its `message_id` left out; or, under the types
`switchboard.message_received.v1` and `switchboard.contact_ended.v1`, that event of the contract, without what only
ingest can know (`desk`, `at`, `message_id`, `channel`, `provider`). The event's `id` is the message's: the same
whenever it is sent again, and no other event's of the same desk, channel and provider.

Proof: Standard Webhooks over the raw body (`services.ingest.standard_webhooks`). In binary mode the body is only the
data, so `webhook-id`, which is signed, has to be the event's `id`: nobody can bring what was signed a second time
under another id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.http import HTTPMessage, from_binary, from_structured
from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from schemas.base import Channel
from schemas.codec import ce_type, describe
from schemas.messages import ContactEnded, MessageReceived, Sender
from services.ingest import standard_webhooks
from services.ingest.normalise import identifiers, language, reference
from services.ingest.normalise.text import MAX_FULL_TEXT, MAX_SUBJECT, MAX_TEXT, clean, line
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request
from services.ingest.providers import chat_standard

NAME: Final = "cloudevents"
STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
MAX_EVENTS: Final = 1000
MAX_ID: Final = 200

CONTRACT: Final[Mapping[str, type[InboundEvent]]] = {ce_type(event): event for event in (MessageReceived, ContactEnded)}
"""The events that may come as they are, by their CloudEvents types."""


class _Bytes(JSONFormat):
    """Leaves the data of binary mode as it is: it is validated once, by its own model."""

    def read_data(self, body: bytes, datacontenttype: str | None) -> bytes:  # noqa: ARG002 - the library's signature
        return body


def provider(channel: Channel) -> Provider:
    """CloudEvents on this channel."""
    return Provider(channel=channel, name=NAME, proof=proof, check_secret=standard_webhooks.check_secret, parse=parse)


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless `secret` signed the body, and in binary mode the event's id with it."""
    standard_webhooks.proof(request, secret)
    if _mode(request) not in {STRUCTURED, BATCH}:
        written = request.headers.get("ce-id", "")
        if request.headers["webhook-id"] not in {written, unquote(written)}:
            raise Rejected("forged", "in binary mode webhook-id, which is signed, has to be the same as ce-id")


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """What the events say, in order."""
    return [_inbound(event, request, intake) for event in _events(request)]


def _mode(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _events(request: Request) -> Iterator[BaseCloudEvent]:
    """The events of a request, in whichever mode it is. Raises Rejected(malformed)."""
    mode = _mode(request)
    if mode not in {STRUCTURED, BATCH}:
        headers = {name: value for name, value in request.headers.items() if name.startswith("ce-")}
        headers |= {name: request.headers[name] for name in ("content-type",) if request.headers.get(name)}
        yield _read(HTTPMessage(headers, request.body), binary=True)
        return
    try:
        # The library's JSON parser takes lone surrogates, and knows no depth at which to stop.
        found = from_json(request.body, allow_inf_nan=False)
    except ValueError as error:
        raise Rejected("malformed", "the body is no JSON that can be read") from error
    if mode == STRUCTURED:
        yield _read(HTTPMessage({}, request.body), binary=False)
        return
    if not isinstance(found, list) or len(found) > MAX_EVENTS:
        raise Rejected("malformed", f"a batch is a list of up to {MAX_EVENTS} events")
    for event in found:
        yield _read(HTTPMessage({}, to_json(event)), binary=False)


def _read(message: HTTPMessage, *, binary: bool) -> BaseCloudEvent:
    read = from_binary if binary else from_structured
    try:
        return read(message, _Bytes(), _event)
    except BaseCloudEventException as error:
        raise Rejected("malformed", f"this is no CloudEvent 1.0: {_faults(error)}") from error
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError) as error:
        raise Rejected("malformed", f"this is no CloudEvent 1.0: {type(error).__name__}") from error


def _event(attributes: dict[str, Any], data: dict[str, Any] | str | bytes | None) -> BaseCloudEvent:
    """An event of these attributes, all of them the sender's: the library makes up an id where there is none, and
    nobody would recognise the repeat.
    """
    missing = next((name for name in ("id", "source", "type", "specversion") if not attributes.get(name)), None)
    if missing:
        raise Rejected("malformed", f"this is no CloudEvent 1.0: it has no {missing}")
    return CloudEvent(attributes, data)


def _faults(error: BaseCloudEventException) -> str:
    """Which attributes are wrong, without what stands in them."""
    return ", ".join(sorted(name[:40] for name in getattr(error, "errors", {}))) or type(error).__name__


def _inbound(event: BaseCloudEvent, request: Request, intake: Intake) -> InboundEvent:
    own_id = event.get_id()
    if len(own_id) > MAX_ID or not own_id.isprintable():
        raise Rejected("malformed", f"id: has more than {MAX_ID} characters, or such as nobody can read")
    data = _object(event.get_data())
    contract = CONTRACT.get(event.get_type())
    if contract is not None:
        return _of_contract(contract, data, own_id, intake)
    return _of_standard(data, own_id, event.get_time(), request, intake)


def _object(data: Any) -> dict[str, Any]:
    try:
        found = from_json(data, allow_inf_nan=False) if isinstance(data, bytes | str) else data
    except ValueError as error:
        raise Rejected("malformed", "the data is no JSON that can be read") from error
    if not isinstance(found, dict):
        raise Rejected("malformed", "the data is no JSON object")
    return found


def _of_standard(
    data: dict[str, Any], own_id: str, at: datetime | None, request: Request, intake: Intake
) -> InboundEvent:
    """What comes of the payload of chat/standard, on whichever channel this is."""
    body = to_json(data | {"message_id": "-"})
    (found,) = chat_standard.parse(replace(request, body=body), intake)
    first, *more = found.sender.identifiers
    handle = first.replace("handle:chat:", f"handle:{intake.channel}:", 1)
    sender = Sender(identifiers=(handle, *more), name=found.sender.name)
    if isinstance(found, ContactEnded):
        return found.model_copy(update={"message_id": intake.message_id(own_id), "sender": sender})
    live = intake.channel in {"chat", "phone"}
    return found.model_copy(
        update={
            "message_id": intake.message_id(own_id),
            "provider_message_id": own_id,
            "sender": sender,
            "live": live,
            "contact": found.contact if live else None,
            "sent_at": found.sent_at or (at.astimezone(UTC) if at else None),
        }
    )


def _of_contract(contract: type[InboundEvent], data: dict[str, Any], own_id: str, intake: Intake) -> InboundEvent:
    """An event of the contract: what only ingest can know is put in, and the rest brought into its usual form."""
    known = {"desk": intake.desk, "channel": intake.channel, "provider": intake.provider}
    for name in ("desk", "channel"):
        if data.get(name, known[name]) != known[name]:
            raise Rejected("malformed", f"{name}: is not the one of this address")
    known |= {"at": intake.received_at.isoformat(), "message_id": intake.message_id(own_id)}
    if contract is MessageReceived:
        known |= {"provider_message_id": own_id}
        if isinstance(data.get("reply_to"), dict):
            data = data | {"reply_to": data["reply_to"] | {"channel": intake.channel, "provider": intake.provider}}
    try:
        event = contract.model_validate_json(to_json(data | known))
        sender = Sender(
            identifiers=tuple(dict.fromkeys(_canonical(each, intake) for each in event.sender.identifiers)),
            name=line(event.sender.name),
        )
    except (ValidationError, PydanticSerializationError) as error:
        detail = describe(error) if isinstance(error, ValidationError) else "the data cannot be read"
        raise Rejected("malformed", detail) from error
    if isinstance(event, ContactEnded):
        return event.model_copy(update={"sender": sender})
    text = clean(event.text, MAX_TEXT)
    if not text and not event.attachments:
        raise Rejected("malformed", "text: a message without attachments needs some")
    return event.model_copy(
        update={
            "sender": sender,
            "subject": line(event.subject, MAX_SUBJECT),
            "text": text,
            "full_text": clean(event.full_text, MAX_FULL_TEXT) if event.full_text else None,
            "language": event.language or language.detect(text, intake.policy.languages),
            "case_reference": event.case_reference
            or reference.find(intake.policy.reference_prefix, event.subject, text),
            "verified": event.verified and intake.proven,
        }
    )


def _canonical(identifier: str, intake: Intake) -> str:
    kind, _, name = identifier.partition(":")
    if kind == "email":
        found = identifiers.email(name)
    elif kind == "tel":
        found = identifiers.tel(name, intake.policy.region)
    else:
        found = line(identifier, 400)
    if found is None:
        raise Rejected("malformed", f"sender.identifiers: what follows {kind}: is none")
    return found
