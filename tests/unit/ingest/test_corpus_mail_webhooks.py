"""Real payloads of Brevo, MailerSend, SparkPost, Postal and Resend: through the parser with the door open, and signed
through the real endpoint. Each is taken, or refused for the right reason.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from runtime import asyncapi
from runtime.health import Health
from runtime.settings import Settings
from schemas.codec import decode
from services.ingest.endpoint import Endpoint, build
from tests.unit.ingest.provider_side import NOW
from tests.unit.ingest.webhook_side import Place, door, signed

CORPUS = os.environ.get("SWITCHBOARD_CORPUS")
pytestmark = pytest.mark.skipif(CORPUS is None, reason="SWITCHBOARD_CORPUS names no folder of real inputs")

PLACES: list[Place] = [("email", name) for name in ("brevo", "mailersend", "sparkpost", "postal", "resend")]
CPU_SECONDS = 1.0

NO_MESSAGE = {
    "brevo/008_test_misconfigured_tracking",
    "mailersend/023_test_misconfigured_inbound",
    "postal/036_test_misconfigured_tracking",
    "resend/061_test_misconfigured_tracking",
}
"""Events about mail that was sent, brought to the address for mail that comes in."""


def refused(name: str, body: bytes) -> str | None:
    """The word in the refusal of a file that is not taken; None for one that is."""
    if name == "brevo/005_test_attachments":
        return "nobody"  # three files and a Content-Type, from nobody
    if name.startswith("mailersend/") and b'"raw": "..."' in body:
        return "no headers"  # the mail itself was left out
    if name.startswith("resend/") and body == b'{"type": "email.received"}':
        return "data"  # so was what there is to tell of it
    return None


class Recorder:
    """Takes what the endpoint publishes, in place of Kafka, which is not what is tried here."""

    def __init__(self) -> None:
        self.records = []

    async def publish(self, records) -> None:
        self.records += records


def files(place: Place) -> list[tuple[str, bytes, dict[str, str]]]:
    """Name, body and headers of each real request, always in the same order."""
    folder = Path(CORPUS or "", "webhooks", "anymail_inbound_http", place[1])
    found = []
    for file in sorted(folder.glob("*.body")):
        meta = json.loads(file.with_suffix("").with_suffix(".meta.json").read_text())
        headers = {"content-type": meta["content_type"]}
        headers |= {name.lower(): str(value) for name, value in meta["headers"].items()}
        found.append((f"{place[1]}/{file.stem}", file.read_bytes(), headers))
    assert found
    return found


@pytest.mark.parametrize("place", PLACES, ids="/".join)
@pytest.mark.parametrize("proven", [True, False], ids=["signed", "open"])
async def test_every_file(place, proven):
    """Every real payload gets 2xx with the message that it holds, or the refusal that is listed here; none takes
    more than a second of the processor.
    """
    doors = {("acme", *place): door(place) if proven else replace(door(place), secrets=())}
    recorder = Recorder()
    endpoint = Endpoint(doors, recorder, Settings(), lambda: NOW)
    app = build(endpoint, Health(started=True), asyncapi.describe("ingest", Settings().topics(), "kafka:9092"))
    wrong = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ingest", timeout=60) as http:
        for name, body, headers in files(place):
            proof = {**headers, **signed(place, body).headers} if proven else headers
            recorder.records.clear()
            began = time.process_time()
            answer = await http.post(f"/v1/desks/acme/{'/'.join(place)}", content=body, headers=proof)
            spent = time.process_time() - began
            word = refused(name, body)
            if word is not None:
                right = answer.status_code == 422 and word in answer.json()["error"]["detail"]
            else:
                count = 0 if name in NO_MESSAGE else 1
                right = answer.status_code == 200 and len(answer.json()["accepted"]) == len(recorder.records) == count
                right = right and all(
                    decode(each.value, each.headers).event.channel == "email" for each in recorder.records
                )
            if not right or spent > CPU_SECONDS:
                wrong.append((name, answer.status_code, answer.text, spent))
    assert not wrong
