"""What stands outside: a mail server and a webhook receiver, both real, both able to misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@dataclass
class Mailbox:
    """A mail server. `rcpt` and `data` may answer with a reply of their own; None takes the mail."""

    rcpt: Callable[[str], str | None] = lambda _: None
    data: Callable[[EmailMessage, SMTP], str | None] = lambda _mail, _server: None
    slow: float = 0.0
    mails: list[EmailMessage] = field(default_factory=list)
    """In the order in which they were taken."""
    envelopes: list[tuple[str | None, list[str]]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    connections: set[SMTP] = field(default_factory=set)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (answer := self.rcpt(address)) is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.slow)
        mail: Any = message_from_bytes(envelope.content or b"", policy=default)
        if (answer := self.data(mail, server)) is not None:
            return answer
        self.mails.append(mail)
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        self.came.set()
        return "250 OK queued as 4711"

    def repeats(self) -> dict[str, int]:
        """Mails that came more than once, by Message-ID."""
        return {i: n for i, n in Counter(str(mail["Message-ID"]) for mail in self.mails).items() if n > 1}

    def ids(self) -> set[str]:
        """The ids of the updates that came."""
        return {str(mail["Message-ID"]).strip("<>").partition("@")[0] for mail in self.mails}

    @contextlib.asynccontextmanager
    async def open(self, port: int = 0) -> AsyncIterator[Mailbox]:
        def connected() -> SMTP:
            made = SMTP(self, hostname="mail.test", enable_SMTPUTF8=True)
            self.connections.add(made)
            return made

        server = await asyncio.get_running_loop().create_server(connected, "127.0.0.1", port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for connection in self.connections:
                if connection.transport is not None:
                    connection.transport.close()


@dataclass
class Post:
    """One request that the receiver got."""

    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Receiver:
    """An adapter that honours the idempotency key: a repeat is answered well and told to nobody.

    `answers` are statuses for the first requests, one after another; then 200.
    """

    answers: list[int] = field(default_factory=list)
    slow: float = 0.0
    answering: Callable[[str], None] = lambda _: None
    """Called with the update's id when it has been told and nobody has heard so yet."""
    posts: list[Post] = field(default_factory=list)
    """Every request with a good signature."""
    told: list[str] = field(default_factory=list)
    """Updates that it brought to the customer."""
    came: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def take(self, request: Request) -> Response:
        body = await request.body()
        headers = dict(request.headers)
        Webhook(SECRET).verify(body, headers)
        self.posts.append(Post(headers, json.loads(body)))
        self.came.set()
        await asyncio.sleep(self.slow)
        if self.answers:
            return PlainTextResponse("no", status_code=self.answers.pop(0))
        if headers["idempotency-key"] not in self.told:
            self.told.append(headers["idempotency-key"])
        self.answering(headers["idempotency-key"])
        return PlainTextResponse("ok")

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Receiver]:
        app = Starlette(routes=[Route("/updates", self.take, methods=["POST"])])
        sock = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{sock.getsockname()[1]}/updates"
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        try:
            yield self
        finally:
            server.should_exit = True
            await serving
