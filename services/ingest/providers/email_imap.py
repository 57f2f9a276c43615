"""Mail that is fetched from a mailbox by IMAP: `services.ingest.imap` polls, and hands each mail over whole.

The secret is the mailbox's URL with its password. It proves that the mail lay in that mailbox, and nothing about
who wrote it.
"""

from __future__ import annotations

from services.ingest.mailbox import Address
from services.ingest.provider import Provider, Rejected, Request
from services.ingest.providers.email_mime import parse


def proof(_: Request, __: str) -> None:
    """A mailbox is read, not written to by requests."""
    raise Rejected("unsigned", "mail by IMAP is fetched by Switchboard itself")


def check_secret(secret: str) -> None:
    """Raises ValueError for what is no mailbox's URL."""
    Address.read(secret)


PROVIDER = Provider(
    channel="email", name="imap", proof=proof, parse=parse, check_secret=check_secret, heavy=True, webhook=False
)
