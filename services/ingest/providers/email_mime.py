"""Mail as raw MIME over HTTP, as a mail server's pipe or a provider's "raw" route brings it.

The body is the mail itself (RFC 5322, any charset, any line ends). Proof: Standard Webhooks over the body
(`services.ingest.standard_webhooks`: what is signed is `<webhook-id>.<webhook-timestamp>.` and the mail's
bytes). The signature speaks for the server that brought the mail, not for who stands in its From, so the
sender is never `verified`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parseaddr, parsedate_to_datetime
from hashlib import sha256
from typing import Final

from schemas.base import ReplyAddress
from schemas.messages import MessageReceived, Sender
from services.ingest import standard_webhooks
from services.ingest.normalise import automatic, identifiers, language, reference, reply
from services.ingest.normalise.mail import Mail, decoded
from services.ingest.normalise.text import MAX_SUBJECT, MAX_TEXT, clean, line
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request

MAX_REFERENCES: Final = 100
_MESSAGE_ID: Final = re.compile(r"<[^<>\s]{1,998}>")
_IN_ANGLES: Final = re.compile(r"<([^<>]{1,400})>")


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """One message: nothing that is a mail is dropped, whoever or whatever wrote it."""
    mail = Mail.read(request.body)
    writers = [mail.headers.get(name, "") for name in ("from", "sender", "reply-to", "return-path")]
    author, name = next((found for header in writers if (found := _author(header))), (None, None))
    if author is None:
        raise Rejected("malformed", "nobody has written this mail: it has no address in From, Sender or Return-Path")
    subject = line(mail.header("subject"), MAX_SUBJECT)
    full = mail.text()
    text = clean(reply.latest(full), MAX_TEXT)
    references = _references(mail)
    own_id = _MESSAGE_ID.search(mail.headers.get("message-id", ""))
    # Mail programs have used one Message-ID for different mails: what was written tells them apart, and
    # stays the same when the mail comes a second time by another way.
    digest = sha256(f"{author}\n{subject}\n{full}".encode()).hexdigest()
    provider_id = own_id[0] if own_id else f"<{digest}@no-message-id>"
    answer_to, _ = _author(mail.headers.get("reply-to", "")) or (author, None)
    return [
        MessageReceived(
            desk=intake.desk,
            at=intake.received_at,
            message_id=intake.message_id(f"{provider_id} {digest}"),
            channel=intake.channel,
            provider=intake.provider,
            provider_message_id=provider_id,
            sender=Sender(identifiers=(f"email:{author}",), name=name),
            reply_to=ReplyAddress(
                channel=intake.channel,
                provider=intake.provider,
                address=answer_to,
                thread=own_id[0] if own_id else None,
            ),
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
            sent_at=_sent_at(mail.headers.get("date")),
        )
    ]


def _author(header: str) -> tuple[str, str | None] | None:
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


PROVIDER = Provider(
    channel="email",
    name="mime",
    proof=standard_webhooks.proof,
    check_secret=standard_webhooks.check_secret,
    parse=parse,
    heavy=True,
)
