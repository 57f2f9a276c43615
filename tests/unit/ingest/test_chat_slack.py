"""Slack: events and forms, and which of them are messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from schemas.base import ReplyAddress
from schemas.messages import Attachment, MessageReceived, Sender
from services.ingest.normalise.instant import UNREADABLE
from services.ingest.providers.chat_slack import PROVIDER
from tests.unit.ingest.messenger_side import (
    FORM,
    NOW,
    SECOND_OF_NOW,
    dumped,
    intake,
    parse,
    refusal,
    request,
    slack_event,
)

STAMP = f"{SECOND_OF_NOW - 30}.000200"
IS_FORM = {"content-type": f"{FORM}; charset=utf-8"}
COMMAND = {
    "command": "/support",
    "text": "My printer is broken",
    "user_id": "U0234567",
    "user_name": "jan",
    "channel_id": "C0123456",
    "trigger_id": "13345224609.738474920.8088930838d88f008e0",
    "response_url": "https://hooks.slack.example/1",
}
PRESSED = {
    "type": "block_actions",
    "user": {"id": "U0234567", "username": "jan", "name": "jan", "team_id": "T061EG9R6"},
    "trigger_id": "1.2.3",
    "container": {"type": "message", "message_ts": STAMP, "channel_id": "C0123456", "thread_ts": "1700000000.000100"},
    "channel": {"id": "C0123456", "name": "help"},
    "actions": [
        {
            "type": "button",
            "block_id": "b",
            "action_id": "still",
            "text": {"type": "plain_text", "text": "Still broken &amp; urgent"},
            "value": "no",
            "action_ts": STAMP,
        }
    ],
}


def one(envelope=None, **changes) -> MessageReceived:
    (event,) = parse("slack", slack_event(envelope, **changes))
    return event


def form(**fields: str) -> bytes:
    return urlencode(fields).encode()


def interaction(**changes: object) -> bytes:
    return form(payload=json.dumps(PRESSED | changes))


def test_text():
    """A text in a channel, whole: answered in its thread, and not live."""
    assert parse("slack", slack_event(user_profile={"real_name": "Jan Botha"})) == [
        MessageReceived(
            desk="acme",
            at=NOW,
            message_id=intake("slack").message_id("Ev0PV52K21"),
            channel="chat",
            provider="slack",
            provider_message_id=f"C0123456/{STAMP}",
            sender=Sender(identifiers=("handle:slack:U0234567",), name="Jan Botha"),
            reply_to=ReplyAddress(channel="chat", provider="slack", address="C0123456", thread=STAMP),
            text="My printer is broken",
            language="en",
            verified=True,
            sent_at=datetime.fromtimestamp(float(STAMP), UTC),
        )
    ]


def test_threads():
    """What is said in a thread refers to its beginning; a direct conversation has no threads unless one is made."""
    reply = one(thread_ts="1700000000.000100")
    assert reply.references == ("C0123456/1700000000.000100",)
    assert reply.reply_to.thread == "1700000000.000100"
    root = one(thread_ts=STAMP)
    assert (root.references, root.reply_to.thread) == ((), STAMP)
    assert one(channel="D1", channel_type="im").reply_to == ReplyAddress(channel="chat", provider="slack", address="D1")


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast", "me_message"])
def test_subtypes_by_people(subtype):
    """People write these, too."""
    assert one(subtype=subtype).text == "My printer is broken"


def test_files():
    """Files as Slack tells of them; those of another organisation come without names."""
    files = [
        {"id": "F1", "name": "a.png", "mimetype": "image/png", "size": 7, "url_private": "https://files.example/a"},
        {"id": "F2", "mode": "file_access", "file_access": "check_file_info"},
    ]
    assert one(subtype="file_share", text="", files=files).attachments == (
        Attachment(name="a.png", media_type="image/png", size=7),
        Attachment(name="F2", media_type="application/octet-stream", size=0),
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("5 &lt; 6 &amp;&amp; 7 &gt; 6", "5 < 6 && 7 > 6"),
        ("see <https://example.com/a?b=1&amp;c=2>", "see https://example.com/a?b=1&c=2"),
        ("see <https://example.com|the page>", "see the page (https://example.com)"),
        ("<https://example.com|example.com>", "https://example.com"),
        ("<mailto:jan@example.com|jan@example.com>", "jan@example.com"),
        (
            "<@U0LAN0Z89> and <@U1|ann> in <#C1|help> <!here> <!subteam^S1|@team>",
            "@U0LAN0Z89 and @ann in #help @here @team",
        ),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_markup(written, read):
    """Slack's markup becomes what one reads."""
    assert one(text=written).text == read


def test_passed_on():
    """What is passed on without a word is the message; what holds nothing readable is still one."""
    assert (
        one(text="", attachments=[{"text": "It broke", "is_share": True}, {"fallback": "A page"}]).text
        == "It broke\nA page"
    )
    assert one(text="Look", attachments=[{"text": "preview of a link"}]).text == "Look"
    assert one(text="", blocks=[]).text == UNREADABLE


