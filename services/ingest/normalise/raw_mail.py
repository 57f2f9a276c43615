"""A mail that a provider brings whole, with the envelope that its server was given."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from schemas.messages import MessageReceived
from services.ingest.normalise.mail import Mail
from services.ingest.normalise.parsed_mail import delivered
from services.ingest.normalise.received import received
from services.ingest.provider import Intake


def taken(content: bytes, intake: Intake, sender: str | None, recipients: Iterable[str] = ()) -> MessageReceived:
    """The message of a raw mail. One without a Message-ID is known by all of its bytes, the traces of the
    servers that it passed among them: two short mails of the same words stay two. Raises Rejected.
    """
    mail = delivered(Mail.read(content), sender, recipients)
    own_id = None if mail.headers.get("message-id", "").strip() else f"<{sha256(content).hexdigest()}@no-message-id>"
    return received(mail, intake, own_id=own_id)
