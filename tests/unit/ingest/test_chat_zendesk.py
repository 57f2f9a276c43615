"""Tickets and messages by Zendesk."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.base import ReplyAddress
from schemas.messages import ContactEnded, MessageReceived, Sender
from services.ingest.providers.chat_zendesk import UNREADABLE
from tests.unit.ingest.provider_side import NOW
from tests.unit.ingest.webhook_side import intake, parse, refusal

PLACE = ("chat", "zendesk")


def happened(kind: str, event: dict[str, object], **detail: object) -> dict[str, object]:
    return {
        "account_id": 22129848,
        "id": "01JQMQH83YNAKWSWJ8B1QH2NSC",
        "subject": "zen:ticket:141",
        "time": "2026-11-22T09:29:30.254571515Z",
        "type": f"zen:event-type:{kind}",
        "zendesk_event_version": "2022-11-06",
        "detail": {"id": "141", "requester_id": "8447388090494", "subject": "Printer"} | detail,
        "event": event,
    }


def said(actor: str = "end_user", body: str | None = "My printer is broken") -> dict[str, object]:
    return happened(
        "messaging_ticket.message_added",
        {
            "actor": {"id": "8447388090494", "name": "Jan Botha", "type": actor},
            "conversation_id": "67ab5f53a96f98663935c3f2",
            "message": {"body": body, "id": "67ab5f55155becd183e284cb"},
        },
    )


def commented(*, staff: bool = False, public: bool = True, body: str = "Still broken AC-7K3Q9XM") -> dict[str, object]:
    author = {"id": 8447388090494, "is_staff": staff, "name": "Jan Botha"}
    return happened(
        "ticket.comment_added", {"comment": {"id": 9876, "body": body, "is_public": public, "author": author}}
    )


def test_messaging():
    """What an end user writes in the messenger, whole: live until the ticket is over."""
    assert parse(PLACE, said()) == [
        MessageReceived(
            desk="acme",
            at=NOW,
            message_id=intake(PLACE).message_id("141/67ab5f55155becd183e284cb"),
            channel="chat",
            provider="zendesk",
            provider_message_id="141/67ab5f55155becd183e284cb",
            sender=Sender(identifiers=("handle:zendesk:8447388090494",), name="Jan Botha"),
            reply_to=ReplyAddress(channel="chat", provider="zendesk", address="141", thread="67ab5f53a96f98663935c3f2"),
            subject="Printer",
            text="My printer is broken",
            language="en",
            live=True,
            contact="141",
            verified=True,
            sent_at=datetime(2026, 11, 22, 9, 29, 30, 254571, tzinfo=UTC),
        )
    ]


def test_comment():
    """A customer's public comment is a message that can wait."""
    (event,) = parse(PLACE, commented())
    assert (event.text, event.case_reference) == ("Still broken AC-7K3Q9XM", "AC-7K3Q9XM")
    assert (event.live, event.contact, event.provider_message_id) == (False, None, "141/9876")
    assert event.sender.identifiers == parse(PLACE, said())[0].sender.identifiers


@pytest.mark.parametrize("body", [said(body=None), commented(body=" \n")])
def test_without_words(body):
    """A file alone, of which Zendesk tells nothing, is a message all the same."""
    (event,) = parse(PLACE, body)
    assert (event.text, event.language) == (UNREADABLE, None)


@pytest.mark.parametrize("status", ["SOLVED", "closed"])
def test_over(status):
    """A ticket that is solved or closed ends the contact."""
    assert parse(PLACE, happened("ticket.status_changed", {"current": status, "previous": "OPEN"})) == [
        ContactEnded(
            desk="acme",
            at=NOW,
            message_id=intake(PLACE).message_id("01JQMQH83YNAKWSWJ8B1QH2NSC ended"),
            channel="chat",
            provider="zendesk",
            contact="141",
            sender=Sender(identifiers=("handle:zendesk:8447388090494",)),
            reason="closed",
        )
    ]


@pytest.mark.parametrize(
    "body",
    [
        said("agent"),
        said("system"),
        said("trigger"),
        commented(staff=True),
        commented(public=False),
        happened("ticket.status_changed", {"current": "PENDING"}),
        happened("ticket.status_changed", {"current": "SOLVED"}, requester_id=None),
        happened("ticket.created", {}),
        happened("ticket.comment_redacted", {}),
        happened("ticket.comment_made_private", {}),
        {"type": "zen:event-type:user.created"},
        {"type": "something else"},
    ],
)
def test_no_message(body):
    """What our own people and machines do, notes, changes and deletions are no messages."""
    assert parse(PLACE, body) == []


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "JSON"),
        ({}, "type"),
        (happened("messaging_ticket.message_added", {}), "event.actor"),
        (happened("ticket.comment_added", {"comment": {}}), "event.comment"),
        (happened("ticket.comment_added", {}, id=""), "detail.id"),
        (b'{"type":' * 5000, "JSON"),
    ],
)
def test_malformed(body, detail):
    """What is wrong is said."""
    assert detail in refusal(PLACE, body)


def test_odd_times():
    """A time that is none is left out."""
    for time in (None, "yesterday", "2026-11-22T09:00:00", "0001-01-01T00:00:00+14:00"):
        (event,) = parse(PLACE, said() | {"time": time})
        assert event.sent_at is None
