"""What is signed here is what the providers' own verifiers take."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from twilio.request_validator import RequestValidator

from local.signing import SIGN, Request, another, new_webhook_secret

URL = "http://127.0.0.1:8080/v1/desks/acme/phone/twilio"


def request(body: bytes, url: str = URL) -> Request:
    return Request(url, body, "msg_1", datetime.now(UTC))


@pytest.mark.parametrize("provider", ["standard", "mime"])
def test_standard_webhooks_takes_our_signature(provider: str) -> None:
    """The library that receivers use verifies it."""
    secret = new_webhook_secret()
    body = "Здравствуйте".encode()
    Webhook(secret).verify(body, SIGN[provider](secret, request(body)), json_parse=False)


def test_mail_that_is_not_utf_8_is_signed_byte_by_byte() -> None:
    """The signature covers the bytes as they are, not a decoded text of them."""
    secret, body = "whsec_AAAA", "Привет".encode("windows-1251")
    headers = SIGN["mime"](secret, Request(URL, body, "msg_1", datetime(2026, 11, 22, 9, 30, tzinfo=UTC)))
    signed = b"msg_1.1795339800." + body
    expected = hmac.new(b"\x00\x00\x00", signed, hashlib.sha256).digest().hex()
    assert base64.b64decode(headers["webhook-signature"].removeprefix("v1,")).hex() == expected


def test_another_secret_is_refused() -> None:
    """A forged input is forged."""
    body = b"{}"
    headers = SIGN["standard"](another("standard"), request(body))
    with pytest.raises(WebhookVerificationError):
        Webhook(new_webhook_secret()).verify(body, headers, json_parse=False)


def test_twilio_takes_our_signature() -> None:
    """Twilio's own validator verifies URL and fields, empty ones too."""
    fields = {"MessageSid": "SM1", "Body": "Waar is my pakkie?", "From": "+27825550163", "ToCity": ""}
    headers = SIGN["twilio"]("token", request(urlencode(fields).encode()))
    assert RequestValidator("token").validate(URL, fields, headers["x-twilio-signature"])
    assert not RequestValidator("other").validate(URL, fields, headers["x-twilio-signature"])


def test_whatsapp_signature_is_that_of_the_raw_body() -> None:
    """As Meta documents it: sha256= and the hex HMAC with the app's secret."""
    headers = SIGN["whatsapp"]("secret", request(b'{"object":"whatsapp_business_account"}'))
    assert headers == {"x-hub-signature-256": "sha256=03f6dd944ecab4ddac0e3dbc3923b2da4e12b03df679ae23a52efd78ca6056e0"}
