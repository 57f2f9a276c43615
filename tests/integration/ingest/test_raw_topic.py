"""Payloads on the raw topic come to messages, exactly once."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

from runtime.kafka import producer, reader
from schemas.codec import decode
from schemas.topics import DEAD_LETTERS, MESSAGES, RAW
from services.ingest.providers import registry
from tests.integration.ingest.process import published, running
from tests.unit.ingest.provider_side import CHANNEL, EXAMPLES, chat, mail

pytestmark = pytest.mark.kafka

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
QUICK = {
    "SWITCHBOARD_BATCH_RECORDS": "10",
    "SWITCHBOARD_SESSION_SECONDS": "6",
    "SWITCHBOARD_TRANSACTION_SECONDS": "5",
}


def headers(provider: str, channel: str | None = None) -> list[tuple[str, bytes]]:
    channel = channel or CHANNEL[provider]
    return [("switchboard-channel", channel.encode()), ("switchboard-provider", provider.encode())]


async def put(settings, kafka, *payloads, key=b"acme"):
    """Payloads and their headers onto the raw topic."""
    client = producer(kafka)
    await client.start()
    try:
        for value, given in payloads:
            await client.send(settings.topics().name(RAW), value, key=key, headers=given)
        await client.flush()
    finally:
        await client.stop()


async def topic(settings, kafka, which, count):
    """The first `count` committed records of a topic, then whatever else is there."""
    consumer = reader(kafka, settings.topics().name(which))
    await consumer.start()
    found = []
    try:
        async with asyncio.timeout(60):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found.extend(records)
        for records in (await consumer.getmany(timeout_ms=1000)).values():
            found.extend(records)
    finally:
        await consumer.stop()
    return found


async def test_every_provider_s_payload_comes_to_its_message(installation, kafka, tmp_path):
    """The same parsers as behind HTTP: each example becomes one message with the id that HTTP would give it,
    with the record's trace, and is counted.
    """
    given = [(body, [*headers(name), ("traceparent", TRACE.encode())]) for name, body in EXAMPLES.items()]
    async with running(installation, kafka, tmp_path) as ingest:
        await put(installation, kafka, *given)
        received = [decode(r.value, r.headers) for r in await published(installation, kafka, len(given))]
        async with asyncio.timeout(60):
            counted = 'switchboard_messages_received_total{channel="chat",desk="acme",provider="standard"} 1.0'
            while counted not in (await ingest.http.get("/metrics")).text:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        assert await ingest.stop() == 0
    assert sorted(r.event.provider for r in received) == sorted(EXAMPLES)
    assert all(r.id == r.event.message_id and r.traceparent == TRACE for r in received)
    assert all(registry()[r.event.channel, r.event.provider] for r in received)


async def test_what_cannot_be_read_is_put_aside_with_its_reason(installation, kafka, tmp_path):
    """A provider or a desk that is not known, a payload that makes no sense: dead letters, unchanged, however
    many come in a row; what lies behind them is read.
    """
    async with running(installation, kafka, tmp_path, SWITCHBOARD_POISON_IN_A_ROW="2") as ingest:
        await put(installation, kafka, (b"{", headers("standard")), (chat(), headers("nobody", "chat")), (chat(), []))
        await put(installation, kafka, (chat(), headers("standard")), key=b"elsewhere")
        await put(installation, kafka, (b"\xff", [("switchboard-channel", b"\xff")]), (mail(), headers("mime")))
        (message,) = await published(installation, kafka, 1)
        dead = await topic(installation, kafka, DEAD_LETTERS, 5)
        assert await ingest.stop() == 0
    assert dict(message.headers)["ce_type"].endswith(b"message_received.v1")
    told = [{name: value.decode("latin-1") for name, value in record.headers} for record in dead]
    assert {t["dead-letter-reason"] for t in told} == {"undecodable"}
    assert {t["dead-letter-service"] for t in told} == {"ingest"}
    reasons = sorted(t["dead-letter-detail"].split(":")[0] for t in told)
    assert reasons == ["malformed", "unknown_desk", "unknown_provider", "unknown_provider", "unknown_provider"]
    assert {record.value for record in dead} == {b"{", chat(), b"\xff"}


async def test_the_document_s_program_works(installation, kafka, tmp_path):
    """The Python of docs/adapters.md, as it stands there but for its addresses, brings a mail."""
    document = (Path(__file__).parents[3] / "docs/adapters.md").read_text(encoding="utf-8")
    (program,) = (code for code in re.findall(r"```python\n(.*?)```", document, re.DOTALL) if "switchboard.raw" in code)
    program = program.replace("localhost:9092", kafka.bootstrap_servers)
    program = program.replace('"switchboard.raw"', repr(installation.topics().name(RAW)))
    (tmp_path / "mail.eml").write_bytes(mail())
    async with running(installation, kafka, tmp_path):
        adapter = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=tmp_path)
        assert await adapter.wait() == 0
        (record,) = await published(installation, kafka, 1)
    assert decode(record.value, record.headers).event.subject == "Printer"


async def test_kill_9_loses_nothing_and_doubles_nothing(installation, kafka, tmp_path):
    """Ingest is killed twice among hundreds of payloads: who reads committed records sees each message once."""
    count = 300
    payloads = [(chat(message_id=f"m-{n}"), headers("standard")) for n in range(count)]
    for enough in (30, 120):
        async with running(installation, kafka, tmp_path, **QUICK) as ingest:
            await put(installation, kafka, *payloads[: count // 2])
            payloads = payloads[count // 2 :]
            await published(installation, kafka, enough)
            ingest.process.kill()
            await ingest.process.wait()
    async with running(installation, kafka, tmp_path, **QUICK) as ingest:
        records = await topic(installation, kafka, MESSAGES, count)
        assert await ingest.stop() == 0
    ids = [decode(r.value, r.headers).event.provider_message_id for r in records]
    assert sorted(ids) == sorted(f"m-{n}" for n in range(count))
