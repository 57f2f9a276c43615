"""Messenger: batches, and what of them is a message."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.base import ReplyAddress
from schemas.messages import Attachment, MessageReceived, Sender
from services.ingest.normalise.instant import UNREADABLE
from tests.unit.ingest.messenger_side import NOW, batch, happened, intake, parse, refusal


def message(**content: object) -> dict[str, object]:
    return batch(happened(message={"mid": "m_1"} | content))


def test_text():
    """A text, whole."""
    assert parse("messenger", message(text="My printer is broken", reply_to={"mid": "m_0"})) == [
        MessageReceived(
            desk="acme",
            at=NOW,
            message_id=intake("messenger").message_id("m_1"),
            channel="social",
            provider="messenger",
            provider_message_id="m_1",
            sender=Sender(identifiers=("handle:messenger:24015",)),
            reply_to=ReplyAddress(channel="social", provider="messenger", address="24015"),
            text="My printer is broken",
            language="en",
            references=("m_0",),
            verified=True,
            sent_at=datetime(2026, 11, 22, 9, 29, 30, tzinfo=UTC),
        )
    ]


def test_every_message_of_a_batch():
    """All messages of all entries count, in order, and one that cannot be read does not take the others along."""
    nobody = {name: value for name, value in happened(9).items() if name != "sender"}
    payload = batch(happened(1), nobody, happened(2))
    payload["entry"] += batch(happened(3))["entry"]
    assert [event.provider_message_id for event in parse("messenger", payload)] == ["m_1", "m_2", "m_3"]


@pytest.mark.parametrize(
    ("content", "text", "files"),
    [
        ({"text": "Yes", "quick_reply": {"payload": "YES"}}, "Yes", ()),
        (
            {"attachments": [{"type": "image", "payload": {"url": "https://cdn.example/1"}}, {"type": "file"}]},
            "",
            ("image", "file"),
        ),
        (
            {"text": "Look", "attachments": [{"type": "video", "payload": {"url": "https://cdn.example/2"}}]},
            "Look",
            ("video",),
        ),
        (
            {
                "attachments": [
                    {
                        "type": "location",
                        "title": "Jan's place",
                        "payload": {"coordinates": {"lat": -33.9, "long": 18.4}},
                    }
                ]
            },
            "Jan's place\n-33.9, 18.4",
            (),
        ),
        (
            {"attachments": [{"type": "fallback", "title": "A page", "url": "https://example.com/a", "payload": None}]},
            "A page\nhttps://example.com/a",
            (),
        ),
        ({"attachments": [{"type": "template"}]}, UNREADABLE, ()),
        ({}, UNREADABLE, ()),
        ({"text": "a\u0000b"}, "ab", ()),
    ],
)
def test_kinds_of_messages(content, text, files):
    """Texts, choices, files, places and what was passed on; and what the API keeps to itself."""
    (event,) = parse("messenger", message(**content))
    assert event.text == text
    assert event.attachments == tuple(
        Attachment(name=name, media_type="application/octet-stream", size=0) for name in files
    )


def test_pressed_buttons():
    """What somebody chose is a message with the button's words; before `mid` there was no id for it."""
    new, old, other = (
        parse("messenger", batch(happened(postback=postback)))[0]
        for postback in (
            {"mid": "m_7", "title": "Call me", "payload": "CALL"},
            {"title": "Call me", "payload": "CALL"},
            {"payload": "GET_STARTED"},
        )
    )
    assert (new.text, new.provider_message_id) == ("Call me", "m_7")
    assert (old.text, other.text) == ("Call me", "GET_STARTED")
    assert len({new.message_id, old.message_id, other.message_id}) == 3


@pytest.mark.parametrize(
    "event",
    [
        happened(message={"mid": "m_1", "text": "Hello, how can we help?", "is_echo": True, "app_id": 1}),
        happened(sender={"id": "1700"}, recipient={"id": "24015"}, message={"mid": "m_1", "text": "ours"}),
        happened(reaction={"mid": "m_1", "action": "react", "emoji": "👍", "reaction": "like"}),
        happened(read={"watermark": 1}),
        happened(delivery={"mids": ["m_1"], "watermark": 1}),
        happened(message_edit={"mid": "m_1", "text": "other words", "num_edit": 1}),
        happened(message={"mid": "m_1", "is_deleted": True}),
        happened(optin={"type": "notification_messages"}),
        happened(referral={"ref": "x", "source": "SHORTLINK"}),
        happened(account_linking={"status": "linked"}),
        happened(pass_thread_control={"new_owner_app_id": "1"}),
    ],
)
def test_no_new_messages(event):
    """Echoes of our own, reactions, receipts, edits, deletions and notices are no messages."""
    assert parse("messenger", batch(event)) == []


@pytest.mark.parametrize(
    "entry",
    [
        {"messaging": [], "standby": [happened()]},
        {"messaging": [], "changes": [{"field": "feed", "value": {"item": "comment", "message": "Hi"}}]},
        {"messaging": []},
    ],
)
def test_what_is_not_for_us(entry):
    """What another app answers, and what happens on the page itself, are no messages."""
    assert parse("messenger", batch(**entry)) == []


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (b"", "JSON"),
        (b"[]", "object"),
        (b"\xff", "JSON"),
        (b'{"entry":' * 9000, "JSON"),
        ({}, "object"),
        ({"object": "page"}, "entry"),
        ({"object": "instagram", "entry": []}, "another product"),
        (batch(happened(message={"text": "no id"})), "mid"),
        (batch({"message": {"mid": "m_1", "text": "nobody"}}), "sender"),
        (batch(happened() | {"sender": {"id": ""}}), "sender"),
        (batch(happened() | {"sender": {"id": "\u0001"}}), "readable"),
    ],
)
def test_malformed(payload, detail):
    """What is wrong is said."""
    assert detail in refusal("messenger", payload)


def test_too_large():
    """A thousand messages are what Meta batches; more, or more bytes, are not read."""
    assert len(parse("messenger", batch(*(happened(n) for n in range(1000))))) == 1000
    assert "1000" in refusal("messenger", batch(*(happened(n) for n in range(1001))), reason="too_large")
    assert "bytes" in refusal("messenger", b" " * 1_048_577, reason="too_large")
