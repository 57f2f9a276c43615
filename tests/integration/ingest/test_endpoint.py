"""Every answer that ingest gives, over a real Kafka."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY

from schemas.codec import decode
from services.ingest import body
from services.ingest.doors import Door
from services.ingest.provider import STATUS
from tests.integration.ingest.conftest import MAX_BODY, rejected
from tests.integration.ingest.process import published
from tests.unit.ingest.provider_side import EXAMPLES, SECRETS, call, chat, mail, signed, sms, whatsapp

pytestmark = pytest.mark.kafka


async def refused(application, answer, provider: str, reason: str, before: float) -> None:
    """The answer is a refusal in its one shape, counted once, and the service goes on."""
    assert answer.status_code == STATUS[reason]
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    assert error["reason"] == reason
    assert error["detail"]
    assert rejected(provider, reason) == before + 1
    assert (await application.send(signed("standard", chat()))).status_code == 200


UNKNOWN = [
    ("/v1/desks/nosuch/chat/standard", "unknown_desk"),
    ("/v1/desks/acme/fax/standard", "unknown_channel"),
    ("/v1/desks/acme/chat/nosuch", "unknown_provider"),
    ("/v1/desks/acme/email/standard", "unknown_provider"),
    ("/v1/desks/%00/chat/standard", "unknown_desk"),
]


async def test_unknown_place(application):
    """A place that is not there is told apart, and counted without the stranger's own words."""
    for path, reason in UNKNOWN:
        before = rejected("unknown", reason)
        await refused(application, await application.http.post(path, content=b"{}"), "unknown", reason, before)


async def test_unsigned_and_forged(application):
    """Without a signature, and with somebody else's, nothing gets in."""
    for provider, example in EXAMPLES.items():
        sent = signed(provider, example)
        before = rejected(provider, "unsigned")
        await refused(application, await application.send(replace(sent, headers={})), provider, "unsigned", before)
        before = rejected(provider, "forged")
        forged = replace(sent, body=sent.body + b" ")
        await refused(application, await application.send(forged), provider, "forged", before)


async def test_non_ascii_signature(application):
    """A signature header of raw bytes is a forgery."""
    before = rejected("whatsapp", "forged")
    answer = await application.http.post(
        "/v1/desks/acme/social/whatsapp", content=whatsapp(), headers=[(b"x-hub-signature-256", b"sha256=\xe9\xff")]
    )
    await refused(application, answer, "whatsapp", "forged", before)


async def test_too_large(application):
    """A body above the limit is refused, and far above it by what it says of itself."""
    for size in (MAX_BODY + 1, 2 * MAX_BODY + 1):
        before = rejected("standard", "too_large")
        answer = await application.send(signed("standard", b"x" * size))
        await refused(application, answer, "standard", "too_large", before)


async def test_too_large_in_pieces(application):
    """A body of unknown length is counted while it comes, and not read for ever."""
    sent = signed("standard", chat())
    pieces = 0

    async def endless():
        nonlocal pieces
        while pieces < 1000:
            pieces += 1
            yield b"x" * 100_000

    before = rejected("standard", "too_large")
    answer = await application.http.post(sent.path, content=endless(), headers=dict(sent.headers))
    await refused(application, answer, "standard", "too_large", before)
    assert pieces < 100


async def test_the_largest(application):
    """A body of exactly the limit is read."""
    body = chat(text="")
    body = body.replace(b'"text": ""', b'"text": "' + b"x" * (MAX_BODY - len(body)) + b'"')
    assert len(body) == MAX_BODY
    assert (await application.send(signed("standard", body))).status_code == 200


async def test_compressed(application):
    """A compressed body is not unpacked."""
    for encoding in ("gzip", "br", "deflate, gzip", "nonsense"):
        before = rejected("standard", "compressed")
        answer = await application.send(signed("standard", chat()), **{"content-encoding": encoding})
        await refused(application, answer, "standard", "compressed", before)


async def test_malformed(application):
    """A body that is well signed but makes no sense is refused with what is wrong."""
    for provider, broken in [("mime", b""), ("standard", b"{"), ("twilio", b"a=1"), ("whatsapp", b"[]")]:
        before = rejected(provider, "malformed")
        await refused(application, await application.send(signed(provider, broken)), provider, "malformed", before)


async def test_slow(application, monkeypatch):
    """A body that does not end in time is given up."""
    monkeypatch.setattr(body, "READ_SECONDS", 0.05)
    sent = signed("standard", chat())

    async def crawling():
        yield b"{"
        await asyncio.sleep(30)

    before = rejected("standard", "slow")
    answer = await application.http.post(sent.path, content=crawling(), headers=dict(sent.headers))
    monkeypatch.undo()
    assert (answer.status_code, rejected("standard", "slow")) == (408, before + 1)


