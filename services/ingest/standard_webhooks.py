"""Standard Webhooks over raw bytes (https://www.standardwebhooks.com, "Verifying signatures").

What is signed: `<webhook-id>.<webhook-timestamp>.<body>`, HMAC-SHA256 with the bytes behind the `whsec_`
secret; `webhook-signature` is `v1,<base64>`, several of them with spaces between. The timestamp (seconds) may
be five minutes off. For a body in UTF-8 that is what `standardwebhooks.Webhook(secret).sign(id, time, body)`
gives; a body in another encoding (mail in eight bits) is signed byte by byte in the same way.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from math import floor

from standardwebhooks.webhooks import Webhook, WebhookVerificationError, hmac_data

from services.ingest.provider import Rejected, Request

HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


class RawWebhook(Webhook):
    """The library signs text; mail is bytes. Text with escaped bytes goes through it unharmed."""

    def sign(self, msg_id: str, timestamp: datetime, data: str) -> str:
        """`v1,<base64>` over the bytes that `data` was decoded from."""
        seconds = floor(timestamp.replace(tzinfo=UTC).timestamp())
        signed = f"{msg_id}.{seconds}.{data}".encode("utf-8", "surrogateescape")
        return f"v1,{base64.b64encode(hmac_data(self._whsecret, signed)).decode()}"


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless `secret` signed the request's id, time and body within five minutes."""
    missing = [name for name in HEADERS if not request.headers.get(name)]
    if missing:
        raise Rejected("unsigned", f"the header {missing[0]} is missing; sign as https://www.standardwebhooks.com says")
    try:
        RawWebhook(secret).verify(
            request.body.decode("utf-8", "surrogateescape"),
            {name: request.headers[name] for name in HEADERS},
            json_parse=False,
        )
    except WebhookVerificationError as error:
        if "timestamp" in str(error):
            raise Rejected("stale", "webhook-timestamp is more than five minutes off; sign anew") from error
        raise Rejected("forged", "no signature in webhook-signature fits this body and secret") from error


def check_secret(secret: str) -> None:
    """Raises ValueError for what is no Standard Webhooks secret."""
    try:
        Webhook(secret)
    except Exception as error:
        message = "a Standard Webhooks secret is 'whsec_' and base64"
        raise ValueError(message) from error
