"""Mail by SMTP: `services.ingest.smtp` listens, and hands the mail over whole, with a Return-Path before it.

Nothing proves it: whoever reaches the port can write in anybody's name. What DKIM or ARC say is advice.
"""

from __future__ import annotations

from services.ingest.provider import Provider, Rejected, Request
from services.ingest.providers.email_mime import parse


def proof(_: Request, __: str) -> None:
    """No secret could prove a mail that comes by SMTP."""
    raise Rejected("unsigned", "mail by SMTP is never signed for Switchboard")


def check_secret(_: str) -> None:
    """Raises ValueError: a secret would look like a protection that is not there."""
    message = "mail by SMTP has no secret; write `open: anyone can forge messages here` in its place"
    raise ValueError(message)


PROVIDER = Provider(
    channel="email", name="smtp", proof=proof, parse=parse, check_secret=check_secret, heavy=True, webhook=False
)
