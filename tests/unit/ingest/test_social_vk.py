"""VK: callbacks, which of them are messages, and the confirmation of the address."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.base import ReplyAddress
from schemas.messages import Attachment, MessageReceived, Sender
from services.ingest.normalise.instant import UNREADABLE
from services.ingest.provider import Rejected
from services.ingest.providers.social_vk import PROVIDER, challenge
from tests.unit.ingest.messenger_side import (
    NOW,
    SIDES,
    dumped,
    intake,
    parse,
    refusal,
    request,
    vk_callback,
    vk_message,
)

EVENT = "be5cdd4d08e46d5a4a2f7b1c0e02c7c3d1f7a6e2"


def one(**content: object) -> MessageReceived:
    (event,) = parse("vk", vk_callback(object={"message": vk_message(**content)}))
    return event


def test_text():
    """A text, whole."""
    quoted = {"conversation_message_id": 12, "from_id": -1, "text": "How can we help?"}
    assert parse("vk", vk_callback(object={"message": vk_message(reply_message=quoted), "client_info": {}})) == [
        MessageReceived(
            desk="acme",
            at=NOW,
            message_id=intake("vk").message_id(EVENT),
            channel="social",
            provider="vk",
            provider_message_id="123456/15",
            sender=Sender(identifiers=("handle:vk:123456",)),
            reply_to=ReplyAddress(channel="social", provider="vk", address="123456"),
            text="My printer is broken",
            language="en",
            references=("123456/12",),
            verified=True,
            sent_at=datetime(2026, 11, 22, 9, 29, 30, tzinfo=UTC),
        )
    ]


def test_older_versions():
    """Before 5.103 the object was the message itself, and events had no id."""
    (event,) = parse("vk", vk_callback(object=vk_message(conversation_message_id=None), event_id=None))
    assert (event.text, event.provider_message_id) == ("My printer is broken", "123456/17")
    assert event.message_id == intake("vk").message_id("1/123456/17")


@pytest.mark.parametrize(
    ("content", "text", "files"),
    [
        (
            {"text": "", "attachments": [{"type": "photo", "photo": {"id": 1, "sizes": []}}]},
            "",
            [("photo", "image/jpeg", 0)],
        ),
        (
            {"attachments": [{"type": "doc", "doc": {"title": "a.pdf", "size": 9, "ext": "pdf", "url": "https://x"}}]},
            "My printer is broken",
            [("a.pdf", "application/pdf", 9)],
        ),
        (
            {"text": "", "attachments": [{"type": "audio_message", "audio_message": {"duration": 3}}]},
            "",
            [("audio_message", "audio/ogg", 0)],
        ),
        (
            {"text": "", "attachments": [{"type": "link", "link": {"url": "https://example.com", "title": "A page"}}]},
            "A page\nhttps://example.com",
            [],
        ),
        ({"text": "", "attachments": [{"type": "sticker", "sticker": {"sticker_id": 1}}]}, "[sticker]", []),
        ({"text": "", "attachments": [{"type": "wall", "wall": {"id": 1, "text": "A post"}}]}, "A post", []),
        ({"text": "", "attachments": [{"type": "photo", "photo": 5}]}, "", [("photo", "image/jpeg", 0)]),
        ({"text": "", "geo": {"coordinates": {"latitude": -33.9, "longitude": 18.4}}}, "-33.9, 18.4", []),
        ({"text": "See", "fwd_messages": [{"text": "It broke"}, {"text": ""}]}, "See\nIt broke", []),
        ({"text": ""}, UNREADABLE, []),
    ],
)
def test_kinds_of_messages(content, text, files):
    """Words where there are some, files as far as VK tells of them."""
    event = one(**content)
    assert event.text == text
    assert event.attachments == tuple(Attachment(name=n, media_type=t, size=s) for n, t, s in files)


def test_russian():
    """Most who write by VK write Russian."""
    assert one(text="Здравствуйте, принтер не печатает").language == "ru"


def test_group_chats():
    """An answer goes to the conversation."""
    event = one(peer_id=2000000001)
    assert (event.reply_to.address, event.sender.identifiers) == ("2000000001", ("handle:vk:123456",))


@pytest.mark.parametrize(
    ("payload", "text"),
    [({"label": "Call me", "x": 1}, "Call me"), ({"command": "start"}, "start"), ("call", "call")],
)
def test_pressed_buttons(payload, text):
    """VK tells only the data behind a button; words in it are the message."""
    pressed = {"user_id": 5, "peer_id": 5, "event_id": "x", "payload": payload, "conversation_message_id": 3}
    (event,) = parse("vk", vk_callback("message_event", object=pressed))
    assert (event.text, event.message_id) == (text, intake("vk").message_id(EVENT))


@pytest.mark.parametrize(
    "callback",
    [
        vk_callback("message_reply", object=vk_message(out=1, from_id=-1)),
        vk_callback("message_edit", object=vk_message()),
        vk_callback("message_read", object={"from_id": 1, "peer_id": 1}),
        vk_callback("message_typing_state", object={"state": "typing", "from_id": 1, "to_id": -1}),
        vk_callback("message_reaction_event", object={"reaction_id": 1}),
        vk_callback("message_allow", object={"user_id": 1, "key": ""}),
        vk_callback("wall_reply_new", object={"id": 1, "from_id": 1, "text": "Nice"}),
        vk_callback("group_join", object={"user_id": 1, "join_type": "join"}),
        vk_callback("something_new", object=None),
        vk_callback(object={"message": vk_message(out=1)}),
        vk_callback(object={"message": vk_message(from_id=-1)}),
        vk_callback(object={"message": vk_message(action={"type": "chat_invite_user"})}),
        vk_callback("message_event", object={"user_id": 5, "peer_id": 5, "payload": {"n": 1}}),
    ],
)
def test_no_new_messages(callback):
    """What we wrote, edits, reads, typing, reactions, the wall and notices are no messages."""
    assert parse("vk", callback) == []


def test_answer():
    """Whatever it was, VK hears `ok`, or it sends it again."""
    assert PROVIDER.answer(request("vk", b""), [], intake("vk")).body == b"ok"


def asked(secrets=SIDES["vk"].secrets[:2], **fields):
    return challenge(request("vk", dumped({"type": "confirmation", "group_id": 1} | fields)), secrets)


def test_confirmation():
    """VK gets the confirmation string, of the key that comes along or else the first."""
    assert asked().body == b"2fd1cb35"
    assert asked(secret="second").body == b"6f0c"
    assert asked().media_type.startswith("text/plain")


def test_confirmation_refused():
    """With a key that is not the source's, or without secrets, there is nothing to say."""
    for secrets, fields, reason in [
        (SIDES["vk"].secrets[:2], {"secret": "wrong"}, "forged"),
        (SIDES["vk"].secrets[:2], {"secret": "é"}, "forged"),
        ((), {}, "unsigned"),
    ]:
        with pytest.raises(Rejected) as rejected:
            asked(secrets, **fields)
        assert rejected.value.reason == reason


def test_everything_else_is_no_confirmation():
    """Only a confirmation is answered before proof."""
    assert challenge(request("vk", dumped(vk_callback())), SIDES["vk"].secrets) is None


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (b"", "JSON"),
        ({}, "type"),
        (vk_callback(object=None), "Message"),
        (vk_callback(object={"message": {"text": "nobody"}}), "from_id"),
        (vk_callback("message_event", object={"user_id": "x"}), "user_id"),
        (vk_callback(object={"message": vk_message(peer_id="9" * 5000)}), "peer_id"),
    ],
)
def test_malformed(payload, detail):
    """What is wrong is said."""
    assert detail in refusal("vk", payload)
