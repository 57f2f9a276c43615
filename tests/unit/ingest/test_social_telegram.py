"""Telegram: updates as python-telegram-bot writes them, and which of them are messages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import telegram

from schemas.base import ReplyAddress
from schemas.messages import Attachment, MessageReceived, Sender
from services.ingest.normalise.instant import UNREADABLE
from tests.unit.ingest.messenger_side import NOW, TELEGRAM, intake, parse, refusal

WHEN = datetime(2026, 11, 22, 9, 29, 30, tzinfo=UTC)
JAN = telegram.User(1111111, "Jan", is_bot=False, last_name="Botha", language_code="af")
BOT = telegram.User(99, "Helper", is_bot=True)
PRIVATE = telegram.Chat(1111111, "private", first_name="Jan")
GROUP = telegram.Chat(-100200, "supergroup", title="Customers")
CHANNEL = telegram.Chat(-100300, "channel", title="News")
PHOTO = [telegram.PhotoSize(f"f{n}", f"u{n}", 10 * n, 10 * n, 100 * n) for n in (1, 2)]


def message(chat: telegram.Chat = PRIVATE, sender: telegram.User | None = JAN, **content: Any) -> telegram.Message:
    return telegram.Message(7, WHEN, chat, from_user=sender, **content)


def parsed(**what: Any):
    """The events of an update with this in it."""
    return parse("telegram", telegram.Update(10000, **what).to_dict())


def one(**content: Any) -> MessageReceived:
    (event,) = parsed(message=message(**content))
    return event


def test_text():
    """A text, whole."""
    quoted = telegram.Message(5, WHEN, PRIVATE, from_user=BOT, text="How can we help?")
    assert parsed(message=message(text="My printer is broken", reply_to_message=quoted)) == [
        MessageReceived(
            desk="acme",
            at=NOW,
            message_id=intake("telegram").message_id("10000 1111111/7"),
            channel="social",
            provider="telegram",
            provider_message_id="1111111/7",
            sender=Sender(identifiers=("handle:telegram:1111111",), name="Jan Botha"),
            reply_to=ReplyAddress(channel="social", provider="telegram", address="1111111"),
            text="My printer is broken",
            language="en",
            references=("1111111/5",),
            verified=True,
            sent_at=WHEN,
        )
    ]


def test_repeats():
    """The same update is the same event; another update, or another bot's with the same number, is not."""
    other_bot = TELEGRAM | {"message": TELEGRAM["message"] | {"message_id": 3}}
    ids = [
        parse("telegram", each)[0].message_id for each in (TELEGRAM, TELEGRAM, TELEGRAM | {"update_id": 1}, other_bot)
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


FILE = ("f", "u")


@pytest.mark.parametrize(
    ("content", "text", "files"),
    [
        ({"photo": PHOTO, "caption": "Look"}, "Look", [("photo", "image/jpeg", 200)]),
        (
            {"document": telegram.Document(*FILE, file_name="a.log", mime_type="text/plain", file_size=9)},
            "",
            [("a.log", "text/plain", 9)],
        ),
        (
            {"voice": telegram.Voice(*FILE, duration=3, mime_type="audio/ogg", file_size=5)},
            "",
            [("voice", "audio/ogg", 5)],
        ),
        ({"audio": telegram.Audio(*FILE, duration=3, file_name="a.mp3")}, "", [("a.mp3", "audio/mpeg", 0)]),
        ({"video": telegram.Video(*FILE, 1, 1, 1, mime_type="video/mp4")}, "", [("video", "video/mp4", 0)]),
        ({"video_note": telegram.VideoNote(*FILE, 1, 1)}, "", [("video_note", "application/octet-stream", 0)]),
        (
            {
                "animation": telegram.Animation(*FILE, 1, 1, 1, file_name="a.mp4"),
                "document": telegram.Document(*FILE, file_name="a.mp4"),
            },
            "",
            [("a.mp4", "video/mp4", 0)],
        ),
        (
            {"sticker": telegram.Sticker(*FILE, 1, 1, False, False, "regular", emoji="👍", file_size=4)},
            "👍",
            [("sticker", "application/octet-stream", 4)],
        ),
        ({"location": telegram.Location(18.4, -33.9)}, "-33.9, 18.4", []),
        (
            {"venue": telegram.Venue(telegram.Location(18.4, -33.9), "Depot", "Main Road 1")},
            "Depot\nMain Road 1",
            [],
        ),
        ({"dice": telegram.Dice(5, "🎲")}, "🎲 5", []),
        ({"story": telegram.Story(PRIVATE, 1)}, UNREADABLE, []),
    ],
)
def test_kinds_of_messages(content, text, files):
    """Words where there are some, files as far as Telegram tells of them."""
    event = one(**content)
    assert event.text == text
    assert event.attachments == tuple(Attachment(name=n, media_type=t, size=s) for n, t, s in files)


def test_own_and_other_cards():
    """A sender's own card is a number that Telegram vouches for; another's is only text."""
    own = one(contact=telegram.Contact("27821234567", "Jan", last_name="Botha", user_id=1111111))
    other = one(contact=telegram.Contact("+27829999999", "Ann", user_id=5))
    assert own.sender.identifiers == ("handle:telegram:1111111", "tel:+27821234567")
    assert other.sender.identifiers == ("handle:telegram:1111111",)
    assert (own.text, other.text) == ("Jan Botha\n27821234567", "Ann\n+27829999999")


def test_groups_and_topics():
    """An answer goes to the group, and to the topic in it."""
    event = one(chat=GROUP, text="Hello there", message_thread_id=4, is_topic_message=True)
    assert event.reply_to == ReplyAddress(channel="social", provider="telegram", address="-100200", thread="4")
    assert event.sender.identifiers == ("handle:telegram:1111111",)


def test_on_behalf_of_a_channel():
    """In a group somebody may write as their channel; the channel is who is known then."""
    fake = telegram.User(136817688, "Channel", is_bot=True)
    event = one(chat=GROUP, sender=fake, sender_chat=CHANNEL, text="Hello there")
    assert (event.sender.identifiers, event.sender.name) == (("handle:telegram:-100300",), "News")


def test_business_accounts():
    """Of a business account's chats the customer's side counts; the connection is what to answer by."""
    customer = message(text="Hello there", business_connection_id="bc1")
    ours = message(sender=telegram.User(42, "Desk", is_bot=False), text="Good day", business_connection_id="bc1")
    by_bot = message(text="Good day", business_connection_id="bc1", sender_business_bot=BOT)
    (event,) = parsed(business_message=customer)
    assert (event.text, event.reply_to.thread) == ("Hello there", "bc1")
    assert parsed(business_message=ours) == parsed(business_message=by_bot) == []


def test_pressed_buttons():
    """The words on the button are the message, or else the data behind it."""
    keyboard = telegram.InlineKeyboardMarkup(
        [
            [telegram.InlineKeyboardButton("Still broken", callback_data="no")],
            [telegram.InlineKeyboardButton("A", url="https://a.example")],
        ]
    )
    ours = telegram.Message(5, WHEN, PRIVATE, from_user=BOT, text="Does it work now?", reply_markup=keyboard)
    events = [
        *parsed(callback_query=telegram.CallbackQuery("4382", JAN, "ci", message=ours, data="no")),
        *parsed(callback_query=telegram.CallbackQuery("4383", JAN, "ci", data="other", inline_message_id="i")),
    ]
    assert [event.text for event in events] == ["Still broken", "other"]
    assert [event.provider_message_id for event in events] == ["callback/4382", "callback/4383"]
    assert {event.reply_to.address for event in events} == {"1111111"}
    assert parsed(callback_query=telegram.CallbackQuery("4384", JAN, "ci", game_short_name="g")) == []


@pytest.mark.parametrize(
    "update",
    [
        {"edited_message": message(text="other words")},
        {"channel_post": message(CHANNEL, None, text="News", sender_chat=CHANNEL)},
        {"edited_channel_post": message(CHANNEL, None, text="News")},
        {"edited_business_message": message(text="other words")},
        {"message": message(sender=BOT, text="I am a bot")},
        {"message": message(GROUP, None, text="unnamed admin", sender_chat=GROUP)},
        {
            "message": message(
                GROUP,
                telegram.User(777000, "Telegram", is_bot=False),
                text="News",
                sender_chat=CHANNEL,
                is_automatic_forward=True,
            )
        },
        {"message": message(GROUP, new_chat_members=[JAN])},
        {"message": message(GROUP, left_chat_member=JAN)},
        {"message": message(GROUP, new_chat_title="x")},
        {"message": message(GROUP, pinned_message=message(GROUP, text="x"))},
        {"message": message(migrate_to_chat_id=-5)},
        {
            "message_reaction": telegram.MessageReactionUpdated(
                PRIVATE, 7, WHEN, [], [telegram.ReactionTypeEmoji("👍")], user=JAN
            )
        },
        {
            "poll": telegram.Poll(
                "1", "?", [], 0, False, True, "regular", False, allows_revoting=False, members_only=False
            )
        },
        {"inline_query": telegram.InlineQuery("1", JAN, "prin", "")},
    ],
    ids=lambda update: next(iter(update)),
)
def test_no_new_messages(update):
    """Edits, posts of channels, bots, notices, reactions, polls and searches are no messages."""
    assert parsed(**update) == []


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (b"", "JSON"),
        ({}, "update_id"),
        ({"update_id": 1, "message": {"message_id": 1}}, "chat"),
        ({"update_id": "x"}, "update_id"),
        ({"update_id": 1, "message": 5}, "message"),
        (b'{"update_id":1,"message":' + b'{"reply_to_message":' * 9000, "JSON"),
    ],
)
def test_malformed(payload, detail):
    """What is wrong is said."""
    assert detail in refusal("telegram", payload)
