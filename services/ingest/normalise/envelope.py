"""What a mail server was told beside the mail, and what holds for raw mails without a Message-ID."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from schemas.messages import MessageReceived
from services.ingest.normalise.mail import Mail
from services.ingest.normalise.received import received
from services.ingest.provider import Intake


def with_sender(mail: Mail, sender: str | None) -> Mail:
    """`mail` with the envelope's sender as its Return-Path, where it has none. An empty sender is that of
    bounces (RFC 5321, 4.5.5); None says nothing.
    """
    if sender is None or "return-path" in mail.headers:
        return mail
    return replace(mail, headers={**mail.headers, "return-path": f"<{sender.strip(' <>')}>"})


def raw(content: bytes, sender: str | None, intake: Intake) -> MessageReceived:
    """The message of a raw mail. One without a Message-ID is known by all of its bytes, the traces of the
    servers that it passed among them: two short mails of the same words stay two.
    """
    mail = with_sender(Mail.read(content), sender)
    own_id = None if mail.headers.get("message-id", "").strip() else f"<{sha256(content).hexdigest()}@no-message-id>"
    return received(mail, intake, own_id=own_id)
