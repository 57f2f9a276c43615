"""Messengers' requests through the endpoint: what each is answered, and what comes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.ingest.messenger_endpoint import application
from tests.unit.ingest.messenger_side import SIDES, dumped, parse, path, request, signed, vk_callback

SAID = {"vk": b"ok", "slack": b""}
"""What providers prescribe."""


@pytest.mark.parametrize("name", SIDES)
async def test_taken(name):
    """A proved request is answered as its provider wants it, and its message is published, once for each delivery
    and always under the same id.
    """
    sent = signed(name)
    async with application() as app:
        first, again = await app.send(name, sent), await app.send(name, sent)
        (event,) = parse(name, sent.body, sent.headers)
        assert first.status_code == again.status_code == 200
        assert first.headers["switchboard-message-ids"] == again.headers["switchboard-message-ids"] == event.message_id
        assert first.content == SAID.get(name, b'{"accepted":["' + event.message_id.encode() + b'"]}')
        assert app.events() == [event, event]


@pytest.mark.parametrize("name", SIDES)
async def test_refused(name):
    """One that is not proved publishes nothing, and is told why."""
    sent = signed(name, secret=SIDES[name].secrets[2])
    async with application() as app:
        refused = await app.send(name, sent)
        assert (refused.status_code, refused.json()["error"]["reason"]) == (403, "forged")
        without = {"content-type": "application/json"}
        body = sent.body.replace(b'"secret"', b'"nothing"')
        refused = await app.send(name, replace(sent, headers=without, body=body))
        assert (refused.status_code, refused.json()["error"]["reason"]) == (401, "unsigned")
        assert app.events() == []


async def test_an_open_source_vouches_for_nobody():
    """Where the policy leaves a source open its messages are taken, and not verified."""
    async with application(proved=False) as app:
        for name in SIDES:
            assert (await app.send(name, replace(signed(name), headers=dict(SIDES[name].headers)))).status_code == 200
        assert [event.verified for event in app.events()] == [False] * len(SIDES)


async def test_slack_tries_the_address():
    """The challenge comes back as plain text; a forged one does not."""
    payload = {"token": "t", "type": "url_verification", "challenge": "3eZbrw1aBm2rZgRNFdxV2595"}
    async with application() as app:
        answered = await app.send("slack", signed("slack", payload))
        assert (answered.status_code, answered.text) == (200, payload["challenge"])
        assert answered.headers["content-type"].startswith("text/plain")
        refused = await app.send("slack", signed("slack", payload, secret="wrong"))
        assert (refused.status_code, payload["challenge"] in refused.text) == (403, False)


@pytest.mark.parametrize("name", ["messenger", "instagram"])
async def test_meta_tries_the_address(name):
    """The challenge comes back for who knows a secret."""
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": SIDES[name].secrets[1]}
    async with application() as app:
        answered = await app.http.get(path(name), params=query)
        assert (answered.status_code, answered.text) == (200, "1158201444")
        refused = await app.http.get(path(name), params=query | {"hub.verify_token": "wrong"})
        assert refused.status_code == 403


@pytest.mark.parametrize("name", ["line", "viber", "telegram", "vk", "slack"])
async def test_others_do_not_come_by_get(name):
    """No other messenger shakes hands by GET."""
    async with application() as app:
        assert (await app.http.get(path(name))).status_code == 405


async def test_vk_hears_ok_for_whatever_it_is():
    """Events that are no messages are answered all the same, or VK would send them again."""
    async with application() as app:
        answered = await app.send("vk", signed("vk", vk_callback("group_join", object={"user_id": 1})))
        assert (answered.status_code, answered.content) == (200, b"ok")
        assert answered.headers["switchboard-message-ids"] == ""


async def test_vk_confirms_its_address_and_then_brings_messages():
    """VK asks before it knows any secret; whoever comes with a wrong one hears nothing."""
    async with application() as ingest:
        asked = await ingest.send("vk", request("vk", dumped({"type": "confirmation", "group_id": 1})))
        wrong = await ingest.send("vk", request("vk", dumped({"type": "confirmation", "group_id": 1, "secret": "x"})))
        broken = await ingest.send("vk", request("vk", b"{"))
        brought = await ingest.send("vk", request("vk", dumped(vk_callback())))

    assert (asked.status_code, asked.text) == (200, "2fd1cb35")
    assert (wrong.status_code, broken.status_code) == (403, 422)
    assert (brought.status_code, brought.text) == (200, "ok")
    assert len(ingest.events()) == 1
