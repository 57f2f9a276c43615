"""Mail from a mailbox on a real IMAP server: nothing lost, nothing new twice."""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from schemas.codec import decode
from schemas.topics import MESSAGES
from tests.integration.ingest.process import published, running
from tests.integration.ingest.test_raw_topic import QUICK, topic
from tests.unit.ingest.provider_side import POLICY, mail

pytestmark = pytest.mark.kafka


class Server:
    """pymap: an IMAP server in memory, a process of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    @contextlib.contextmanager
    def client(self):
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=30)
        client.login("demouser", "demopass")
        try:
            yield client
        finally:
            client.logout()

    def put(self, *mails: bytes) -> None:
        with self.client() as client:
            for each in mails:
                assert client.append("INBOX", None, None, each)[0] == "OK"

    def count(self, folder: str) -> int:
        with self.client() as client:
            status, data = client.select(folder, readonly=True)
            return int(data[0]) if status == "OK" else 0

    async def until(self, folder: str, count: int) -> None:
        """Wait until a folder holds so many mails."""
        async with asyncio.timeout(60):
            while await asyncio.to_thread(self.count, folder) != count:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.2)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = str(Path(sys.executable).with_name("pymap"))
    process = await asyncio.create_subprocess_exec(
        program, "--no-tls", "--host", "127.0.0.1", "--port", str(port), "dict", stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(60):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.1)
                else:
                    writer.close()
                    break
        yield Server(port)
    finally:
        process.kill()
        await process.wait()


def with_mailbox(folder: Path, server: Server, password: str = "demopass") -> dict[str, str]:
    """A policy with a mailbox; its secrets are two, of which the first is out of date."""
    policy = folder / "with-imap.yaml"
    source = '\n      - {channel: email, provider: imap, secrets: ["env:TEST_OLD_IMAP", "env:TEST_IMAP"]}\n'
    policy.write_text(POLICY.replace("    intake:\n", "    intake:" + source))
    return {
        "SWITCHBOARD_POLICY": str(policy),
        "SWITCHBOARD_IMAP_POLL_SECONDS": "0.2",
        "SWITCHBOARD_MAX_BODY_BYTES": "100000",
        "TEST_OLD_IMAP": f"imap://demouser:before@127.0.0.1:{server.port}/INBOX",
        "TEST_IMAP": f"imap://demouser:{password}@127.0.0.1:{server.port}/INBOX",
    }


async def test_mail_is_taken_and_put_away(installation, kafka, tmp_path, server):
    """What lies there and what comes later is on the topic, and in the folder of what was taken; what is no mail
    or too large is in the other one, unchanged; HTTP does not lead to the same source.
    """
    bad, large = b"no header at all\r\n", mail("z" * 70 + "\r\n") + b"and more\r\n" * 20_000
    server.put(mail(message_id="<1@example.com>"), bad, large)
    async with running(installation, kafka, tmp_path, **with_mailbox(tmp_path, server)) as ingest:
        await server.until("SwitchboardTaken", 1)
        await asyncio.to_thread(server.put, mail(message_id="<2@example.com>"))
        await server.until("SwitchboardTaken", 2)
        await server.until("SwitchboardRefused", 2)
        http = await ingest.http.post("/v1/desks/acme/email/imap", content=mail())
        metrics = (await ingest.http.get("/metrics")).text
        log = "".join(ingest.lines)
        assert await ingest.stop() == 0
    records = await published(installation, kafka, 2)
    events = [decode(r.value, r.headers).event for r in records]
    assert [(e.provider_message_id, e.provider, e.verified) for e in events] == [
        ("<1@example.com>", "imap", False),
        ("<2@example.com>", "imap", False),
    ]
    assert server.count("INBOX") == 0
    assert http.status_code == 404
    assert 'switchboard_messages_rejected_total{provider="imap",reason="too_large"} 1.0' in metrics
    assert 'switchboard_messages_rejected_total{provider="imap",reason="malformed"} 1.0' in metrics
    assert not [word for word in ("demopass", "demouser", "example.com", "printer") if word in log]


async def test_a_server_that_is_not_there_or_lets_nobody_in(installation, kafka, tmp_path, server):
    """Ingest serves HTTP all the same, says once what is wrong, and does not show the password."""
    wrong = with_mailbox(tmp_path, server, password="thewrongone")
    async with running(installation, kafka, tmp_path, **wrong) as ingest:
        await ingest.until_ready()
        async with asyncio.timeout(60):
            while not any("a mailbox cannot be emptied" in line for line in ingest.lines):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        assert await ingest.stop() == 0
        log = "".join(ingest.lines)
    assert "does not let us in" in log
    assert "thewrongone" not in log


async def test_kill_9_loses_nothing_and_takes_nothing_new_twice(installation, kafka, tmp_path, server):
    """Ingest is killed twice while it empties a mailbox: every mail is on the topic, and all that comes a second
    time is the one mail under way at each kill, with the id that it had.
    """
    count = 120
    server.put(*(mail(message_id=f"<{n}@example.com>") for n in range(count)))
    given = {**with_mailbox(tmp_path, server), **QUICK}
    for enough in (20, 60):
        async with running(installation, kafka, tmp_path, **given) as ingest:
            await published(installation, kafka, enough)
            ingest.process.kill()
            await ingest.process.wait()
        assert server.count("INBOX") > 0
    async with running(installation, kafka, tmp_path, **given) as ingest:
        await server.until("SwitchboardTaken", count)
        assert await ingest.stop() == 0
    records = await topic(installation, kafka, MESSAGES, count)
    events = [decode(r.value, r.headers) for r in records]
    assert {e.event.provider_message_id for e in events} == {f"<{n}@example.com>" for n in range(count)}
    assert len({e.id for e in events}) == count
    assert len(events) <= count + 2
    assert server.count("INBOX") == 0
