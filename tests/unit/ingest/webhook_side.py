"""Webhooks of mail and chat providers as they are sent: signed with the provider's own library where there is one,
else by the documented recipe, written here a second time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from standardwebhooks import Webhook as StandardWebhook
from svix.webhooks import Webhook as SvixWebhook

from runtime.policy_file import parse_policy
from schemas.base import Channel
from services.ingest.doors import Door
from services.ingest.provider import InboundEvent, Intake, Rejected, Request
from services.ingest.providers import registry
from tests.unit.ingest.provider_side import NOW, POLICY, chat, mail

Place = tuple[Channel, str]
Headers = dict[str, str]


def whsec(word: str) -> str:
    return "whsec_" + base64.b64encode(word.encode()).decode()


@cache
def keys(name: str) -> rsa.RSAPrivateKey:
    """The signing key of a Postal installation."""
    del name
    return rsa.generate_private_key(65537, 2048)


def public(name: str) -> str:
    """What `postal default-dkim-record` shows of it."""
    der = keys(name).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


@dataclass(frozen=True)
class Side:
    """One provider: its secrets, and how it signs a body with one of them."""

    secrets: tuple[str, str, str]
    """The first, the second, and somebody else's."""
    sign: Callable[[bytes, str, datetime], Headers]
    example: bytes
    """A good body."""
    covers_body: bool = True
    timed: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    """What it sends beside the proof."""


def basic(_: bytes, secret: str, __: datetime) -> Headers:
    return {"authorization": "Basic " + base64.b64encode(secret.encode()).decode()}


def mailersend(body: bytes, secret: str, _: datetime) -> Headers:
    return {"signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def sparkpost(_: bytes, secret: str, __: datetime) -> Headers:
    return {"x-messagesystems-webhook-token": secret}


def postal(body: bytes, secret: str, _: datetime) -> Headers:
    key = next(keys(name) for name in ("first", "second", "other") if public(name) == secret)
    return {
        "x-postal-signature-256": base64.b64encode(key.sign(body, padding.PKCS1v15(), SHA256())).decode(),
        "x-postal-signature": base64.b64encode(key.sign(body, padding.PKCS1v15(), SHA1())).decode(),
    }


def resend(body: bytes, secret: str, at: datetime) -> Headers:
    signature = SvixWebhook(secret).sign("msg_1", at, body.decode())
    return {"svix-id": "msg_1", "svix-timestamp": str(int(at.timestamp())), "svix-signature": signature}


def intercom(body: bytes, secret: str, _: datetime) -> Headers:
    return {"x-hub-signature": "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()}


def zendesk(body: bytes, secret: str, at: datetime) -> Headers:
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256).digest()
    return {
        "x-zendesk-webhook-signature": base64.b64encode(digest).decode(),
        "x-zendesk-webhook-signature-timestamp": stamp,
    }


def sunshine(_: bytes, secret: str, __: datetime) -> Headers:
    return {"x-api-key": secret}


def standard(body: bytes, secret: str, at: datetime, own_id: str = "e-1") -> Headers:
    signature = StandardWebhook(secret).sign(own_id, at, body.decode())
    return {"webhook-id": own_id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def event(data: Mapping[str, object] | None = None, **attributes: object) -> CloudEvent:
    """A CloudEvent of a message."""
    data = json.loads(chat(message_id=None)) if data is None else dict(data)
    given = {"id": "e-1", "source": "/widget", "type": "com.example.chat", "datacontenttype": "application/json"}
    return CloudEvent(given | attributes, data)


BINARY = to_binary_event(event())
STRUCTURED = to_structured_event(event())


def dumped(**fields: object) -> bytes:
    return json.dumps(fields).encode()


SIDES: dict[Place, Side] = {
    ("email", "brevo"): Side(
        ("brevo:first", "brevo:second", "brevo:other"),
        basic,
        dumped(items=[{"From": {"Name": "Jan Botha", "Address": "jan@example.com"}, "RawTextBody": "My printer."}]),
        covers_body=False,
    ),
    ("email", "mailersend"): Side(
        ("first", "second", "other"),
        mailersend,
        dumped(type="inbound.message", data={"id": "64", "raw": mail().decode()}),
    ),
    ("email", "sparkpost"): Side(
        ("first:é", "second:x", "other:x"),
        lambda body, secret, at: basic(body, secret, at) if "é" in secret else sparkpost(body, secret, at),
        json.dumps([{"msys": {"relay_message": {"content": {"email_rfc822": mail().decode()}}}}]).encode(),
        covers_body=False,
    ),
    ("email", "postal"): Side(
        (public("first"), public("second"), public("other")),
        postal,
        dumped(id=1, rcpt_to="a@b.example", message=base64.b64encode(mail()).decode(), base64=True),
    ),
    ("email", "resend"): Side(
        (whsec("first"), whsec("second"), whsec("other")),
        resend,
        dumped(type="email.received", data={"email_id": "56761188", "from": "jan@example.com", "subject": "Printer"}),
        timed=True,
    ),
    ("chat", "intercom"): Side(
        ("first", "second", "other"), intercom, dumped(type="notification_event", topic="ping", data={})
    ),
    ("chat", "zendesk"): Side(
        ("first", "second", "other"), zendesk, dumped(type="zen:event-type:ticket.created"), timed=True
    ),
    ("chat", "sunshine"): Side(
        ("first", "second", "other"),
        sunshine,
        dumped(app={"id": "a"}, webhook={"id": "w"}, events=[]),
        covers_body=False,
    ),
    **{
        (channel, "cloudevents"): Side(
            (whsec("first"), whsec("second"), whsec("other")),
            standard,
            BINARY.body,
            timed=True,
            headers=BINARY.headers,
        )
        for channel in ("email", "chat", "phone", "social")
    },
}

DESK = parse_policy(POLICY, "policy.yaml").desks["acme"]


def intake(place: Place, *, proven: bool = True) -> Intake:
    return Intake("acme", DESK, *place, NOW, proven=proven)


def request(place: Place, body: bytes, headers: Mapping[str, str] | None = None) -> Request:
    return Request("POST", f"https://help.acme.example/v1/desks/acme/{'/'.join(place)}", dict(headers or {}), {}, body)


def parse(
    place: Place, body: bytes | Mapping[str, object] | Sequence[object], headers: Mapping[str, str] | None = None
) -> Sequence[InboundEvent]:
    """What comes of a body that was proved."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return registry()[place].parse(request(place, raw, headers), intake(place))


def refusal(
    place: Place, body: bytes | Mapping[str, object] | Sequence[object], headers: Mapping[str, str] | None = None
) -> str:
    """Why a body is malformed."""
    with pytest.raises(Rejected) as rejected:
        parse(place, body, headers)
    assert rejected.value.reason == "malformed"
    return rejected.value.detail


def door(place: Place) -> Door:
    return Door("acme", DESK, registry()[place], SIDES[place].secrets[:2])


def signed(
    place: Place, body: bytes | None = None, secret: str | None = None, minutes: int = 0, **headers: str
) -> Request:
    """A request as the provider sends it."""
    side = SIDES[place]
    body = side.example if body is None else body
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    return request(place, body, {**side.headers, **side.sign(body, secret or side.secrets[0], at), **headers})


def proved(place: Place, sent: Request) -> str:
    """`proven`, or why not."""
    try:
        return "proven" if door(place).prove(sent) else "open"
    except Rejected as rejected:
        return rejected.reason
