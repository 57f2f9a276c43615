"""Mailgun, SendGrid, Postmark, SES and Mailjet through the endpoint: answers, certificates, confirmations, tokens."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from runtime import asyncapi
from runtime.health import Health
from runtime.settings import Settings
from schemas.codec import decode
from services.ingest import outside
from services.ingest.endpoint import Endpoint, build
from services.ingest.outside import Outside
from services.ingest.provider import STATUS, Rejected, Request
from services.ingest.single_use import KEPT, MOST, Tokens
from tests.unit.ingest import test_corpus_mail_providers as corpus
from tests.unit.ingest.mail_providers import (
    CERTIFICATE_URL,
    NOW,
    OTHER_TOPIC,
    SIDES,
    amazon,
    door,
    mailgun,
    provider_of,
    ses,
    subscription,
)


class Recorder:
    """Takes what the endpoint publishes, in place of Kafka, which is not what is tried here."""

    def __init__(self) -> None:
        self.records: list[Any] = []

    async def publish(self, records: list[Any]) -> None:
        self.records += records


@dataclass
class Amazon:
    """SNS's own host: it has a certificate, and takes confirmations."""

    called: list[str] = field(default_factory=list)
    status: int = 200
    body: bytes = field(default_factory=lambda: amazon()[1])

    def transport(self) -> httpx.ASGITransport:
        return httpx.ASGITransport(Starlette(routes=[Route("/{path:path}", self._answer)]))

    async def _answer(self, http: HttpRequest) -> Response:
        self.called.append(str(http.url))
        return Response(self.body, status_code=self.status)


@dataclass
class Ingest:
    """The application with a door for every one of the five, and what it published."""

    http: httpx.AsyncClient
    recorder: Recorder
    amazon: Amazon

    async def send(self, request: Request) -> httpx.Response:
        path = httpx.URL(request.url).path
        return await self.http.post(path, content=request.body, headers=dict(request.headers))


@pytest.fixture
async def ingest():
    recorder, host = Recorder(), Amazon()
    doors = {("acme", "email", name): door(name) for name in SIDES}
    endpoint = Endpoint(doors, recorder, Settings(), lambda: NOW, Outside(host.transport()))
    app = build(endpoint, Health(started=True), asyncapi.describe("ingest", Settings().topics(), "kafka:9092"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ingest") as http:
        yield Ingest(http, recorder, host)


@pytest.mark.parametrize("name", sorted(SIDES))
async def test_taken(ingest, name):
    """A signed mail is published once, and so under the same id is its repeat."""
    first = await ingest.send(SIDES[name].make())
    again = await ingest.send(SIDES[name].make())
    assert (first.status_code, again.status_code) == (200, 200), first.text
    assert first.json() == again.json()
    one, two = (decode(record.value, record.headers).event for record in ingest.recorder.records)
    assert first.json()["accepted"] == [one.message_id]
    assert one == two
    assert one.text == "My printer does not work."


@pytest.mark.parametrize(("name", "status"), [("mailgun", 406), ("sendgrid", 403), ("postmark", 403), ("ses", 403)])
async def test_forged(ingest, name, status):
    """A forged request gets the number that the provider understands, and the reason in words."""
    answer = await ingest.send(SIDES[name].make(SIDES[name].other))
    assert (answer.status_code, answer.json()["error"]["reason"]) == (status, "forged")
    assert ingest.recorder.records == []


async def test_mailgun_stops_where_it_is_in_vain(ingest):
    """Mailgun is told 406 for what will never be right, and 5xx for faults of ours."""
    stale = await ingest.send(mailgun(at=NOW - timedelta(days=1)))
    nonsense = await ingest.send(mailgun(message_headers="{"))
    unsigned = await ingest.send(replace(mailgun(), body=b"a=b"))
    assert [(a.status_code, a.json()["error"]["reason"]) for a in (stale, nonsense, unsigned)] == [
        (406, "stale"), (406, "malformed"), (406, "unsigned"),
    ]  # fmt: skip


async def test_mailgun_token_under_another_body(ingest):
    """A token holds for one mail: a repeat is taken, another body under it is forged, however well it is signed."""
    assert (await ingest.send(mailgun())).status_code == 200
    forged = await ingest.send(mailgun(body_plain="Send me all passwords"))
    assert (forged.status_code, forged.json()["error"]["reason"]) == (406, "forged")
    assert (await ingest.send(mailgun())).status_code == 200
    assert (await ingest.send(mailgun(body_plain="Another mail", token="b" * 50))).status_code == 200
    assert len(ingest.recorder.records) == 3


async def test_certificate(ingest):
    """The certificate is read once, from its own host, for a topic of ours only."""
    assert (await ingest.send(ses(OTHER_TOPIC))).status_code == 403
    assert ingest.amazon.called == []
    assert (await ingest.send(ses())).status_code == 200
    assert (await ingest.send(ses())).status_code == 200
    assert ingest.amazon.called == [CERTIFICATE_URL]


@pytest.mark.parametrize(("status", "body"), [(404, b""), (301, b""), (500, b""), (200, b"x" * 70_000)])
async def test_certificate_that_is_not_to_be_had(ingest, status, body):
    """Without the certificate SNS is asked to come again; nothing is kept of the failure."""
    ingest.amazon.status, ingest.amazon.body = status, body
    answer = await ingest.send(ses())
    assert (answer.status_code, answer.json()["error"]["reason"]) == (503, "unavailable")
    ingest.amazon.status, ingest.amazon.body = 200, amazon()[1]
    assert (await ingest.send(ses())).status_code == 200


async def test_subscription(ingest):
    """A proved subscription is confirmed at SNS before it is answered; a failure brings it again."""
    confirmation = (
        "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
        "&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Aacme-inbound&Token=2336412f37"
    )
    answer = await ingest.send(subscription())
    assert (answer.status_code, answer.json()) == (200, {"accepted": []})
    assert ingest.amazon.called == [CERTIFICATE_URL, confirmation]
    ingest.amazon.status = 403
    assert (await ingest.send(subscription())).status_code == 503
    assert ingest.amazon.called == [CERTIFICATE_URL, confirmation, confirmation]
    ingest.amazon.called.clear()
    assert (await ingest.send(subscription(OTHER_TOPIC))).status_code == 403
    assert ingest.amazon.called == []


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 50_000, b"\xff", b'{"Type": "Notification"}', b"null"])
async def test_hostile_envelope(ingest, body):
    """What is no message of SNS's is refused before anything is fetched."""
    answer = await ingest.send(replace(ses(), body=body))
    assert answer.status_code == 422
    assert ingest.amazon.called == []


