"""Real payloads of LINE and Slack, through parsers with the door open and through the endpoint, signed."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from schemas.messages import MessageReceived
from tests.unit.ingest.messenger_endpoint import application
from tests.unit.ingest.messenger_side import parse, refusal, request, signed

CORPUS = os.environ.get("SWITCHBOARD_CORPUS")
pytestmark = pytest.mark.skipif(CORPUS is None, reason="SWITCHBOARD_CORPUS names no folder of real inputs")

Take = Callable[[str, bytes], Awaitable[tuple[int, str]]]

NOBODY = {
    "MessageFileSharePayload.json", "MessageMePayload.json", "MessagePayload.json", "MessageThreadBroadcastPayload.json",
}  # fmt: skip
"""Slack's samples of messages by people, whose fields are all empty: nobody wrote them, and that is said."""
LINE_MESSAGES = {
    "message": Counter(text=4, image=2, video=1, audio=1, location=1, sticker=1, file=1),
    "postback": Counter({None: 4}),
}
"""What each of LINE's files holds: 11 messages and 4 pressed buttons among 26 or 27 events."""


def payloads(folder: str) -> list[Path]:
    """The files, always in the same order."""
    found = sorted(Path(CORPUS, "webhooks", folder).rglob("*.json"))
    assert found
    return found


@pytest.fixture
async def taken() -> AsyncIterator[Take]:
    """Asks the endpoint, signed and with the door open: the status and the detail, which are the same."""
    async with application() as signing, application(proved=False) as opened:

        async def ask(name: str, body: bytes) -> tuple[int, str]:
            answers = await signing.send(name, signed(name, body)), await opened.send(name, request(name, body))
            said = [(a.status_code, "" if a.is_success else a.json()["error"]["detail"]) for a in answers]
            assert said[0] == said[1]
            return said[0]

        yield ask


async def test_line(taken):
    """Each file is answered 2xx, and holds as many messages as are counted here; edits and unsent ones are none."""
    for file in payloads("line"):
        body = file.read_bytes()
        assert await taken("line", body) == (200, "")
        found = [e for e in json.loads(body)["events"] if e["type"] in LINE_MESSAGES]
        kinds = {
            kind: Counter(e.get("message", {}).get("type") for e in found if e["type"] == kind)
            for kind in LINE_MESSAGES
        }
        assert kinds == LINE_MESSAGES
        events = parse("line", body)
        assert len(events) == len(found) == 15
        assert all(isinstance(event, MessageReceived) and event.text + str(event.attachments) for event in events)
        assert "Hello, edited world" not in {event.text for event in events}


async def test_slack(taken):
    """Each sample is answered 2xx with nothing new, or refused because nobody wrote it."""
    answers = {file.name: await taken("slack", file.read_bytes()) for file in payloads("slack")}
    refused = {name for name, (status, _) in answers.items() if status != 200}
    assert refused == NOBODY
    assert {answers[name] for name in NOBODY} == {(422, "event: a message has a user and a channel")}


def test_slack_filled_in():
    """The same samples with their empty fields filled in: those by people are messages, all others are not."""

    def filled(found):
        if isinstance(found, dict):
            return {name: filled(value) for name, value in found.items()}
        if isinstance(found, list):
            return [filled(value) for value in found]
        return "filled" if found == "" else found

    new = set()
    for file in payloads("slack"):
        payload = filled(json.loads(file.read_bytes()))
        if isinstance(payload.get("event"), dict):
            payload["event"].pop("bot_id", None)
            if payload["event"].get("subtype") == "filled":
                del payload["event"]["subtype"]
        if parse("slack", payload):
            new.add(file.name)
    assert new == NOBODY


@pytest.mark.parametrize("name", ["messenger", "instagram", "line", "viber", "telegram", "vk"])
def test_payloads_of_others_are_refused(name):
    """A payload of LINE's or Slack's that comes by the way of another messenger is malformed, not taken."""
    for folder in ("line", "slack"):
        if name == folder:
            continue
        for file in payloads(folder)[:10]:
            assert refusal(name, file.read_bytes())
