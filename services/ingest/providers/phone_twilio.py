"""Twilio: calls (voice webhook and status callbacks) and SMS, form-encoded.

Proof: `X-Twilio-Signature`, what `twilio.request_validator.RequestValidator(auth_token).compute_signature(url,
params)` gives: HMAC-SHA1 (or SHA256, where `X-Twilio-Webhooks-Signature-Settings` says so), in base64, of the URL as Twilio called it (the public one, query included) followed
by every parameter's name and value, sorted by name. It covers no time, so a request may come again; its id is
then the same. Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security.

The two kinds are told apart by what they carry: `MessageSid` is an SMS, `CallSid` with `CallStatus` a call.
All states of one call are one message, since its id comes of the CallSid alone; what the caller said
(`SpeechResult`, `TranscriptionText`) is a further one in the same contact.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Final, Literal
from urllib.parse import parse_qsl

from starlette.datastructures import ImmutableMultiDict
from twilio.request_validator import SIGNATURE_SETTINGS_HEADER, RequestValidator, get_signature_algorithm
from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import VoiceResponse

from schemas.base import ReplyAddress
from schemas.messages import Attachment, ContactEnded, MessageReceived, Sender
from services.ingest.normalise import identifiers, language, reference
from services.ingest.normalise.text import MAX_TEXT, clean, line
from services.ingest.provider import Answer, InboundEvent, Intake, Provider, Rejected, Request

MAX_BODY: Final = 262_144
"""Bytes of a form; Twilio's own have a few thousand."""
MAX_FIELDS: Final = 500
MAX_MEDIA: Final = 10
"""Of one MMS, by Twilio's own limit."""

_NETWORKS: Final = frozenset({"sip", "client", "whatsapp"})
"""Whose addresses Twilio writes as `whatsapp:+27821234567`."""

_RUNNING: Final = frozenset({"queued", "initiated", "ringing", "in-progress"})
_ENDED: Final[dict[str, Literal["completed", "hung_up", "no_answer", "busy", "failed"]]] = {
    "completed": "completed",
    "canceled": "hung_up",
    "no-answer": "no_answer",
    "busy": "busy",
    "failed": "failed",
}
_WITHHELD: Final = frozenset(
    {"anonymous", "restricted", "blocked", "unknown", "unavailable", "private"}
    | {"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"}
)
"""In words, and as Twilio spells the first five of them on a keypad."""


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless `secret` (the auth token) signed URL and parameters."""
    signature = request.headers.get("x-twilio-signature")
    if not signature:
        raise Rejected("unsigned", "the header X-Twilio-Signature is missing")
    algorithm = get_signature_algorithm(request.headers.get(SIGNATURE_SETTINGS_HEADER.lower()))
    if not RequestValidator(secret).validate(request.url, _form(request), signature, algorithm):
        raise Rejected("forged", "X-Twilio-Signature does not fit; is the public URL the one that Twilio calls?")


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """An SMS, a call that rings or goes on, or its end; nothing for reports on what we sent or called."""
    form = _form(request)
    if form.get("MessageSid"):
        return _sms(form, intake)
    call, status = form.get("CallSid"), form.get("CallStatus")
    if not call or not status:
        raise Rejected("malformed", "neither MessageSid nor CallSid with CallStatus is there")
    if form.get("Direction", "inbound") != "inbound":
        return []
    if status in _ENDED:
        return [_ended(form, intake, call, status)]
    if status not in _RUNNING:
        raise Rejected("malformed", "CallStatus is none that Twilio names")
    return [_call(form, intake, call)]


def answer(request: Request, _: Sequence[InboundEvent], intake: Intake) -> Answer:
    """TwiML: an SMS needs no answer yet; a caller is put into the desk's queue, or the line would drop."""
    if _form(request).get("MessageSid"):
        return Answer(str(MessagingResponse()).encode(), "application/xml")
    response = VoiceResponse()
    response.enqueue(intake.desk)
    return Answer(str(response).encode(), "application/xml")


def _form(request: Request) -> ImmutableMultiDict[str, str]:
    if len(request.body) > MAX_BODY:  # before anything is proved: escapes cost a hundred times their size
        raise Rejected("too_large", f"Twilio's forms have at most {MAX_BODY} bytes")
    try:
        pairs = parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise Rejected("malformed", "the body is no form in UTF-8, or has too many fields") from error
    return ImmutableMultiDict(pairs)


