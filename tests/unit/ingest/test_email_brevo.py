"""Mail by Brevo: taken apart, several in one request."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.base import ReplyAddress
from schemas.messages import Attachment, Automatic, MessageReceived, Sender
from services.ingest.providers import registry
from tests.unit.ingest.provider_side import NOW
from tests.unit.ingest.webhook_side import intake, parse, refusal

PLACE = ("email", "brevo")


def item(**changes: object) -> dict[str, object]:
    """A mail; what is None is not there."""
    given: dict[str, object] = {
        "Uuid": ["0b1f7a1e-0000-4000-8000-000000000001"],
        "MessageId": "<m1@example.com>",
        "InReplyTo": "<m0@acme.example>",
        "From": {"Name": "Jan Botha", "Address": "Jan@Example.com"},
        "To": [{"Name": None, "Address": "support@acme.example"}],
        "ReplyTo": None,
        "SentAtDate": "Sun, 22 Nov 2026 11:29:00 +0200",
        "Subject": "Printer AC-7K3Q9XM",
        "Attachments": [
            {"Name": "../a.png", "ContentType": "image/png", "ContentLength": 579, "DownloadToken": "t"},
            {"Name": "", "ContentType": "message/rfc822", "ContentLength": 1195},
        ],
        "Headers": {"Received": ["by a", "by b"], "References": "<m00@acme.example> <m0@acme.example>"},
        "RawTextBody": "My printer does not work.\r\n\r\nOn Sat, 21 Nov 2026, Acme wrote:\r\n> Hello",
        "RawHtmlBody": "<p>My printer does not work.</p>",
    }
    return {name: value for name, value in {**given, **changes}.items() if value is not None}


def test_mail():
    """A mail, whole: its text, what it answers, its files by name; nobody vouches for who wrote it."""
    (event,) = parse(PLACE, {"items": [item()]})
    assert event == MessageReceived(
        desk="acme",
        at=NOW,
        message_id=intake(PLACE).message_id("0b1f7a1e-0000-4000-8000-000000000001"),
        channel="email",
        provider="brevo",
        provider_message_id="<m1@example.com>",
        sender=Sender(identifiers=("email:jan@example.com",), name="Jan Botha"),
        reply_to=ReplyAddress(channel="email", provider="brevo", address="jan@example.com", thread="<m1@example.com>"),
        subject="Printer AC-7K3Q9XM",
        text="My printer does not work.",
        full_text="My printer does not work.\n\nOn Sat, 21 Nov 2026, Acme wrote:\n> Hello",
        language="en",
        references=("<m0@acme.example>", "<m00@acme.example>"),
        case_reference="AC-7K3Q9XM",
        attachments=(
            Attachment(name="a.png", media_type="image/png", size=579),
            Attachment(name="unnamed", media_type="message/rfc822", size=1195),
        ),
        sent_at=datetime(2026, 11, 22, 9, 29, tzinfo=UTC),
    )


def test_batch():
    """All mails of a request count; one that nobody wrote does not keep the others out."""
    nobody = {"Headers": {"Content-Type": "text/plain"}}
    events = parse(PLACE, {"items": [item(), nobody, item(Uuid=["2"], MessageId="<m2@example.com>")]})
    assert [event.provider_message_id for event in events] == ["<m1@example.com>", "<m2@example.com>"]
    assert "nobody" in refusal(PLACE, {"items": [nobody]})


def test_headers_alone():
    """What stands in the headers only is found, encoded words too; without an id the mail has one all the same."""
    headers = {"From": "=?utf-8?b?0K/QvQ==?= <jan@example.com>", "Subject": "=?utf-8?q?caf=C3=A9?="}
    bare = {"Headers": headers, "RawHtmlBody": "<p>Help</p>"}
    (event,) = parse(PLACE, {"items": [bare]})
    assert (event.sender.name, event.subject, event.text) == ("Ян", "café", "Help")
    assert parse(PLACE, {"items": [bare]}) == [event]


def test_a_name_is_no_address():
    """A name with an address in it does not pass for the sender."""
    (event,) = parse(PLACE, {"items": [item(From={"Name": "<boss@acme.example>", "Address": "jan@example.com"})]})
    assert event.sender.identifiers == ("email:jan@example.com",)


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Auto-Submitted": "auto-replied"}, "auto_reply"),
        ({"Return-Path": "<>"}, "bounce"),
        ({"Precedence": "list"}, "bulk"),
    ],
)
def test_automatic(headers, kind):
    """Machines are recognised by the mail's own headers."""
    (event,) = parse(PLACE, {"items": [item(Headers=headers)]})
    assert isinstance(event.automatic, Automatic)
    assert event.automatic.kind == kind


def test_no_mail():
    """Events about mail that was sent, and an empty batch, are taken without a message."""
    assert parse(PLACE, {"event": "delivered", "email": "jan@example.com"}) == []
    assert parse(PLACE, {"items": []}) == []


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "JSON"),
        (b"[]", "object"),
        ({}, "items"),
        ({"items": "x"}, "items"),
        ({"items": [{"Headers": []}]}, "items.0.Headers"),
        ({"items": [item(From="jan")]}, "From"),
        ({"items": [item(Headers={"X": "y" * 70_000})]}, "longer"),
        ({"items": [item(Headers={"X": ["y"] * 1001})]}, "1000"),
        ({"items": [item(Attachments=[{}] * 201)]}, "200"),
        ({"items": [item()] * 1001}, "1000"),
        (b'{"items": ' * 5000, "JSON"),
        (b'{"event": "\\ud800"}', "JSON"),
    ],
)
def test_malformed(body, detail):
    """What is wrong is said."""
    assert detail in refusal(PLACE, body)


def test_our_own_faults():
    """Brevo comes again for 429 only."""
    statuses = registry()[PLACE].statuses
    assert {statuses[reason] for reason in ("failed", "unavailable", "slow")} == {429}
