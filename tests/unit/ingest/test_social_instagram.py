"""Instagram: Messenger's batches, and what is its own."""

from __future__ import annotations

import pytest

from schemas.base import ReplyAddress
from services.ingest.normalise.instant import UNREADABLE
from tests.unit.ingest.messenger_side import batch, happened, intake, parse, refusal


def instagram(*events, **entry):
    return batch(*events, kind="instagram", **entry)


def test_text():
    """A direct message, under Instagram's own names."""
    (event,) = parse("instagram", instagram(happened()))
    assert event.message_id == intake("instagram").message_id("m_1")
    assert event.sender.identifiers == ("handle:instagram:24015",)
    assert event.reply_to == ReplyAddress(channel="social", provider="instagram", address="24015")
    assert (event.provider, event.text, event.live) == ("instagram", "My printer is broken", False)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"text": "Is this for sale?", "reply_to": {"story": {"id": "1", "url": "https://x.example"}}}, None),
        (
            {"attachments": [{"type": "story_mention", "payload": {"url": "https://cdn.example/s"}}]},
            "https://cdn.example/s",
        ),
        ({"attachments": [{"type": "share", "payload": {"url": "https://cdn.example/p"}}]}, "https://cdn.example/p"),
        (
            {
                "attachments": [
                    {
                        "type": "ig_reel",
                        "payload": {"reel_video_id": "1", "title": "Look", "url": "https://cdn.example/r"},
                    }
                ]
            },
            "Look\nhttps://cdn.example/r",
        ),
        ({"is_unsupported": True}, UNREADABLE),
        ({"attachments": [{"type": "like_heart"}]}, UNREADABLE),
    ],
)
def test_what_is_shared(content, text):
    """Stories, posts and reels are told by their addresses, which nobody fetches."""
    (event,) = parse("instagram", instagram(happened(message={"mid": "m_1"} | content)))
    assert event.text == (text or content["text"])
    assert event.references == ()


def test_its_own_login():
    """Instagram's own login brings the same events as changes, one by one, and comments beside them."""
    changes = [
        {"field": "messages", "value": happened(1)},
        {"field": "messaging_postbacks", "value": happened(postback={"mid": "m_2", "title": "Call me"})},
        {"field": "comments", "value": {"id": "1", "text": "Nice", "from": {"id": "5", "username": "jan"}}},
        {"field": "message_reactions", "value": happened(reaction={"mid": "m_1"})},
    ]
    entry = {"id": "1700", "time": 1, "changes": changes}
    events = parse("instagram", {"object": "instagram", "entry": [entry]})
    assert [event.text for event in events] == ["My printer is broken", "Call me"]


@pytest.mark.parametrize(
    "event",
    [
        happened(message={"mid": "m_1", "text": "ours", "is_echo": True}),
        happened(message={"mid": "m_1", "text": "to oneself", "is_echo": True, "is_self": True}),
        happened(message={"mid": "m_1", "is_deleted": True}),
        happened(message_edit={"mid": "m_1", "text": "other words", "num_edit": 1}),
        happened(reaction={"mid": "m_1", "action": "unreact"}),
        happened(read={"mid": "m_1"}),
        happened(referral={"ref": "x"}),
    ],
)
def test_no_new_messages(event):
    """Echoes, unsent and edited messages, reactions and receipts are no messages."""
    assert parse("instagram", instagram(event)) == []


def test_the_same_id_on_two_networks():
    """Messenger and Instagram never share an event's id."""
    one, other = parse("instagram", instagram(happened())), parse("messenger", batch(happened()))
    assert one[0].message_id != other[0].message_id


def test_malformed():
    """What is wrong is said, inside of changes too."""
    assert "another product" in refusal("instagram", batch(happened()))
    bad = {"object": "instagram", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {"message": 5}}]}]}
    assert "message" in refusal("instagram", bad)
