"""Messages by Sunshine Conversations."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.base import ReplyAddress
from schemas.messages import Attachment, ContactEnded, MessageReceived, Sender
from services.ingest.providers.chat_sunshine import UNREADABLE
from tests.unit.ingest.provider_side import NOW
from tests.unit.ingest.webhook_side import intake, parse, refusal

PLACE = ("chat", "sunshine")
USER = {"id": "u-9", "profile": {"givenName": "Jan", "surname": "Botha", "email": "Jan@Example.com"}}


def happened(kind: str, number: int = 1, **payload: object) -> dict[str, object]:
    given = {"conversation": {"id": "c-17", "type": "personal"}} | payload
    return {"id": f"e-{number}", "type": kind, "createdAt": "2026-11-22T09:29:31Z", "payload": given}


def said(content: dict[str, object], number: int = 1, **changes: object) -> dict[str, object]:
    author = {"type": "user", "userId": "u-9", "displayName": "Jan", "user": USER}
    given = {"id": f"m-{number}", "received": "2026-11-22T09:29:30.000Z", "author": author, "content": content}
    return happened("conversation:message", number, message=given | changes)


def batch(*events: dict[str, object]) -> dict[str, object]:
    return {"app": {"id": "a"}, "webhook": {"id": "w", "version": "v2"}, "events": list(events)}


TEXT = {"type": "text", "text": "My printer is broken"}


def test_text():
    """A text, whole."""
    assert parse(PLACE, batch(said(TEXT))) == [
        MessageReceived(
            desk="acme",
            at=NOW,
            message_id=intake(PLACE).message_id("m-1"),
            channel="chat",
            provider="sunshine",
            provider_message_id="m-1",
            sender=Sender(identifiers=("handle:sunshine:u-9", "email:jan@example.com"), name="Jan Botha"),
            reply_to=ReplyAddress(channel="chat", provider="sunshine", address="c-17", thread="c-17"),
            text="My printer is broken",
            language="en",
            live=True,
            contact="c-17",
            verified=True,
            sent_at=datetime(2026, 11, 22, 9, 29, 30, tzinfo=UTC),
        )
    ]


def test_batch():
    """Every message of a request counts, in order; what the business says, and what is taken back, does not."""
    events = parse(
        PLACE,
        batch(
            said(TEXT, 1),
            happened("conversation:typing", 2, activity={"type": "typing:start"}),
            said(TEXT, 3, author={"type": "business", "displayName": "Ann"}),
            said(TEXT, 4, deleted=True),
            said(TEXT, 5, author={"type": "user", "userId": "u-2", "displayName": "Li"}),
        ),
    )
    assert [event.provider_message_id for event in events] == ["m-1", "m-5"]
    assert events[1].sender == Sender(identifiers=("handle:sunshine:u-2",), name="Li")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"type": "formResponse", "fields": [{"label": "Order", "text": "4711"}, {"name": "x"}]}, "Order: 4711"),
        ({"type": "location", "coordinates": {"lat": -25.75, "long": 28.19}}, "-25.75, 28.19"),
        ({"type": "list", "textFallback": "1. Billing"}, "1. Billing"),
        ({"type": "something new"}, UNREADABLE),
    ],
)
def test_what_users_do(content, text):
    """What somebody filled in, chose or shared stands in the text in words."""
    assert parse(PLACE, batch(said(content)))[0].text == text


def test_media():
    """Media are told of, never fetched."""
    content = {"type": "image", "mediaUrl": "http://10.0.0.1/a.png", "mediaType": "image/png", "mediaSize": 7}
    (event,) = parse(PLACE, batch(said(content | {"altText": "a.png", "text": "see"})))
    assert (event.text, event.attachments) == ("see", (Attachment(name="a.png", media_type="image/png", size=7),))


def test_postback():
    """A button that was pressed is a message."""
    (event,) = parse(PLACE, batch(happened("conversation:postback", postback={"text": "Call me"}, user=USER)))
    assert (event.text, event.provider_message_id) == ("Call me", "e-1")


def test_removed():
    """A conversation that is removed ends the contact."""
    (event,) = parse(PLACE, batch(happened("conversation:remove", reason="userDeleted")))
    assert event == ContactEnded(
        desk="acme",
        at=NOW,
        message_id=intake(PLACE).message_id("e-1 ended"),
        channel="chat",
        provider="sunshine",
        contact="c-17",
        sender=Sender(identifiers=("handle:sunshine:conversation c-17",)),
        reason="closed",
    )


@pytest.mark.parametrize(
    "kind",
    [
        "conversation:create",
        "conversation:join",
        "conversation:leave",
        "conversation:read",
        "conversation:typing",
        "conversation:message:delivery:channel",
        "user:merge",
        "switchboard:passControl",
    ],
)
def test_no_message(kind):
    """Typing, reading, coming and going, and deliveries are no messages, whatever they hold."""
    assert parse(PLACE, batch(happened(kind, message="x"))) == []


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "JSON"),
        ({}, "events"),
        (batch({"id": "e-1"}), "type"),
        (batch(happened("conversation:message")), "message"),
        (batch(happened("conversation:postback", postback={})), "user"),
        (batch(said(TEXT, author={"type": "user"})), "userId"),
        (batch(said(TEXT, id="")), "message.id"),
        (batch(*[happened("x")] * 1001), "1000"),
        (batch(said(TEXT, author={"type": "user", "userId": "\u200b"})), "readable"),
    ],
)
def test_malformed(body, detail):
    """What is wrong is said."""
    assert detail in refusal(PLACE, body)