@pytest.mark.parametrize(
    "payload",
    [
        slack_event(bot_id="B1", app_id="A1"),
        slack_event(subtype="bot_message", bot_id="B1", user=None),
        slack_event(subtype="bot_message", user=None, text="an older bot"),
        slack_event(subtype="message_changed", hidden=True, user=None, message={"text": "other words"}),
        slack_event(subtype="message_deleted", hidden=True, user=None, deleted_ts=STAMP),
        slack_event(subtype="message_replied", hidden=True),
        slack_event(subtype="channel_join", text="<@U1> has joined"),
        slack_event(subtype="channel_topic"),
        slack_event(subtype="something_new"),
        slack_event(hidden=True),
        slack_event(type="app_mention"),
        slack_event(type="reaction_added", reaction="+1", channel=None),
        slack_event(type="user_typing"),
        slack_event(type="channel_created", channel={"id": "C1"}, user=None),
        slack_event(type="team_join", user={"id": "U1"}),
        {"type": "app_rate_limited", "minute_rate_limited": 1, "team_id": "T1", "api_app_id": "A1"},
        {"type": "url_verification", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"},
    ],
)
def test_no_new_messages(payload):
    """Bots, edits, deletions, notices, mentions (told a second time), reactions and typing are no messages."""
    assert parse("slack", payload) == []


def test_commands():
    """A slash command with words is a message; without any it asks for nothing."""
    (event,) = parse("slack", form(**COMMAND), IS_FORM)
    assert event.message_id == intake("slack").message_id(COMMAND["trigger_id"])
    assert (event.text, event.sender.name, event.reply_to.address) == ("My printer is broken", "jan", "C0123456")
    assert event.sender.identifiers == ("handle:slack:U0234567",)
    assert parse("slack", form(**COMMAND | {"text": " "}), IS_FORM) == []


def test_pressed_buttons():
    """A button of ours that was pressed is a message with its words, in the thread that it is in."""
    (event,) = parse("slack", interaction(), IS_FORM)
    assert (event.text, event.sender.name) == ("Still broken & urgent", "jan")
    assert event.reply_to.thread == "1700000000.000100"
    assert event.references == ("C0123456/1700000000.000100",)
    assert parse("slack", interaction(), IS_FORM) == [event]


def test_choices():
    """Each choice counts; links are none."""
    actions = [
        {"action_id": "a", "action_ts": STAMP, "selected_option": {"text": {"text": "Printer"}, "value": "p"}},
        {"action_id": "b", "action_ts": STAMP, "value": "only a value"},
        {"action_id": "c", "action_ts": STAMP, "text": {"text": "Manual"}, "url": "https://example.com"},
        {"action_id": "d", "action_ts": STAMP, "selected_date": "2026-11-22"},
    ]
    events = parse("slack", interaction(actions=actions), IS_FORM)
    assert [event.text for event in events] == ["Printer", "only a value"]
    assert len({event.message_id for event in events}) == 2


@pytest.mark.parametrize("kind", ["view_submission", "view_closed", "shortcut", "message_action", "block_suggestion"])
def test_other_interactions(kind):
    """Modals, shortcuts and menus are no messages."""
    assert parse("slack", interaction(type=kind), IS_FORM) == []


def test_certificate_check():
    """Slack tries the certificate of commands from time to time."""
    assert parse("slack", form(ssl_check="1", token="x"), IS_FORM) == []


@pytest.mark.parametrize(
    ("body", "headers", "said"),
    [
        (dumped({"type": "url_verification", "challenge": "3eZbrw1aBm2"}), None, b"3eZbrw1aBm2"),
        (dumped({"type": "url_verification"}), None, b""),
        (dumped(slack_event({"challenge": "x"})), None, b""),
        (form(**COMMAND), IS_FORM, b""),
        (interaction(type="view_submission"), IS_FORM, b""),
    ],
)
def test_answers(body, headers, said):
    """The challenge is echoed; otherwise the body is empty, or Slack would show it or stumble over it."""
    answered = PROVIDER.answer(request("slack", body, headers), [], intake("slack"))
    assert answered.body == said
    assert answered.media_type.startswith("text/plain")


@pytest.mark.parametrize(
    ("payload", "headers", "detail"),
    [
        (b"", None, "JSON"),
        (b"[]", None, "object"),
        (slack_event(user=None), None, "user"),
        (slack_event(channel={"id": "C1"}), None, "channel"),
        (slack_event({"event_id": ""}), None, "event_id"),
        (slack_event(ts=None), None, "ts"),
        (slack_event(user="\u0001"), None, "readable"),
        (b"", IS_FORM, "payload"),
        (b"payload=%7B", IS_FORM, "JSON"),
        (b"payload=" + b"%5B" * 50_000, IS_FORM, "JSON"),
        (b"&".join(b"a=1" for _ in range(9000)), IS_FORM, "fields"),
        (form(**COMMAND | {"trigger_id": ""}), IS_FORM, "trigger_id"),
        (interaction(user=None), IS_FORM, "user"),
    ],
)
def test_malformed(payload, headers, detail):
    """What is wrong is said."""
    assert detail in refusal("slack", payload, headers)


@pytest.mark.parametrize("stamp", ["9" * 40, "nan", "inf", "yesterday", "-1"])
def test_no_time_of_this_world(stamp):
    """A time that is none is left out, and the message is taken."""
    assert one(ts=stamp).sent_at is None or stamp == "-1"
