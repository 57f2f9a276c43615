"""LINE: batches, and what of them is a message."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.base import ReplyAddress
from schemas.messages import Attachment, MessageReceived, Sender
from services.ingest.normalise.instant import UNREADABLE
from tests.unit.ingest.messenger_side import NOW, intake, line_batch, line_event, parse, refusal

USER = "U206d25c2ea6bd87c17655609a1c37cb8"


def one(**changes):
    (event,) = parse("line", line_batch(line_event(**changes)))
    return event


def sent(kind: str, **content: object) -> dict[str, object]:
    return {"id": "325708", "type": kind} | content


def test_text():
    """A text, whole."""
    text = {"id": "468201", "type": "text", "text": "My printer is broken", "quotedMessageId": "468200"}
    assert parse("line", line_batch(line_event(message=text))) == [
        MessageReceived(
            desk="acme",
            at=NOW,
            message_id=intake("line").message_id("01FZ74A0TDDPYRVKNK77XKC3Z1 468201"),
            channel="social",
            provider="line",
            provider_message_id="468201",
            sender=Sender(identifiers=(f"handle:line:{USER}",)),
            reply_to=ReplyAddress(channel="social", provider="line", address=USER),
            text="My printer is broken",
            language="en",
            references=("468200",),
            verified=True,
            sent_at=datetime(2026, 11, 22, 9, 29, 30, tzinfo=UTC),
        )
    ]


def test_every_message_of_a_batch():
    """All count, in order; one without a source does not take the others along."""
    events = parse("line", line_batch(line_event(1), line_event(2, source=None), line_event(3)))
    assert [event.provider_message_id for event in events] == ["468201", "468203"]


def test_redelivery():
    """A redelivery is the same event."""
    assert one() == one(deliveryContext={"isRedelivery": True})
    assert one().message_id != one(webhookEventId="01FZ74A0TDDPYRVKNK77XKC3ZZ").message_id


@pytest.mark.parametrize(
    ("source", "who", "address"),
    [
        ({"type": "group", "groupId": "C1", "userId": "U1"}, "handle:line:U1", "C1"),
        ({"type": "room", "roomId": "R1", "userId": "U1"}, "handle:line:U1", "R1"),
        ({"type": "room", "roomId": "R1"}, "handle:line:R1", "R1"),
    ],
)
def test_groups(source, who, address):
    """An answer goes to the group; who has not agreed to be known is known by it."""
    event = one(source=source)
    assert (event.sender.identifiers, event.reply_to.address) == ((who,), address)


@pytest.mark.parametrize(
    ("message", "text", "files"),
    [
        (
            sent("image", contentProvider={"type": "line"}),
            "",
            (Attachment(name="image", media_type="image/jpeg", size=0),),
        ),
        (sent("video", duration=60000), "", (Attachment(name="video", media_type="video/mp4", size=0),)),
        (sent("audio", duration=60000), "", (Attachment(name="audio", media_type="audio/m4a", size=0),)),
        (
            sent("file", fileName="../in\nvoice.pdf", fileSize=2138),
            "",
            (Attachment(name="../in voice.pdf", media_type="application/pdf", size=2138),),
        ),
        (
            sent("location", title="my location", address="Tokyo", latitude=35.65, longitude=139.7),
            "my location\nTokyo\n35.65, 139.7",
            (),
        ),
        (sent("sticker", keywords=["Love You", "Love"]), "[Love You, Love]", ()),
        (sent("sticker", text="Just sticker", keywords=["Love"]), "Just sticker", ()),
        (sent("sticker"), "[sticker]", ()),
        (sent("hologram"), UNREADABLE, ()),
    ],
)
def test_kinds_of_messages(message, text, files):
    """Words where there are some, files as far as LINE tells of them."""
    event = one(message=message)
    assert (event.text, event.attachments) == (text, files)


@pytest.mark.parametrize(
    ("postback", "text"),
    [
        ({"data": "action=call"}, "action=call"),
        ({"data": "when", "params": {"datetime": "2026-11-23T10:00"}}, "when\n2026-11-23T10:00"),
    ],
)
def test_pressed_buttons(postback, text):
    """LINE tells only the data behind a button, and the time that was picked."""
    event = one(type="postback", message=None, postback=postback)
    assert (event.text, event.provider_message_id) == (text, "01FZ74A0TDDPYRVKNK77XKC3Z1")


@pytest.mark.parametrize(
    "event",
    [
        line_event(type="messageEdited"),
        line_event(type="unsend", message=None, unsend={"messageId": "468201"}),
        line_event(type="follow", message=None),
        line_event(type="unfollow", message=None),
        line_event(type="join", message=None, source={"type": "group", "groupId": "C1"}),
        line_event(type="memberJoined", message=None, joined={"members": []}),
        line_event(type="videoPlayComplete", message=None, videoPlayComplete={"trackingId": "t"}),
        line_event(type="beacon", message=None, beacon={"hwid": "d41d8cd98f", "type": "enter"}),
        line_event(type="delivery", message=None, delivery={"data": "x"}),
        line_event(type="something new", message=None),
        line_event(mode="standby"),
        line_event(
            type="postback",
            message=None,
            postback={"data": "x", "params": {"newRichMenuAliasId": "b", "status": "SUCCESS"}},
        ),
    ],
)
def test_no_new_messages(event):
    """Edits, unsent messages, joins, receipts, turned menus and what another module answers are no messages."""
    assert parse("line", line_batch(event)) == []


def test_the_console_verifies():
    """The console's "Verify" sends no events, and is answered."""
    assert parse("line", line_batch()) == []


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (b"", "JSON"),
        ({"destination": "U1"}, "events"),
        (line_batch(line_event(source=None)), "source"),
        (line_batch(line_event(message=None)), "message"),
        (line_batch(line_event(type="postback", message=None)), "postback"),
        (line_batch(line_event(message={"type": "text", "text": "no id"})), "id"),
    ],
)
def test_malformed(payload, detail):
    """What is wrong is said."""
    assert detail in refusal("line", payload)
