"""Meta's proof and handshake, the same for WhatsApp, Messenger and Instagram.

What is signed: the raw body (as it came: Meta escapes what is not ASCII), HMAC-SHA256 with the app secret, in
`X-Hub-Signature-256: sha256=<hex>`. It covers no time, so a request may come again; its ids are then the same.
Handshake: GET with `hub.mode=subscribe`, `hub.verify_token` (any of the source's secrets) and `hub.challenge`,
which is answered as it came. Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from services.ingest.provider import Answer, Rejected, Request

MAX_CHALLENGE: Final = 200


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless `secret` (the app secret) signed the body."""
    signature = request.headers.get("x-hub-signature-256")
    if not signature:
        raise Rejected("unsigned", "the header X-Hub-Signature-256 is missing")
    expected = "sha256=" + hmac.new(secret.encode(), request.body, sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise Rejected("forged", "X-Hub-Signature-256 does not fit this body and app secret")


def handshake(request: Request, secrets: Sequence[str]) -> Answer:
    """The challenge, for whoever knows one of the secrets."""
    token, challenge = request.query.get("hub.verify_token", ""), request.query.get("hub.challenge", "")
    if request.query.get("hub.mode") != "subscribe" or not token:
        raise Rejected("unsigned", "hub.mode=subscribe and hub.verify_token are needed")
    if not any(hmac.compare_digest(secret.encode(), token.encode()) for secret in secrets):
        raise Rejected("forged", "hub.verify_token is none of this source's secrets")
    if not (challenge.isascii() and challenge.isprintable() and len(challenge) <= MAX_CHALLENGE):
        raise Rejected("malformed", "hub.challenge is no short word")
    return Answer(challenge.encode())
