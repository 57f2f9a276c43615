"""Viber: callbacks, and which of them are messages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.base import ReplyAddress
from schemas.messages import Attachment, MessageReceived, Sender
from services.ingest.normalise.instant import UNREADABLE
from tests.unit.ingest.messenger_side import NOW, intake, parse, refusal, viber_callback


def test_text():
    """A text, whole."""
    assert parse("viber", viber_callback()) == [
        MessageReceived(
            desk="acme",
            at=NOW,
            message_id=intake("viber").message_id("4912661846655238145"),
            channel="social",
            provider="viber",
            provider_message_id="4912661846655238145",
            sender=Sender(identifiers=("handle:viber:01234567890A=",), name="Jan Botha"),
            reply_to=ReplyAddress(channel="social", provider="viber", address="01234567890A="),
            text="My printer is broken",
            language="en",
            verified=True,
            sent_at=datetime(2026, 11, 22, 9, 29, 30, tzinfo=UTC),
        )
    ]


@pytest.mark.parametrize(
    ("message", "text", "files"),
    [
        (
            {"type": "picture", "text": "Look", "media": "https://dl.example/a", "file_name": "a.png", "size": 7},
            "Look",
            (Attachment(name="a.png", media_type="image/png", size=7),),
        ),
        (
            {"type": "picture", "media": "https://dl.example/a"},
            "",
            (Attachment(name="picture", media_type="image/jpeg", size=0),),
        ),
        (
            {"type": "video", "media": "https://dl.example/v", "size": 9, "duration": 3},
            "",
            (Attachment(name="video", media_type="video/mp4", size=9),),
        ),
        (
            {"type": "file", "media": "https://dl.example/f", "file_name": "log.txt", "size": -5},
            "",
            (Attachment(name="log.txt", media_type="text/plain", size=0),),
        ),
        ({"type": "url", "media": "https://example.com/page"}, "https://example.com/page", ()),
        ({"type": "sticker", "sticker_id": 46105}, "[sticker]", ()),
        ({"type": "contact", "contact": {"name": "Ann", "phone_number": "+27821234567"}}, "Ann\n+27821234567", ()),
        ({"type": "location", "location": {"lat": -33.9, "lon": 18.4}}, "-33.9, 18.4", ()),
        ({"type": "hologram"}, UNREADABLE, ()),
    ],
)
def test_kinds_of_messages(message, text, files):
    """Words where there are some, files as far as Viber tells of them; a card may be anybody's."""
    (event,) = parse("viber", viber_callback(message=message))
    assert (event.text, event.attachments) == (text, files)
    assert event.sender.identifiers == ("handle:viber:01234567890A=",)


def test_groups():
    """An answer goes to the chat."""
    (event,) = parse("viber", viber_callback(chat_id="C1"))
    assert (event.reply_to.address, event.sender.identifiers) == ("C1", ("handle:viber:01234567890A=",))


@pytest.mark.parametrize(
    "callback",
    [
        {"event": "webhook", "timestamp": 1457764197627, "message_token": 241256543215},
        {"event": "subscribed", "timestamp": 1, "user": {"id": "a="}, "message_token": 1},
        {"event": "unsubscribed", "timestamp": 1, "user_id": "a=", "message_token": 1},
        {"event": "conversation_started", "type": "open", "user": {"id": "a="}, "message_token": 1},
        {"event": "delivered", "timestamp": 1, "message_token": 1, "user_id": "a="},
        {"event": "seen", "timestamp": 1, "message_token": 1, "user_id": "a="},
        {"event": "failed", "timestamp": 1, "message_token": 1, "user_id": "a=", "desc": "failure"},
        {"event": "client_status", "status": {"code": 0}},
        {"event": "something new", "message": 5} | {"message": None},
    ],
)
def test_no_new_messages(callback):
    """The call that tries the address, subscriptions and receipts are no messages."""
    assert parse("viber", callback) == []


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (b"", "JSON"),
        ({}, "event"),
        (viber_callback(sender=None), "sender"),
        (viber_callback(message=None), "message"),
        (viber_callback(message_token=None), "message_token"),
        (viber_callback(message_token="9" * 9000), "message_token"),
        (viber_callback(sender={"id": ""}), "sender.id"),
    ],
)
def test_malformed(payload, detail):
    """What is wrong is said."""
    assert detail in refusal("viber", payload)
