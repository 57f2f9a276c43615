"""Inputs are sent as providers send them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from local.placing import Input
from local.sample import POLICY
from local.sending import Sender, count_refused, desk_secrets
from runtime.policy_file import read_policy
from runtime.refusal import Refusal

SMS = Input("1.form", "phone", "twilio", "application/x-www-form-urlencoded", b"MessageSid=SM1&Body=Hi")
SECRETS = {"phone/twilio": "token"}


class Ingest:
    """A listener on a real socket that answers what it is told to, in order."""

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.requests, self.url = list(answers), [], ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))[15:])
        self.requests.append((head.split(b"\r\n")[0], await reader.readexactly(length)))
        writer.write(self.answers.pop(0) + b"connection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@pytest.fixture
async def listen() -> AsyncIterator:
    servers = []

    async def start(*answers: bytes) -> Ingest:
        ingest = Ingest(*answers)
        server = await asyncio.start_server(ingest.serve, "127.0.0.1", 0)
        servers.append(server)
        ingest.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return ingest

    yield start
    for server in servers:
        server.close()


async def test_what_ingest_cannot_take_now_is_sent_again(listen) -> None:
    """A 503 is repeated until there is an answer, with the same body; the ids are those of the answer."""
    ingest = await listen(b"HTTP/1.1 503 x\r\n", b"HTTP/1.1 200 x\r\nswitchboard-message-ids: a,b\r\n")
    async with Sender(ingest.url, "acme", SECRETS) as sender:
        answer = await sender.send(SMS)
    assert (answer.status, answer.accepted, answer.message_ids, answer.attempts) == (200, True, ("a", "b"), 2)
    assert ingest.requests == [(b"POST /v1/desks/acme/phone/twilio HTTP/1.1", SMS.body)] * 2


async def test_refusal_is_final(listen) -> None:
    """A 403 is not repeated, and is counted by its reason."""
    ingest = await listen(b"HTTP/1.1 403 x\r\n")
    async with Sender(ingest.url, "acme", SECRETS) as sender:
        answers = [a async for a in sender.send_all([SMS], rate=1000)]
    assert [(a.status, a.reason) for a in answers] == [(403, "http_403")]
    assert count_refused(answers) == {"http_403": 1}


async def test_nobody_there_is_an_answer_too(listen) -> None:
    """After the last attempt the input is told as unreachable, not forgotten."""
    ingest = await listen()
    async with Sender(ingest.url.replace("127.0.0.1", "127.0.0.2"), "acme", SECRETS, attempts=1) as sender:
        answer = await sender.send(SMS)
    assert (answer.status, answer.reason, answer.accepted) == (None, "unreachable", False)


def test_secrets_lie_where_the_policy_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every way into the desk has its secret; one that is missing is named, without a value."""
    policy = read_policy(POLICY)
    for name in ("ACME_MIME_SECRET", "ACME_CHAT_SECRET", "ACME_WHATSAPP_SECRET"):
        monkeypatch.setenv(name, f"value of {name}")
    monkeypatch.delenv("ACME_TWILIO_TOKEN", raising=False)
    assert desk_secrets(policy, "acme", {"ACME_TWILIO_TOKEN": "made up"}) == {
        "email/mime": "value of ACME_MIME_SECRET",
        "chat/standard": "value of ACME_CHAT_SECRET",
        "phone/twilio": "made up",
        "social/whatsapp": "value of ACME_WHATSAPP_SECRET",
    }
    with pytest.raises(Refusal, match="ACME_TWILIO_TOKEN"):
        desk_secrets(policy, "acme")
    with pytest.raises(Refusal, match="no desk 'nowhere'"):
        desk_secrets(policy, "nowhere")
