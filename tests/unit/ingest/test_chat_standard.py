"""Chat in our own payload."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from schemas.base import ReplyAddress
from schemas.messages import Attachment, ContactEnded, MessageReceived, Sender
from services.ingest.provider import Rejected
from tests.unit.ingest.provider_side import NOW, chat, intake, parse

SENDER = Sender(identifiers=("handle:chat:u-9", "email:jan@example.com", "tel:+27821234567"), name="Jan Botha")


def test_message():
    """A message, whole: live, verified, answered into its conversation."""
    assert parse("standard", chat()) == [
        MessageReceived(
            desk="acme",
            at=NOW,
            message_id=intake("standard").message_id("m-1"),
            channel="chat",
            provider="standard",
            provider_message_id="m-1",
            sender=SENDER,
            reply_to=ReplyAddress(channel="chat", provider="standard", address="c-17", thread="c-17"),
            text="Hello, my printer does not work.",
            language="en",
            live=True,
            contact="c-17",
            verified=True,
            sent_at=datetime(2026, 11, 22, 9, 29, 30, tzinfo=UTC),
        )
    ]


def test_ended():
    """The end of a chat; needs no message id."""
    body = chat(type="ended", message_id=None, text=None)
    assert parse("standard", body) == [
        ContactEnded(
            desk="acme",
            at=NOW,
            message_id=intake("standard").message_id("c-17 ended"),
            channel="chat",
            provider="standard",
            contact="c-17",
            sender=SENDER,
            reason="closed",
        )
    ]


def test_language_and_files():
    """What the adapter says about the language counts; files come along as metadata, without their bytes."""
    files = [{"name": "a\r\nb.png", "media_type": "image/png", "size": 7}]
    (event,) = parse("standard", chat(language="af", text="", attachments=files))
    assert event.language == "af"
    assert event.attachments == (Attachment(name="a b.png", media_type="image/png", size=7),)


def test_unusable_contact_data_is_left_out():
    """What is no mail address and no phone number identifies nobody."""
    (event,) = parse("standard", chat(customer={"id": "u-9", "email": "jan", "phone": "call me"}))
    assert event.sender == Sender(identifiers=("handle:chat:u-9",))


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "JSON"),
        (b"[]", "object"),
        (b"{", "JSON"),
        (b"\xff\xfe", "JSON"),
        (b"[" * 100_000, "JSON"),
        (chat(type="typing"), "type"),
        (chat(conversation=None), "conversation"),
        (chat(conversation=""), "conversation"),
        (chat(message_id=None), "message_id"),
        (chat(text=""), "text"),
        (chat(text=5), "text"),
        (chat(customer={}), "customer.id"),
        (chat(customer={"id": "\u200b\x00"}), "customer.id"),
        (chat(sent_at="yesterday"), "sent_at"),
        (chat(sent_at="2026-11-22T09:00:00"), "zone"),
        (chat(language="English"), "language"),
        (chat(attachments=[{"name": "x", "media_type": "image/png", "size": -1}]), "attachments"),
        (chat(attachments=[{"name": "x", "media_type": "image/png", "size": 1}] * 101), "attachments"),
        (json.dumps({"text": "\ud800"}).encode(), "JSON"),
    ],
)
def test_malformed(body, detail):
    """What is wrong is said, without the customer's words."""
    with pytest.raises(Rejected) as rejected:
        parse("standard", body)
    assert rejected.value.reason == "malformed"
    assert detail in rejected.value.detail
    assert "yesterday" not in rejected.value.detail


def test_odd_json():
    """NUL, control characters, a key twice and unknown keys do no harm."""
    body = chat(text="one\x00two\x1b[31m", unknown=[1]).replace(
        b'"type": "message"', b'"type": "ended", "type": "message"'
    )
    (event,) = parse("standard", body)
    assert isinstance(event, MessageReceived)
    assert event.text.startswith("onetwo")
    assert event.text.isprintable()
