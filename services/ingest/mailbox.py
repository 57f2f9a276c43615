"""A mailbox on an IMAP server (RFC 3501), as far as taking mail from it goes. Blocking: for a thread.

What was taken is moved to another folder (RFC 6851), so the mailbox itself knows what is left to do
(docs/decisions/0008-the-place-in-a-mailbox.md). UIDs are asked for and used within one selection of the folder, in
which UIDVALIDITY cannot change, and never kept.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Self
from urllib.parse import parse_qs, unquote, urlsplit

TIMEOUT_SECONDS: Final = 30.0
"""For each answer of the server."""
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Unreachable(Exception):
    """The server does not answer, or not as it should. To do: connect anew, later."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a mailbox is, and how to get in."""

    host: str
    port: int
    encrypted: bool
    """TLS from the first byte on (`imaps`)."""
    starttls: bool
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    taken: str = "SwitchboardTaken"
    """Folder for mail that is on Kafka."""
    refused: str = "SwitchboardRefused"
    """Folder for mail that cannot be read, or is too large: a person has to look at it."""
    since: date | None = None
    """Mail that came before this day stays where it is."""

    @classmethod
    def read(cls, url: str) -> Self:
        """`imaps://user:password@host:993/INBOX?since=2026-11-22`, or `imap://...?starttls=true`. Raises
        ValueError with the expected form, without showing the URL.
        """
        expected = (
            "a mailbox is written imaps://user:password@host:993/INBOX, or imap://...:143/INBOX?starttls=true, "
            "with %40 for an @ in the user; ?since=2026-11-22 leaves older mail alone, ?taken=Done&refused=Odd names folders"
        )
        try:
            parts = urlsplit(url)
            options = parse_qs(parts.query, strict_parsing=bool(parts.query))
            since = date.fromisoformat(options["since"][0]) if "since" in options else None
            port = parts.port
        except ValueError:
            raise ValueError(expected) from None
        starttls = options.get("starttls", ["false"])
        known = parts.scheme in {"imap", "imaps"} and options.keys() <= {"starttls", "since", "taken", "refused"}
        if not (known and parts.hostname and parts.username and parts.password) or starttls not in (
            ["true"],
            ["false"],
        ):
            raise ValueError(expected)
        encrypted = parts.scheme == "imaps"
        return cls(
            parts.hostname,
            port or (993 if encrypted else 143),
            encrypted,
            starttls == ["true"],
            unquote(parts.username),
            unquote(parts.password),
            unquote(parts.path.lstrip("/")) or "INBOX",
            options.get("taken", ["SwitchboardTaken"])[0],
            options.get("refused", ["SwitchboardRefused"])[0],
            since,
        )


class Mailbox:
    """One connection with its folder. All methods raise Unreachable."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        """Any of the addresses may be the right one: of two, one has the password that comes next."""
        self._addresses = addresses
        self._client: imaplib.IMAP4 | None = None
        self._at = addresses[0]

    def waiting(self) -> list[bytes]:
        """UIDs of the mails that are still to be taken, the oldest first; good until the next call."""
        with _reaching():
            if self._client is None:
                self._client = self._connected()
            _ok(self._client.select(_quoted(self._at.folder)))
            wanted = ["UNDELETED"]
            if (since := self._at.since) is not None:
                wanted += ["SINCE", f"{since.day}-{MONTHS[since.month - 1]}-{since.year}"]
            found = _ok(self._client.uid("SEARCH", *wanted))
            return sorted(b" ".join(part for part in found if part).split(), key=int)

    def fetch(self, uid: bytes, limit: int) -> bytes | None:
        """The mail, without making it read; None when it is not there any more. Raises ValueError when it is
        larger than `limit` bytes.
        """
        with _reaching():
            client = self._selected()
            about = b" ".join(_texts(_ok(client.uid("FETCH", uid.decode(), "(RFC822.SIZE)"))))
            size = re.search(rb"RFC822\.SIZE (\d+)", about)
            if size is None:
                return None
            if int(size[1]) <= limit:
                for part in _ok(client.uid("FETCH", uid.decode(), "(BODY.PEEK[])")):
                    if isinstance(part, tuple):
                        return bytes(part[1])
                return None
        message = f"the mail is larger than {limit} bytes"
        raise ValueError(message)

    def put_away(self, uid: bytes, *, refused: bool = False) -> None:
        """Move a mail to where it tells what became of it."""
        with _reaching():
            _ok(self._selected().uid("MOVE", uid.decode(), _quoted(self._at.refused if refused else self._at.taken)))

    def close(self) -> None:
        """Give up the connection, whatever its state. Raises nothing."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                client.logout()

    def _selected(self) -> imaplib.IMAP4:
        if self._client is None:
            raise Unreachable("the connection is closed")
        return self._client

    def _connected(self) -> imaplib.IMAP4:
        refusal = "no address"
        for address in self._addresses:
            client = _open(address)
            try:
                _ok(client.login(address.user, address.password))
            except (imaplib.IMAP4.error, OSError) as error:
                with contextlib.suppress(imaplib.IMAP4.error, OSError):
                    client.shutdown()
                if not isinstance(error, imaplib.IMAP4.error) or isinstance(error, imaplib.IMAP4.abort):
                    raise
                # What the server says may repeat the name of the user.
                refusal = "the server does not let us in; look at user and password"
            else:
                self._at = address
                _prepare(client, address)
                return client
        raise Unreachable(refusal)


def _open(address: Address) -> imaplib.IMAP4:
    if address.encrypted:
        return imaplib.IMAP4_SSL(
            address.host, address.port, ssl_context=ssl.create_default_context(), timeout=TIMEOUT_SECONDS
        )
    client = imaplib.IMAP4(address.host, address.port, timeout=TIMEOUT_SECONDS)
    if address.starttls:
        _ok(client.starttls(ssl.create_default_context()))
    return client


def _prepare(client: imaplib.IMAP4, address: Address) -> None:
    """See to it that what was taken can be put away. Raises Unreachable when it cannot."""
    told = _ok(client.capability())
    if b"MOVE" not in b" ".join(told).upper().split():
        client.shutdown()
        raise Unreachable("the server cannot MOVE (RFC 6851), so what was taken could not be told from what was not")
    for folder in (address.taken, address.refused):
        if not any(_ok(client.list('""', _quoted(folder)))):
            _ok(client.create(_quoted(folder)))


@contextlib.contextmanager
def _reaching() -> Any:
    try:
        yield
    except (imaplib.IMAP4.error, OSError) as error:
        raise Unreachable(type(error).__name__) from error


def _ok(answer: tuple[str, Any]) -> list[Any]:
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error(status)
    return list(data)


def _texts(data: Sequence[Any]) -> list[bytes]:
    return [bytes(part[0] if isinstance(part, tuple) else part) for part in data if part]


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
