"""Chat by Intercom."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.base import ReplyAddress
from schemas.messages import Attachment, ContactEnded, MessageReceived, Sender
from tests.unit.ingest.provider_side import NOW
from tests.unit.ingest.webhook_side import intake, parse, refusal

PLACE = ("chat", "intercom")
JAN = {"type": "user", "id": "5f7f", "name": "Jan Botha", "email": "Jan@Example.com"}
ADMIN = {"type": "admin", "id": "1", "name": "Ann", "email": "ann@acme.example"}


def part(number: int = 1, **changes: object) -> dict[str, object]:
    given = {
        "type": "conversation_part",
        "id": number,
        "part_type": "comment",
        "body": "<p>My printer is <b>broken</b></p>",
        "created_at": 1795339770,
        "author": JAN,
        "attachments": [],
    }
    return given | changes


def notified(topic: str, *parts: dict[str, object], **changes: object) -> dict[str, object]:
    item = {
        "type": "conversation",
        "id": "1911",
        "created_at": 1795339700,
        "source": {"type": "conversation", "id": "s1", "body": "<p>Hello AC-7K3Q9XM</p>", "author": JAN, "subject": ""},
        "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": "5f7f", "external_id": "u-9"}]},
        "conversation_parts": {"type": "conversation_part.list", "conversation_parts": list(parts)},
    }
    return {
        "type": "notification_event",
        "id": "notif_1",
        "topic": topic,
        "app_id": "a",
        "created_at": 1795339771,
        "data": {"type": "notification_event_data", "item": item | changes},
    }


def test_reply():
    """What a contact adds, whole: live, verified, answered into its conversation."""
    assert parse(PLACE, notified("conversation.user.replied", part())) == [
        MessageReceived(
            desk="acme",
            at=NOW,
            message_id=intake(PLACE).message_id("1911/1"),
            channel="chat",
            provider="intercom",
            provider_message_id="1911/1",
            sender=Sender(identifiers=("handle:intercom:5f7f", "email:jan@example.com"), name="Jan Botha"),
            reply_to=ReplyAddress(channel="chat", provider="intercom", address="1911", thread="1911"),
            text="My printer is broken",
            language="en",
            live=True,
            contact="1911",
            verified=True,
            sent_at=datetime(2026, 11, 22, 9, 29, 30, tzinfo=UTC),
        )
    ]


def test_beginning():
    """What a conversation begins with is a message, under the older name too."""
    (event,) = parse(PLACE, notified("conversation.user.created"))
    assert (event.text, event.case_reference, event.contact) == ("Hello AC-7K3Q9XM", "AC-7K3Q9XM", "1911")
    assert event.sent_at == datetime(2026, 11, 22, 9, 28, 20, tzinfo=UTC)
    old = {"type": "conversation", "id": "s1", "body": "<p>Hello AC-7K3Q9XM</p>", "author": JAN}
    assert parse(PLACE, notified("conversation.user.created", source=None, conversation_message=old)) == [event]


def test_mail_is_not_live():
    """Nobody waits for the answer to a mail that Intercom took."""
    source = {"type": "email", "id": "s1", "subject": "<b>Printer</b>", "body": "Hello", "author": JAN}
    (event,) = parse(PLACE, notified("conversation.user.created", source=source))
    assert (event.live, event.contact, event.subject) == (False, None, "Printer")


def test_several_parts():
    """All that contacts wrote counts, none of the rest: ours, notes, redacted, without words."""
    parts = (
        part(1),
        part(2, author=ADMIN),
        part(3, author={"type": "bot", "id": 1}),
        part(4, redacted=True),
        part(5, body=None, part_type="assignment"),
        part(6, author={"type": "lead", "id": "7"}, body="And my screen"),
        part(7, author=None),
    )
    events = parse(PLACE, notified("conversation.user.replied", *parts))
    assert [event.provider_message_id for event in events] == ["1911/1", "1911/6"]
    assert events[1].sender.identifiers == ("handle:intercom:7",)


def test_files():
    """Files are told of by name, type and size."""
    files = [{"type": "upload", "name": "a.png", "url": "https://x", "content_type": "image/png", "filesize": 9}]
    (event,) = parse(PLACE, notified("conversation.user.replied", part(body=None, attachments=files)))
    assert (event.text, event.language) == ("", None)
    assert event.attachments == (Attachment(name="a.png", media_type="image/png", size=9),)


def test_pictures():
    """A picture that stands alone in the text is a message too."""
    (event,) = parse(PLACE, notified("conversation.user.replied", part(body='<div><img src="https://x/y.png"></div>')))
    assert event.attachments == (Attachment(name="picture-1", media_type="image/*", size=0),)


def test_closed():
    """A conversation that is closed ends the contact, as often as it is closed."""
    (event,) = parse(PLACE, notified("conversation.admin.closed", part(9, author=ADMIN, part_type="close")))
    assert event == ContactEnded(
        desk="acme",
        at=NOW,
        message_id=intake(PLACE).message_id("notif_1 ended"),
        channel="chat",
        provider="intercom",
        contact="1911",
        sender=Sender(identifiers=("handle:intercom:5f7f",)),
        reason="closed",
    )
    (event,) = parse(PLACE, notified("conversation.admin.closed", contacts=None))
    assert event.sender.identifiers[0] == "handle:intercom:5f7f"
    assert parse(PLACE, notified("conversation.admin.closed", contacts=None, source=None)) == []


@pytest.mark.parametrize(
    "topic",
    [
        "ping",
        "conversation.admin.replied",
        "conversation.admin.noted",
        "conversation.deleted",
        "conversation.read",
        "conversation_part.redacted",
        "conversation.rating.added",
        "contact.email.updated",
    ],
)
def test_no_message(topic):
    """All other topics are taken without a message, whatever they hold."""
    assert parse(PLACE, notified(topic, part())) == []
    assert parse(PLACE, {"type": "notification_event", "topic": topic, "data": {"item": {"type": "ping"}}}) == []


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "JSON"),
        (b"[]", "object"),
        ({}, "topic"),
        ({"topic": "conversation.user.replied"}, "data"),
        (notified("conversation.user.replied", id=""), "data.item.id"),
        (notified("conversation.user.replied", part(body=["x"])), "body"),
        (notified("conversation.user.replied", *[part()] * 101), "100"),
        (b'{"topic":' * 5000, "JSON"),
        (b'{"topic":"\\ud800"}', "JSON"),
    ],
)
def test_malformed(body, detail):
    """What is wrong is said."""
    assert detail in refusal(PLACE, body)