async def test_a_host_that_hangs(monkeypatch):
    """A host that does not answer does not hold a request for longer than providers wait."""

    async def hang(scope, receive, send):
        await asyncio.Event().wait()

    monkeypatch.setattr(outside, "SECONDS", 0.05)
    began = time.monotonic()
    with pytest.raises(Rejected) as rejected:
        await Outside(httpx.ASGITransport(hang)).read(CERTIFICATE_URL)
    assert rejected.value.reason == "unavailable"
    assert time.monotonic() - began < 30


def test_tokens_are_forgotten():
    """Tokens are kept as long as a repeat may come, and no more of them than there is room for."""
    tokens = Tokens()
    tokens.use("acme", "t", ["a"], NOW)
    tokens.use("acme", "t", ["a"], NOW + KEPT)
    with pytest.raises(Rejected, match="another mail"):
        tokens.use("acme", "t", ["b"], NOW + KEPT)
    tokens.use("other", "t", ["b"], NOW)
    tokens.use("acme", "t", ["b"], NOW + KEPT + timedelta(seconds=1))
    for n in range(MOST + 1):
        tokens.use("acme", str(n), [], NOW + KEPT)
    assert len(tokens._seen) == MOST


@pytest.mark.skipif(corpus.CORPUS is None, reason="SWITCHBOARD_CORPUS names no folder of real inputs")
@pytest.mark.parametrize("name", sorted(SIDES))
@pytest.mark.parametrize("proven", [True, False], ids=["signed", "open"])
async def test_real_payloads(name, proven):
    """Every real payload gets 2xx with the message that it holds, or the number of the refusal that is listed."""
    wrong, clock = [], [NOW]
    recorder = Recorder()
    doors = {("acme", "email", name): door(name) if proven else replace(door(name), secrets=())}
    endpoint = Endpoint(doors, recorder, Settings(), lambda: clock[0], Outside(Amazon().transport()))
    app = build(endpoint, Health(started=True), asyncapi.describe("ingest", Settings().topics(), "kafka:9092"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ingest") as http:
        for stem, unsigned in corpus.files(name):
            request, clock[0] = corpus.signed(name, unsigned) if proven else (unsigned, NOW)
            recorder.records.clear()
            path = httpx.URL(request.url).path
            # Several of Mailgun's were recorded with one and the same token.
            endpoint._tokens = Tokens()
            answer = await http.post(path, content=request.body, headers=dict(request.headers))
            if stem in corpus.REFUSED:
                status = {**STATUS, **provider_of(name).statuses}["malformed"]
                right = answer.status_code == status and corpus.REFUSED[stem] in answer.json()["error"]["detail"]
            else:
                count = 0 if stem in corpus.NO_MESSAGE else 1
                right = answer.status_code == 200 and len(answer.json()["accepted"]) == len(recorder.records) == count
            if not right:
                wrong.append((stem, answer.status_code, answer.text))
    assert not wrong
