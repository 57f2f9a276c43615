"""What stands for the world outside: a mail server and the adapters' webhook, which take what
customers are told, check it, and write it down so that it can be read.
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import re
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import ValidationError
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from schemas.updates import UpdateRequested

HOST = "127.0.0.1"


@dataclass
class Outside:
    """What has arrived. `folder` gets one readable file for each thing that a customer is told."""

    folder: Path
    seen: Counter[str] = field(default_factory=Counter)
    """How often each update arrived, by idempotency key or Message-ID."""
    refused: Counter[str] = field(default_factory=Counter)
    """What was turned away, by reason: a bad signature is our own fault."""
    smtp_port: int = 0
    webhook_port: int = 0

    @property
    def repeats(self) -> int:
        """How many arrivals were repeats of something that had arrived before."""
        return sum(count - 1 for count in self.seen.values())

    @property
    def doubled_mails(self) -> int:
        """Mails that arrived more than once. A mail server has no idempotency key, so customers see them."""
        return sum(count - 1 for key, count in self.seen.items() if key.startswith("<"))

    def take_mail(self, content: bytes) -> None:
        """A mail that the mail server accepted."""
        mail = email.message_from_bytes(content, policy=email.policy.default)
        message_id = str(mail["Message-ID"] or "<none>")
        self.seen[message_id] += 1
        body = mail.get_body(("plain",))
        head = "".join(f"{name}: {mail[name]}\n" for name in ("From", "To", "Subject", "Message-ID") if mail[name])
        self._write("email", str(mail["To"]), f"{head}\n{body.get_content() if body else ''}")

    def take_update(self, update: UpdateRequested, key: str) -> None:
        """An update that the webhook accepted."""
        self.seen[key] += 1
        if self.seen[key] == 1:  # the key is there so that repeats can be dropped
            to = update.reply_to
            head = f"To: {to.address} ({to.channel}, {to.provider})\nCase: {update.reference}\nKind: {update.update_kind}\n"
            self._write(to.channel, to.address, f"{head}\n{update.text}\n")

    def _write(self, channel: str, address: str, text: str) -> None:
        name = re.sub(r"[^\w.+-]+", "_", address)[:60]
        file = self.folder / f"{sum(self.seen.values()):04d}-{channel}-{name}.txt"
        file.write_text(text, encoding="utf-8")


@contextlib.asynccontextmanager
async def listening(folder: Path, secrets: Collection[str]) -> AsyncIterator[Outside]:
    """Both receivers on free ports, writing to `folder`, which exists. Updates must be signed with one of `secrets`."""
    outside = Outside(folder)
    loop = asyncio.get_running_loop()
    mail = await loop.create_server(lambda: SMTP(_Mailbox(outside), enable_SMTPUTF8=True, loop=loop), HOST, 0)
    outside.smtp_port = mail.sockets[0].getsockname()[1]
    web = _Server(uvicorn.Config(_adapter(outside, secrets), host=HOST, port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(web.serve(), name="adapter")
    try:
        while not web.started:
            if serving.done():
                serving.result()
            await asyncio.sleep(0.01)
        outside.webhook_port = web.servers[0].sockets[0].getsockname()[1]
        yield outside
    finally:
        web.should_exit = True
        mail.close()
        await asyncio.gather(serving, return_exceptions=True)


class _Mailbox:
    """aiosmtpd's handler."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content
        self._outside.take_mail(content.encode() if isinstance(content, str) else content or b"")
        return "250 Taken"


class _Server(uvicorn.Server):
    """uvicorn inside a program that has signal handlers of its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _adapter(outside: Outside, secrets: Collection[str]) -> Starlette:
    webhooks = [Webhook(secret) for secret in secrets]

    async def take(request: Request) -> Response:
        body = await request.body()
        if not any(_signed(webhook, body, request) for webhook in webhooks):
            outside.refused["signature"] += 1
            return JSONResponse({"error": "no secret of ours has signed this"}, status_code=401)
        try:
            update = UpdateRequested.model_validate_json(body)
        except ValidationError as error:
            outside.refused["malformed"] += 1
            faults: list[Any] = error.errors(include_url=False, include_input=False, include_context=False)
            return JSONResponse({"error": faults}, status_code=422)
        key = request.headers.get("idempotency-key", "")
        if key != update.update_id:
            outside.refused["idempotency-key"] += 1
            return JSONResponse({"error": "idempotency-key must be the update_id"}, status_code=422)
        outside.take_update(update, key)
        return JSONResponse({"id": f"adapter-{key}"}, status_code=202)

    return Starlette(routes=[Route("/{path:path}", take, methods=["POST"])])


def _signed(webhook: Webhook, body: bytes, request: Request) -> bool:
    try:
        webhook.verify(body, dict(request.headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True