async def test_a_bug(application, caplog):
    """A provider's module that fails costs one 500, is logged without the customer's words, and counted."""

    def parse(*_):
        raise RuntimeError("Jan's printer")

    door = application.doors["acme", "chat", "standard"]
    application.doors["acme", "chat", "broken"] = Door(
        "acme", door.policy, replace(door.provider, name="broken", parse=parse), door.secrets
    )
    before = rejected("broken", "failed")
    sent = signed("standard", chat())
    answer = await application.http.post("/v1/desks/acme/chat/broken", content=sent.body, headers=dict(sent.headers))
    await refused(application, answer, "broken", "failed", before)
    assert "Jan" not in answer.text


async def test_methods(application):
    """GET is for handshakes; what has none, and other methods, are told so."""
    before = rejected("standard", "wrong_method")
    await refused(
        application, await application.http.get("/v1/desks/acme/chat/standard"), "standard", "wrong_method", before
    )
    answer = await application.http.put("/v1/desks/acme/chat/standard")
    assert (answer.status_code, answer.json()["error"]["reason"]) == (405, "wrong_method")
    answer = await application.http.get("/nowhere")
    assert (answer.status_code, answer.json()["error"]["reason"]) == (404, "not_found")


async def test_handshake(application):
    """WhatsApp's challenge comes back as plain text, for the right token only."""
    query = {"hub.mode": "subscribe", "hub.verify_token": SECRETS["whatsapp"], "hub.challenge": "42"}
    answer = await application.http.get("/v1/desks/acme/social/whatsapp", params=query)
    assert (answer.status_code, answer.text) == (200, "42")
    assert answer.headers["content-type"].startswith("text/plain")
    answer = await application.http.get("/v1/desks/acme/social/whatsapp", params=query | {"hub.verify_token": "no"})
    assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "forged")


async def test_answers(application):
    """Ids in header and body; TwiML where Twilio prescribes it; nothing new is accepted with no ids."""
    answer = await application.send(signed("mime", mail()))
    assert answer.json() == {"accepted": [answer.headers["switchboard-message-ids"]]}
    answer = await application.send(signed("twilio", call()))
    assert answer.headers["content-type"].startswith("application/xml")
    assert "<Enqueue>acme</Enqueue>" in answer.text
    answer = await application.send(signed("whatsapp", whatsapp()))
    assert (answer.json(), answer.headers["switchboard-message-ids"]) == ({"accepted": []}, "")


async def test_forwarded_headers_are_not_trusted(application):
    """The address that Twilio signs is the public one of the settings, whatever a stranger forwards."""
    sent = signed("twilio", sms(), url="https://evil.example/v1/desks/acme/phone/twilio")
    answer = await application.send(sent, **{"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"})
    assert answer.status_code == 403
    sent = signed("twilio", sms(), url="https://help.acme.example/v1/desks/acme/phone/twilio?a=%20b")
    answer = await application.http.post(f"{sent.path}?a=%20b", content=sent.body, headers=dict(sent.headers))
    assert answer.status_code == 200


async def test_a_new_trace(application):
    """A request without a usable trace begins one."""
    unusable = [None, "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "é"]
    sent = signed("standard", chat())
    for traceparent in unusable:
        headers = [] if traceparent is None else [(b"traceparent", traceparent.encode())]
        headers += [(name.encode(), value.encode()) for name, value in sent.headers.items()]
        assert (await application.http.post(sent.path, content=sent.body, headers=headers)).status_code == 200
    records = await published(application.settings, application.kafka, len(unusable))
    traces = {decode(record.value, record.headers).traceparent or "" for record in records}
    assert len(traces) == len(unusable)
    assert all(re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", trace) for trace in traces)
    assert unusable[2] not in traces


async def test_the_address_without_a_public_url(application):
    """Where no public URL is set, Twilio's signature is checked against the address that was called."""
    settings = application.settings.model_copy(update={"public_url": None})
    application.endpoint._settings = settings
    sent = signed("twilio", sms(), url="http://ingest:8080/v1/desks/acme/phone/twilio")
    assert (await application.send(sent)).status_code == 200
    assert (await application.send(signed("twilio", sms()))).status_code == 403


async def test_documents(application):
    """OpenAPI, AsyncAPI, the probes, and the metrics of every door from the start."""
    paths = (await application.http.get("/openapi.json")).json()["paths"]
    assert set(paths["/v1/desks/{desk}/{channel}/{provider}"]) == {"get", "post"}
    assert (await application.http.get("/docs")).status_code == 200
    channels = (await application.http.get("/asyncapi")).json()["channels"]
    assert any(application.settings.topic_prefix + "messages" in str(channel) for channel in channels.values())
    for probe in ("/livez", "/readyz", "/startupz"):
        assert (await application.http.get(probe)).status_code == 200
    for desk, channel, provider in application.doors:
        labels = {"desk": desk, "channel": channel, "provider": provider}
        assert REGISTRY.get_sample_value("switchboard_messages_received_total", labels) is not None