def _sms(form: ImmutableMultiDict[str, str], intake: Intake) -> Sequence[InboundEvent]:
    if form.get("MessageStatus") or form.get("SmsStatus", "received") != "received":
        return []  # a report on a message of ours
    sid = _id(form["MessageSid"])
    text = clean(form.get("Body", ""), MAX_TEXT)
    sender, address = _sender(form, intake, sid)
    return [
        MessageReceived(
            desk=intake.desk,
            at=intake.received_at,
            message_id=intake.message_id(sid),
            channel=intake.channel,
            provider=intake.provider,
            provider_message_id=sid,
            sender=sender,
            reply_to=ReplyAddress(channel=intake.channel, provider=intake.provider, address=address),
            text=text,
            language=language.detect(text, intake.policy.languages),
            case_reference=reference.find(intake.policy.reference_prefix, text),
            attachments=_media(form),
            verified=intake.proven,
        )
    ]


def _call(form: ImmutableMultiDict[str, str], intake: Intake, call: str) -> MessageReceived:
    sid = _id(call)
    text = clean(form.get("SpeechResult") or form.get("TranscriptionText") or "", MAX_TEXT)
    own_id = f"{sid}/{sha256(text.encode()).hexdigest()[:16]}" if text else sid
    sender, address = _sender(form, intake, sid)
    return MessageReceived(
        desk=intake.desk,
        at=intake.received_at,
        message_id=intake.message_id(own_id),
        channel=intake.channel,
        provider=intake.provider,
        provider_message_id=own_id,
        sender=sender,
        reply_to=ReplyAddress(channel=intake.channel, provider=intake.provider, address=address, thread=sid),
        text=text,
        language=language.detect(text, intake.policy.languages),
        live=True,
        contact=sid,
        case_reference=reference.find(intake.policy.reference_prefix, text),
        verified=intake.proven,
        sent_at=_time(form),
    )


def _ended(form: ImmutableMultiDict[str, str], intake: Intake, call: str, status: str) -> ContactEnded:
    sid = _id(call)
    sender, _ = _sender(form, intake, sid)
    duration = form.get("CallDuration", "")
    return ContactEnded(
        desk=intake.desk,
        at=intake.received_at,
        message_id=intake.message_id(f"{sid} ended"),
        channel=intake.channel,
        provider=intake.provider,
        contact=sid,
        sender=sender,
        reason=_ENDED[status],
        seconds=int(duration) if duration.isascii() and duration.isdigit() and len(duration) < 10 else None,  # noqa: PLR2004
    )


def _id(written: str) -> str:
    if not (written.isascii() and written.isalnum() and len(written) <= 64):  # noqa: PLR2004 - a SID has 34
        raise Rejected("malformed", "a SID is of letters and digits")
    return written


def _sender(form: ImmutableMultiDict[str, str], intake: Intake, sid: str) -> tuple[Sender, str]:
    """Who it is, and where an answer goes. Nobody is recognised by a withheld number."""
    written = line(form.get("From"), 300) or "unknown"
    name = line(form.get("CallerName") or form.get("ProfileName"))
    if written.lower() in _WITHHELD:
        return Sender(identifiers=(f"handle:twilio:{sid}",), name=name), sid
    network, colon, address = written.partition(":")
    if colon and network in _NETWORKS:
        known = identifiers.handle(network, address.removeprefix("+"))
        number = identifiers.tel(address) if network == "whatsapp" else None
    else:
        known = number = identifiers.tel(written, intake.policy.region)
        known = known or identifiers.handle("phone", written)  # a short code, or a name in place of a number
    if known is None:
        return Sender(identifiers=(f"handle:twilio:{sid}",), name=name), sid
    answer_to = number.removeprefix("tel:") if number == known else written
    return Sender(identifiers=(known, number) if number and number != known else (known,), name=name), answer_to


def _media(form: ImmutableMultiDict[str, str]) -> tuple[Attachment, ...]:
    written = form.get("NumMedia", "0")
    count = min(int(written), MAX_MEDIA) if written.isascii() and written.isdigit() and len(written) < 4 else 0  # noqa: PLR2004
    kinds = [line(form.get(f"MediaContentType{n}"), 100) or "application/octet-stream" for n in range(count)]
    return tuple(Attachment(name=f"media-{n}", media_type=kind, size=0) for n, kind in enumerate(kinds))


def _time(form: ImmutableMultiDict[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(form["Timestamp"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError, IndexError, OverflowError):
        return None


PROVIDER = Provider(channel="phone", name="twilio", proof=proof, parse=parse, answer=answer)
