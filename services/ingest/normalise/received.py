"""A mail as the message that a customer sent: the same for every provider that brings mail."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parseaddr, parsedate_to_datetime
from hashlib import sha256
from typing import Final

from schemas.base import ReplyAddress
from schemas.messages import MessageReceived, Sender
from services.ingest.normalise import automatic, identifiers, language, reference
from services.ingest.normalise.mail import Mail, decoded
from services.ingest.normalise.text import MAX_SUBJECT, MAX_TEXT, clean, line
from services.ingest.provider import Intake, Rejected

MAX_REFERENCES: Final = 100
_MESSAGE_ID: Final = re.compile(r"<[^<>\s]{1,998}>")
_IN_ANGLES: Final = re.compile(r"<([^<>]{1,400})>")


def received(mail: Mail, intake: Intake, *, own_id: str | None = None, verified: bool = False) -> MessageReceived:
    """The message that `mail` is. `own_id` is the provider's id of it, the same at every repeat, where it has
    one; `verified` that the provider vouches for the domain in From. Raises Rejected(malformed) for a mail
    that nobody has written.
    """
    writers = [mail.headers.get(name, "") for name in ("from", "sender", "reply-to", "return-path")]
    address, name = next((found for header in writers if (found := author(header))), (None, None))
    if address is None:
        raise Rejected("malformed", "nobody has written this mail: it has no address in From, Sender or Return-Path")
    subject = line(mail.header("subject"), MAX_SUBJECT)
    full, new = mail.texts(name or address)
    text = clean(new, MAX_TEXT)
    references = _references(mail)
    own_header = _MESSAGE_ID.search(mail.headers.get("message-id", ""))
    message_id = own_header[0] if own_header else None
    # Mail programs have used one Message-ID for different mails: what was written tells them apart, and
    # stays the same when the mail comes a second time by another way.
    digest = sha256(f"{address}\n{subject}\n{full}".encode()).hexdigest()
    provider_id = message_id or own_id or f"<{digest}@no-message-id>"
    answer_to, _ = author(mail.headers.get("reply-to", "")) or (address, None)
    return MessageReceived(
        desk=intake.desk,
        at=intake.received_at,
        message_id=intake.message_id(own_id or f"{provider_id} {digest}"),
        channel=intake.channel,
        provider=intake.provider,
        provider_message_id=provider_id,
        sender=Sender(identifiers=(f"email:{address}",), name=name),
        reply_to=ReplyAddress(channel=intake.channel, provider=intake.provider, address=answer_to, thread=message_id),
        subject=subject,
        text=text,
        full_text=full if full != text else None,
        language=language.detect(text or subject or "", intake.policy.languages),
        references=references,
        case_reference=reference.find(
            intake.policy.reference_prefix, subject, mail.headers.get("to"), text, full, *references
        ),
        attachments=mail.attachments,
        automatic=automatic.recognise(mail.headers, subject),
        verified=verified and intake.proven,
        sent_at=_sent_at(mail.headers.get("date")),
    )


def author(header: str) -> tuple[str, str | None] | None:
    """Address and name of the first mailbox in a header that still has its encoded words: decoding them
    first would let a name pass for an address.
    """
    header = header[:4096]
    angles = _IN_ANGLES.search(header)
    address = identifiers.mail_address(angles[1] if angles else header)
    address = address or _local_only(angles[1] if angles else header) or _with_comments(header)
    if address is None:
        return None
    return address, line(decoded(header[: angles.start()]).strip(" \t\"'")) if angles else None


def _local_only(written: str) -> str | None:
    """`MAILER-DAEMON`: mail servers write in their own name without a domain."""
    word = written.strip().lower()
    return word if re.fullmatch(r"[a-z0-9._-]{1,64}", word) else None


def _with_comments(header: str) -> str | None:
    """`pete(his account)@silly.test`: allowed (RFC 5322, 3.2.2), rare, and parsed recursively."""
    try:
        address = parseaddr(header[:1000])[1]
        return identifiers.mail_address(address) or _local_only(address)
    except (RecursionError, IndexError):
        return None


def _references(mail: Mail) -> tuple[str, ...]:
    """What it answers first, then its forebears, the latest first."""
    answered = _MESSAGE_ID.findall(mail.headers.get("in-reply-to", ""))
    before = _MESSAGE_ID.findall(mail.headers.get("references", ""))
    return tuple(dict.fromkeys([*answered, *reversed(before)]))[:MAX_REFERENCES]


def _sent_at(date: str | None) -> datetime | None:
    try:
        sent = parsedate_to_datetime(date) if date else None
        return sent and (sent if sent.tzinfo else sent.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
