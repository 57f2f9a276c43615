"""Basic authentication (RFC 7617), for providers that sign nothing: the credentials in the webhook's address.

The secret is `user:password`, as it is written into the address at the provider
(`https://user:password@help.example.com/...`). It proves who called, not what was said, and the same request may
come again at any time: TLS is what keeps both from strangers, and a repeat has the same id.
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from binascii import Error

from services.ingest.provider import Rejected, Request


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless the request carries `secret` (`user:password`, in UTF-8)."""
    scheme, _, written = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "basic" or not written.strip():
        raise Rejected("unsigned", "the webhook's address needs a user and a password: https://user:password@...")
    try:
        given = b64decode(written.strip(), validate=True)
    except (Error, ValueError) as error:
        raise Rejected("forged", "the header Authorization cannot be read") from error
    if not hmac.compare_digest(given, secret.encode()):
        raise Rejected("forged", "user and password are not those of this source")


def check_secret(secret: str) -> None:
    """Raises ValueError for what are no credentials."""
    user, colon, password = secret.partition(":")
    if not (user and colon and password):
        message = "credentials are 'user:password'"
        raise ValueError(message)
