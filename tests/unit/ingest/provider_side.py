"""What providers send, signed with their own libraries where they have one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

from standardwebhooks import Webhook
from twilio.request_validator import RequestValidator

from runtime.policy_file import parse_policy
from schemas.policy import DeskPolicy, Policy
from services.ingest.provider import InboundEvent, Intake, Request
from services.ingest.providers import registry

URL = "https://help.acme.example/v1/desks/acme"
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
SECRETS = {
    "mime": "whsec_" + base64.b64encode(b"the mail server's secret").decode(),
    "standard": "whsec_" + base64.b64encode(b"the chat widget's secret").decode(),
    "twilio": "an auth token of twilio",
    "whatsapp": "an app secret of meta",
}
OTHER = "whsec_" + base64.b64encode(b"somebody else's secret").decode()

POLICY = """
version: test
desks:
  acme:
    name: Acme
    reference_prefix: AC
    region: ZA
    languages: [en, ru, af]
    intake:
      - {channel: email, provider: mime, secrets: ["env:TEST_MIME", "env:TEST_SECOND"]}
      - {channel: chat, provider: standard, secrets: ["env:TEST_STANDARD", "env:TEST_SECOND"]}
      - {channel: phone, provider: twilio, secrets: ["env:TEST_TWILIO", "env:TEST_SECOND"]}
      - {channel: social, provider: whatsapp, secrets: ["env:TEST_WHATSAPP", "env:TEST_SECOND"]}
    urgency: [{name: any, level: normal}]
    impact: [{name: any, level: normal}]
    matrix:
      critical: {critical: P1, high: P1, normal: P2, low: P3}
      high: {critical: P1, high: P2, normal: P3, low: P4}
      normal: {critical: P2, high: P3, normal: P3, low: P4}
      low: {critical: P3, high: P4, normal: P4, low: P5}
    sla:
      targets:
        P1: {first_response: 5m, resolution: 4h}
        P2: {first_response: 15m, resolution: 8h}
        P3: {first_response: 1h, resolution: 2d}
        P4: {first_response: 4h, resolution: 4d}
        P5: {first_response: 8h, resolution: 7d}
"""
SECOND = "whsec_" + base64.b64encode(b"the secret that comes after").decode()
ENVIRONMENT = {f"TEST_{name.upper()}": secret for name, secret in SECRETS.items()} | {"TEST_SECOND": SECOND}
CHANNEL = {name: channel for channel, name in registry()}


def policy() -> Policy:
    return parse_policy(POLICY, "policy.yaml")


def desk() -> DeskPolicy:
    return policy().desks["acme"]


def intake(provider: str) -> Intake:
    return Intake("acme", desk(), CHANNEL[provider], provider, NOW, proven=True)


def parse(provider: str, body: bytes) -> Sequence[InboundEvent]:
    """What comes of a body that was proved."""
    request = Request("POST", f"{URL}/{CHANNEL[provider]}/{provider}", {}, {}, body)
    return registry()[CHANNEL[provider], provider].parse(request, intake(provider))


@dataclass(frozen=True)
class Sent:
    """A provider's request."""

    provider: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/v1/desks/acme/{CHANNEL[self.provider]}/{self.provider}"


def signed(
    provider: str, body: bytes, secret: str | None = None, at: datetime | None = None, url: str | None = None
) -> Sent:
    """The request as the provider would send it."""
    secret = SECRETS[provider] if secret is None else secret
    url = f"{URL}/{CHANNEL[provider]}/{provider}" if url is None else url
    if provider in {"mime", "standard"}:
        at = at or datetime.now(UTC)
        try:
            signature = Webhook(secret).sign("msg_1", at, body.decode())
        except UnicodeDecodeError:  # the library signs text only; the standard signs bytes
            content = f"msg_1.{int(at.timestamp())}.".encode() + body
            key = base64.b64decode(secret.removeprefix("whsec_"))
            signature = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }
    elif provider == "twilio":
        fields = dict(pair.split("=", 1) for pair in body.decode().split("&") if "=" in pair)
        from urllib.parse import unquote_plus  # noqa: PLC0415

        params = {unquote_plus(name): unquote_plus(value) for name, value in fields.items()}
        headers = {
            "x-twilio-signature": RequestValidator(secret).compute_signature(url, params),
            "content-type": "application/x-www-form-urlencoded",
        }
    else:
        headers = {"x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
    return Sent(provider, body, headers)


def mail(text: str = "My printer does not work.", **headers: str) -> bytes:
    """A mail; header names with _ for -."""
    given = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    fields = {
        "from": "Jan Botha <Jan@Example.com>",
        "to": "support@acme.example",
        "subject": "Printer",
        "message-id": "<m1@example.com>",
        "date": "Sun, 22 Nov 2026 11:29:00 +0200",
        "content-type": "text/plain; charset=utf-8",
        "content-transfer-encoding": "8bit",
    } | given
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None).encode() + (
        b"\r\n" + text.encode()
    )


def chat(**changes: object) -> bytes:
    payload = {
        "type": "message",
        "conversation": "c-17",
        "message_id": "m-1",
        "sent_at": "2026-11-22T09:29:30Z",
        "text": "Hello, my printer does not work.",
        "customer": {"id": "u-9", "email": "Jan@Example.com", "phone": "082 123 4567", "name": "Jan Botha"},
    }
    return json.dumps({k: v for k, v in {**payload, **changes}.items() if v is not None}, ensure_ascii=False).encode()


def form(**fields: str) -> bytes:
    return urlencode(fields).encode()


SID = "CA" + "0" * 31 + "1"
SMS = "SM" + "0" * 31 + "2"


def call(status: str = "ringing", **changes: str) -> bytes:
    given = {"CallSid": SID, "CallStatus": status, "From": "+27821234567", "To": "+27110000000", "Direction": "inbound"}
    return form(**(given | changes))


def sms(text: str = "My printer is broken", **changes: str) -> bytes:
    given = {"MessageSid": SMS, "SmsStatus": "received", "From": "+27821234567", "To": "+27110000000", "Body": text}
    return form(**(given | {"NumMedia": "0"} | changes))


def whatsapp(*messages: Mapping[str, object], **change: object) -> bytes:
    """A batch of one entry with one change."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "27110000000", "phone_number_id": "1"},
        "contacts": [{"profile": {"name": "Jan Botha"}, "wa_id": "27821234567"}],
        "messages": list(messages),
    }
    body = {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "messages", "value": value} | change]}],
    }
    return json.dumps(body).encode()


def wa(kind: str = "text", number: int = 1, **content: object) -> dict[str, object]:
    """One WhatsApp message."""
    given = content or {"text": {"body": "My printer is broken"}}
    return {"from": "27821234567", "id": f"wamid.{number}", "timestamp": "1795339770", "type": kind} | given


EXAMPLES = {"mime": mail(), "standard": chat(), "twilio": sms(), "whatsapp": whatsapp(wa())}
"""One good request of each provider."""
