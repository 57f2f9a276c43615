"""Mail by SMTP: 250 only when Kafka has it, 451 as long as it has not, so that the sender keeps it.

aiosmtpd speaks the protocol (RFC 5321, with SIZE, 8BITMIME, SMTPUTF8 and STARTTLS). Here is what it is told:
who the recipients are, what becomes of a mail, and the limits on what a stranger may take of us.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from runtime import metrics
from runtime.processor.failures import describe
from runtime.refusal import Refusal
from runtime.settings import Settings
from services.ingest.accepting import Accepting
from services.ingest.body import SMALL_BYTES, Room
from services.ingest.doors import Door, Doors
from services.ingest.normalise.identifiers import mail_address
from services.ingest.provider import REASONS, InboundEvent, Reason, Rejected, Request
from services.ingest.publishing import Publisher
from services.ingest.rates import Rates

log = structlog.get_logger(__name__)

NAME: Final = "smtp"
MAX_CONNECTIONS: Final = 100
MAX_CONNECTIONS_OF_ONE: Final = 20
"""From one IP address."""
MAX_RECIPIENTS: Final = 100
COMMAND_BYTES: Final = 512
"""Of a command line (RFC 5321, 4.5.3.1.4)."""
MAIL_PARAMETER_BYTES: Final = 36
"""Of SIZE and SMTPUTF8 in MAIL FROM (RFC 1870, RFC 6531)."""
LINE_BYTES: Final = 65_536
"""Of a line of the mail. RFC 5321 allows 1000, and real mail breaks that."""
COMMANDS: Final = {"*": 100, "RCPT": 1000, "NOOP": 20, "VRFY": 5, "HELP": 5, "AUTH": 3}
"""Of each kind in one connection."""
IDLE_SECONDS: Final = 60.0
"""Between two commands."""
DATA_SECONDS: Final = 300.0
"""For a whole mail; RFC 5321, 4.5.3.2 has senders wait longer than that."""
FINISH_SECONDS: Final = 10.0
"""For what is under way when the process is told to stop."""

CODES: Final[Mapping[Reason, str]] = {
    "unavailable": "451 4.3.0",
    "failed": "451 4.3.0",
    "too_large": "552 5.3.4",
    "malformed": "554 5.6.0",
}
"""What SMTP says to each refusal. Our own faults are 4xx, so that the sender keeps the mail and comes again."""


class SmtpServer:
    """Listens for mail, for all desks that take any. One for each process."""

    def __init__(self, doors: Doors, accepting: Accepting, publisher: Publisher, settings: Settings) -> None:
        """Raises Refusal for a certificate that cannot be used."""
        self.recipients = recipients(doors)
        self.accepting = accepting
        self.publisher = publisher
        self.limit = settings.max_body_bytes
        self.room = Room(4 * settings.max_body_bytes)
        self.of_sender = Rates(settings.smtp_sender_per_minute)
        self.of_peer = Rates(settings.smtp_peer_per_minute)
        self.tls = _tls(settings)
        self.name = settings.smtp_name or socket.gethostname()
        self.connections: Counter[str] = Counter()
        self.dialogues: set[Dialogue] = set()
        self._settings = settings
        for reason in REASONS:
            metrics.MESSAGES_REJECTED.labels(NAME, reason)

    def listen(self) -> socket.socket:
        """The bound socket. Raises Refusal when the port is taken."""
        address = (self._settings.host, self._settings.smtp_port or 0)
        try:
            return socket.create_server(address, backlog=256)
        except OSError as error:
            raise Refusal(
                f"cannot listen on {address[0]}:{address[1]}: {error.strerror}; set SWITCHBOARD_SMTP_PORT (0 takes "
                "any free one)"
            ) from error

    async def run(self, sock: socket.socket, stopping: asyncio.Event) -> None:
        """Take mail until told to stop; then finish the mails that are under way."""
        server = await asyncio.get_running_loop().create_server(lambda: Dialogue(self), sock=sock)
        log.info("listening for mail", port=sock.getsockname()[1], count=len(self.recipients))
        try:
            await stopping.wait()
        finally:
            server.close()
            busy = [asyncio.ensure_future(dialogue.quiet.wait()) for dialogue in self.dialogues]
            if busy:
                await asyncio.wait(busy, timeout=FINISH_SECONDS)
            for waiting in busy:
                waiting.cancel()
            for dialogue in list(self.dialogues):
                dialogue.say_goodbye()

    def enter(self, peer: str) -> bool:
        """Whether there is a place for one more connection from there."""
        if self.connections.total() >= MAX_CONNECTIONS or self.connections[peer] >= MAX_CONNECTIONS_OF_ONE:
            return False
        self.connections[peer] += 1
        return True

    def leave(self, peer: str) -> None:
        """A connection that was let in is gone."""
        self.connections[peer] -= 1
        if not self.connections[peer]:
            del self.connections[peer]


@dataclass
class Conversation:
    """aiosmtpd's handler: what it asks while a client speaks. The answers are SMTP's own lines."""

    server: SmtpServer
    desks: dict[str, Door] = field(default_factory=dict)
    """Of the mail that is being announced."""

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's
        self, smtp: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """What is offered: no authentication, because nobody has an account."""
        del envelope
        # aiosmtpd raises it with each EHLO of a connection.
        smtp.command_size_limits["MAIL"] = COMMAND_BYTES + MAIL_PARAMETER_BYTES
        session.host_name = hostname
        return [line for line in responses if not line.startswith("250-AUTH")]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Turned away for now as early as that: without Kafka, and who comes too often."""
        del smtp
        if self.server.publisher.ready() is not None:
            return _refuse("unavailable", "nothing can be taken now; send it again")
        now = time.monotonic()
        sender = mail_address(address)
        if not self.server.of_peer.take(_ip(session.peer), now) or (
            sender is not None and not self.server.of_sender.take(sender, now)
        ):
            return _refuse("unavailable", "too many messages; send it later", "451 4.7.1")
        self.desks.clear()
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 go on"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """A recipient is an address of a desk, with or without a tag (`support+anything@`)."""
        del smtp, session, options
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        door = self.server.recipients.get(_untagged(mail_address(address) or ""))
        if door is None:
            return _refuse("unknown_desk", "no desk has this address", "550 5.1.1")
        envelope.rcpt_tos.append(address)
        self.desks[door.desk] = door
        return "250 2.1.5 go on"

    async def handle_RSET(self, smtp: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Begin anew."""
        del smtp, session, envelope
        self.desks.clear()
        return "250 2.0.0 forgotten"

    async def handle_DATA(self, smtp: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """The whole mail: for each desk that it is for, its message onto Kafka, all of them or 4xx."""
        del smtp, session
        began = time.perf_counter()
        desks = dict(self.desks)
        self.desks.clear()
        try:
            answer = await self._take(desks, _whole(envelope))
        except Rejected as rejected:
            answer = _refuse(rejected.reason, rejected.detail)
        except Exception as error:  # noqa: BLE001 - a parser's bug must not lose the mail, nor go unseen
            answer = await self.handle_exception(error)
        metrics.INTAKE_SECONDS.labels(NAME).observe(time.perf_counter() - began)
        return answer

    async def _take(self, desks: Mapping[str, Door], mail: bytes) -> str:
        events: list[InboundEvent] = []
        for door in desks.values():
            request = Request("POST", f"/v1/desks/{door.desk}/email/{NAME}", {}, {}, mail)
            parse = self.server.accepting.parse
            events.extend(await parse(door.desk, door.policy, door.provider, request, proven=False))
        await self.server.accepting.publish(events)
        return f"250 2.0.0 taken as {' '.join(event.message_id for event in events[:5])}"

    async def handle_exception(self, error: Exception) -> str:
        """A fault of ours, or a line that broke the parser of addresses."""
        log.error("a mail dialogue failed", error=describe(error))
        return _refuse("failed", "the fault is ours; send it again")


class Dialogue(SMTP):
    """One connection."""

    line_length_limit = LINE_BYTES

    def __init__(self, server: SmtpServer) -> None:
        # aiosmtpd keeps these for all connections together.
        self.command_size_limits: dict[str, int] = defaultdict(lambda: COMMAND_BYTES)
        self.quiet = asyncio.Event()
        """No mail is under way."""
        self.quiet.set()
        self._server = server
        self._peer: str | None = None
        super().__init__(
            Conversation(server),
            data_size_limit=server.limit,
            enable_SMTPUTF8=True,
            hostname=server.name,
            ident="Switchboard",
            tls_context=server.tls,
            timeout=IDLE_SECONDS,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
            command_call_limit=COMMANDS,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: Any) -> None:
        """Let in, or sent away when there are too many. Comes a second time with STARTTLS."""
        if self._peer is None:
            peer = _ip(transport.get_extra_info("peername"))
            if not self._server.enter(peer):
                transport.write(b"421 4.7.0 too many connections; come again later\r\n")
                transport.close()
                return
            self._peer = peer
            self._server.dialogues.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Give the place free. Also called for who was not let in, and twice after STARTTLS."""
        if self._peer is None:
            return
        if self in self._server.dialogues:
            self._server.dialogues.discard(self)
            self._server.leave(self._peer)
        self.quiet.set()
        super().connection_lost(error)

    def eof_received(self) -> bool | None:
        """The client has no more to say."""
        return False if self._peer is None else super().eof_received()

    def say_goodbye(self) -> None:
        """The process ends."""
        if self.transport is not None:
            self._writer.write(b"421 4.3.2 closing; come again later\r\n")
            self.transport.close()

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's
        """Take a mail when there is room for as much as it said (SIZE, RFC 1870) or might be; what is then
        larger than it said is refused.
        """
        options = self.envelope.mail_options if self.envelope else []
        said = next((option[5:] for option in options if option.startswith("SIZE=")), "")
        size = int(said) + int(said) // 8 + SMALL_BYTES // 2 if said.isdigit() else self._server.limit
        self.quiet.clear()
        try:
            async with self._server.room.taken(min(size, self._server.limit)):
                self.data_size_limit = min(size, self._server.limit)
                self._reset_timeout(DATA_SECONDS)
                await super().smtp_DATA(arg)
        except Rejected as rejected:
            self._set_post_data_state()  # type: ignore[no-untyped-call] # aiosmtpd's
            await self.push(_refuse(rejected.reason, rejected.detail))
        finally:
            self.data_size_limit = self._server.limit
            if self.transport is not None:
                self._reset_timeout()
            self.quiet.set()


def recipients(doors: Doors) -> dict[str, Door]:
    """Which desk's each address is. Raises Refusal for a source without addresses."""
    found: dict[str, Door] = {}
    for door in doors.values():
        if (door.provider.channel, door.provider.name) != ("email", NAME):
            continue
        if not door.addresses:
            raise Refusal(f"desks.{door.desk}.intake email/smtp: needs addresses, e.g. [support@acme.example]")
        for written in door.addresses:
            address = mail_address(written)
            if address is None or _untagged(address) != address:
                raise Refusal(f"desks.{door.desk}.intake email/smtp: {written} is no mail address without a tag")
            if address in found:
                raise Refusal(f"desks.{door.desk}.intake email/smtp: {written} is the address of {found[address].desk}")
            found[address] = door
    return found


def _untagged(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _ip(peer: Any) -> str:
    return str(peer[0]) if isinstance(peer, tuple) and peer else "unknown"


def _whole(envelope: Envelope) -> bytes:
    """The mail with who sent it before it, as RFC 5321, 4.4 asks of whoever delivers it."""
    sender = (envelope.mail_from or "").strip("<>").encode("utf-8", "surrogateescape")
    content: Any = envelope.content
    return b"Return-Path: <" + sender + b">\r\n" + bytes(content)


def _refuse(reason: Reason, detail: str, code: str | None = None) -> str:
    metrics.MESSAGES_REJECTED.labels(NAME, reason).inc()
    code = code or CODES.get(reason, "451 4.3.0")
    log.info("mail refused", provider=NAME, reason=reason, status=int(code[:3]))
    return f"{code} {detail}"


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.smtp_certificate is None and settings.smtp_key is None:
        return None
    if settings.smtp_certificate is None or settings.smtp_key is None:
        raise Refusal("SWITCHBOARD_SMTP_CERTIFICATE and SWITCHBOARD_SMTP_KEY belong together: set both or none")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.smtp_certificate, settings.smtp_key)
    except (OSError, ssl.SSLError) as error:
        raise Refusal(
            f"SWITCHBOARD_SMTP_CERTIFICATE and SWITCHBOARD_SMTP_KEY cannot be used: {type(error).__name__}: {error}"
        ) from error
    return context
