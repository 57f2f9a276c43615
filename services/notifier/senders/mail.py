"""One mail: written, and handed over by SMTP.

Sources: RFC 5321 (SMTP), RFC 5322 (Message-ID, In-Reply-To, References), RFC 3834 (Auto-Submitted),
[MS-OXCMAIL] 2.2.3.2.14 (X-Auto-Response-Suppress).
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Awaitable, Callable
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Final

import aiosmtplib

from schemas.updates import UpdateRequested
from services.notifier.senders.attempts import InDoubt, NotNow, Refused
from services.notifier.senders.servers import MailServer

TIMEOUT_SECONDS: Final = 30.0
"""For one command of the dialogue."""

_MESSAGE_ID: Final = re.compile(r"<[^<>@\s\x00-\x20\x7f]{1,400}@[^<>@\s\x00-\x20\x7f]{1,255}>")
_NOT_NOW: Final = range(400, 500)


def write(update: UpdateRequested, sender: Address) -> EmailMessage:
    """The mail of an update. Raises Refused when its address cannot stand in a mail."""
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = sender
        mail["To"] = Address(addr_spec=update.reply_to.address)
        mail["Subject"] = update.subject or f"[{update.reference}]"
    except (ValueError, IndexError, MessageError) as error:
        raise Refused(f"no mail can be addressed to this: {type(error).__name__}") from error
    mail["Date"] = format_datetime(update.at)
    mail["Message-ID"] = f"<{update.update_id}@{sender.domain}>"
    if update.reply_to.thread and _MESSAGE_ID.fullmatch(update.reply_to.thread):
        mail["In-Reply-To"] = update.reply_to.thread
        mail["References"] = update.reply_to.thread
    if update.update_kind != "reply":
        # A machine wrote this: other machines are asked not to answer it.
        mail["Auto-Submitted"] = "auto-replied"
        mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(update.text, charset="utf-8")
    mail["Content-Language"] = update.language
    return mail


async def send(
    server: MailServer, mail: EmailMessage, begin: Callable[[], Awaitable[None]], undo: Callable[[], Awaitable[None]]
) -> str:
    """One try to hand `mail` over; its Message-ID.

    `begin` is awaited at the last moment before the mail's content leaves; from then on a failure is in
    doubt, unless the server says that it may be tried again: then `undo` is awaited. Raises NotNow, Refused,
    InDoubt, and what `begin` raises.
    """
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        local_hostname=socket.gethostname(),  # aiosmtplib would ask the DNS for every mail
        use_tls=server.tls,
        start_tls=server.starttls,
        username=server.username,
        password=server.password,
        timeout=TIMEOUT_SECONDS,
    )
    try:
        try:
            # A failed login is here too: it is our own fault, which an operator can mend meanwhile.
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotNow(f"no connection to the mail server: {_said(error)}") from error
        content = await _envelope(client, mail)
        await begin()
        if not client.is_connected:
            await undo()
            raise NotNow("the mail server closed the connection before the mail")
        try:
            await client.data(content)
        except aiosmtplib.SMTPDataError as error:
            answer = _answer(error)
            if isinstance(answer, NotNow):
                await undo()
            raise answer from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise InDoubt(f"the connection broke while the mail was handed over: {_said(error)}") from error
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):  # the mail is theirs; this is only polite
            await client.quit()
    finally:
        client.close()
    return str(mail["Message-ID"])


async def _envelope(client: aiosmtplib.SMTP, mail: EmailMessage) -> bytes:
    """From and to whom; the content that is to follow."""
    sender, to = mail["From"].addresses[0].addr_spec, mail["To"].addresses[0].addr_spec
    ascii_only = to.isascii()
    if not ascii_only and not client.supports_extension("smtputf8"):
        raise Refused("the mail server cannot send to an address that is not ASCII")
    encoding = "ascii" if ascii_only else "utf-8"
    try:
        await client.mail(sender, options=() if ascii_only else ("SMTPUTF8",), encoding=encoding)
        await client.rcpt(to, encoding=encoding)
    except aiosmtplib.SMTPResponseException as error:
        raise _answer(error) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise NotNow(f"the mail server went away: {_said(error)}") from error
    return mail.as_bytes(policy=SMTP if ascii_only else SMTPUTF8)


def _answer(error: aiosmtplib.SMTPResponseException) -> NotNow | Refused:
    """4xx: not now; anything else that is not good: never."""
    return NotNow(_said(error), answered=True) if error.code in _NOT_NOW else Refused(_said(error))


def _said(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return f"{type(error).__name__}: {error}"
