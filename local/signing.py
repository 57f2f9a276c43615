"""The proof that each provider sends along, made as the provider makes it.

Sources: https://www.standardwebhooks.com (mail and chat), https://www.twilio.com/docs/usage/security,
https://developers.facebook.com/docs/graph-api/webhooks/getting-started (X-Hub-Signature-256).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator


@dataclass(frozen=True)
class Request:
    """What is to be signed: `url` as the provider knows it, `at` the provider's time."""

    url: str
    body: bytes
    id: str
    at: datetime


def standard(secret: str, request: Request) -> dict[str, str]:
    """Standard Webhooks. Signed here over the bytes, because the library signs text only and mail is
    not always UTF-8.
    """
    stamp = str(int(request.at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_") + "==")
    signed = b".".join((request.id.encode(), stamp.encode(), request.body))
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": request.id, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}


def twilio(secret: str, request: Request) -> dict[str, str]:
    """Twilio: the URL and the sorted form fields."""
    fields = dict(parse_qsl(request.body.decode("utf-8", "surrogateescape"), keep_blank_values=True))
    return {"x-twilio-signature": RequestValidator(secret).compute_signature(request.url, fields)}


def whatsapp(secret: str, request: Request) -> dict[str, str]:
    """Meta: the raw body."""
    return {"x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()}


SIGN: Final[dict[str, Callable[[str, Request], dict[str, str]]]] = {
    "mime": standard,
    "standard": standard,
    "twilio": twilio,
    "whatsapp": whatsapp,
}
"""By provider, as it stands in ingest's path."""


def new_webhook_secret() -> str:
    """A fresh Standard Webhooks secret."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def another(provider: str) -> str:
    """A fresh secret in the provider's form: a run's own, or what a forger would have."""
    return new_webhook_secret() if SIGN.get(provider) is standard else secrets.token_hex(16)
