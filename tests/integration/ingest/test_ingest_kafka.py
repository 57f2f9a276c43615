"""2xx means that it is on the topic; without Kafka there is no 2xx."""

from __future__ import annotations

import asyncio
import socket

import pytest

from runtime.settings import KafkaSettings
from schemas.codec import decode
from schemas.messages import ContactEnded, MessageReceived
from tests.integration.ingest.process import published, running
from tests.unit.ingest.provider_side import EXAMPLES, call, chat, signed, wa, whatsapp

pytestmark = pytest.mark.kafka

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_accepted_means_on_the_topic(installation, kafka, tmp_path):
    """Every provider's example, a batch and a call's end lie on the topic under the ids that were answered,
    keyed by desk, with CloudEvents headers and the request's trace; a repeat has the same ids.
    """
    async with running(installation, kafka, tmp_path) as ingest:
        await ingest.until_ready()
        ids: list[str] = []
        bodies = [*EXAMPLES.items(), ("whatsapp", whatsapp(wa(number=8), wa(number=9))), ("twilio", call("completed"))]
        for provider, body in bodies:
            sent = signed(provider, body)
            answer = await ingest.http.post(sent.path, content=body, headers={**sent.headers, "traceparent": TRACE})
            assert answer.status_code == 200, answer.text
            ids += answer.headers["switchboard-message-ids"].split(",")
        metrics = (await ingest.http.get("/metrics")).text
        again = await ingest.send(signed("whatsapp", whatsapp(wa(number=8), wa(number=9))))
    records = await published(installation, kafka, len(ids) + 2)
    received = [decode(record.value, record.headers) for record in records]
    assert len(set(ids)) == 7
    repeated = again.headers["switchboard-message-ids"].split(",")
    assert repeated == ids[4:6]
    assert sorted(r.id for r in received) == sorted([*ids, *repeated])
    assert all(r.id == r.event.message_id for r in received)
    assert [r.traceparent for r in received].count(TRACE) == 7
    assert {record.key for record in records} == {b"acme"}
    assert {r.source for r in received} == {"/switchboard/ingest"}
    kinds = [type(r.event) for r in received]
    assert (kinds.count(MessageReceived), kinds.count(ContactEnded)) == (8, 1)
    assert 'switchboard_messages_received_total{channel="social",desk="acme",provider="whatsapp"} 3.0' in metrics


async def test_it_starts_without_kafka(installation, tmp_path):
    """With nobody behind Kafka's address it is alive, unready, and asks providers to come again."""
    with socket.create_server(("127.0.0.1", 0)) as unheard:
        nobody = KafkaSettings(bootstrap_servers=f"127.0.0.1:{unheard.getsockname()[1]}")
    async with running(installation, nobody, tmp_path) as ingest:
        answer = await ingest.send(signed("standard", chat()))
        assert answer.status_code == 503
        assert answer.json()["error"]["reason"] == "unavailable"
        assert int(answer.headers["retry-after"]) > 0
        assert (await ingest.http.get("/livez")).status_code == 200
        assert (await ingest.http.get("/readyz")).status_code == 503
        assert (await ingest.http.get("/startupz")).status_code == 503
        assert await ingest.stop() == 0


async def test_another_number_of_partitions(installation, kafka, tmp_path):
    """Topics that do not fit the settings are refused with both numbers and exit code 2."""
    async with running(installation, kafka, tmp_path, SWITCHBOARD_PARTITIONS="3") as ingest:
        async with asyncio.timeout(60):
            assert await ingest.process.wait() == 2
        await asyncio.sleep(0)
    assert any("2 partitions" in line and "3" in line for line in ingest.lines)


async def test_kafka_goes_and_comes_back(own_broker, own_installation, tmp_path):
    """While Kafka is stopped requests get 503; when it is back they get 2xx again without a restart, and
    every one that got it is on the topic.
    """
    async with own_broker() as broker, own_installation(broker) as (settings, kafka):
        async with running(settings, kafka, tmp_path) as ingest:
            await ingest.until_ready()
            answers = {"m-1": await ingest.send(signed("standard", chat(message_id="m-1")))}
            await broker.stop()
            answers["m-2"] = await ingest.send(signed("standard", chat(message_id="m-2")))
            await ingest.until_ready(503)
            answers["m-3"] = await ingest.send(signed("standard", chat(message_id="m-3")))
            alive = await ingest.http.get("/livez")
            await broker.start()
            await ingest.until_ready()
            answers["m-4"] = await ingest.send(signed("standard", chat(message_id="m-4")))
            assert await ingest.stop() == 0
        assert [answer.status_code for answer in answers.values()] == [200, 503, 503, 200]
        assert alive.status_code == 200
        records = await published(settings, kafka, 2)
    there = {dict(record.headers)["ce_id"].decode() for record in records}
    assert {answers[m].headers["switchboard-message-ids"] for m in ("m-1", "m-4")} <= there


async def test_sigterm_finishes_the_open_request(installation, kafka, tmp_path):
    """A request whose body is still on its way when SIGTERM comes gets its 2xx, and is on the topic."""
    sent = signed("standard", chat())
    told = asyncio.Event()
    go_on = asyncio.Event()

    async def slowly():
        yield sent.body[:10]
        told.set()
        await go_on.wait()
        yield sent.body[10:]

    async with running(installation, kafka, tmp_path) as ingest:
        await ingest.until_ready()
        headers = {**sent.headers, "content-length": str(len(sent.body))}
        posting = asyncio.create_task(ingest.http.post(sent.path, content=slowly(), headers=headers))
        await told.wait()
        await asyncio.sleep(0.3)  # until the first bytes are with it
        ingest.process.terminate()
        async with asyncio.timeout(30):
            while not any('"stopping"' in line for line in ingest.lines):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        go_on.set()
        answer = await posting
        assert await ingest.stop() == 0
    assert answer.status_code == 200
    (record,) = await published(installation, kafka, 1)
    assert dict(record.headers)["ce_id"].decode() == answer.headers["switchboard-message-ids"]


async def test_nothing_personal_is_logged(installation, kafka, tmp_path):
    """Accepted, refused and broken requests leave no word and no address of theirs in the log."""
    async with running(installation, kafka, tmp_path, SWITCHBOARD_LOG_LEVEL="debug") as ingest:
        await ingest.until_ready()
        for provider, body in EXAMPLES.items():
            await ingest.send(signed(provider, body))
            await ingest.send(signed(provider, body, secret="whsec_Zm9yZ2Vk"))
            await ingest.send(signed(provider, body[: len(body) // 2]))
        await ingest.stop()
        log = "".join(ingest.lines).lower()
    assert "request refused" in log
    assert not [word for word in ("jan@", "example.com", "botha", "printer", "27821234567", "0821") if word in log]
