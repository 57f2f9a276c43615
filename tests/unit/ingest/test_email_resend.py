"""Mail by Resend, which tells of it but not what it says."""

from __future__ import annotations

import pytest

from schemas.messages import Attachment
from tests.unit.ingest.provider_side import mail
from tests.unit.ingest.webhook_side import intake, parse, refusal

PLACE = ("email", "resend")


def told(**data: object) -> dict[str, object]:
    given = {
        "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
        "from": "Jan Botha <Jan@Example.com>",
        "to": ["support@acme.example"],
        "subject": "Printer AC-7K3Q9XM",
        "message_id": "<m1@example.com>",
        "attachments": [{"id": "a", "filename": "a.png", "content_type": "image/png", "content_id": None}, {"id": "b"}],
    }
    return {"type": "email.received", "created_at": "2026-11-22T09:29:30Z", "data": given | data}


def test_metadata():
    """Who wrote, about what, with which files; the text says where to read it, and is in no language."""
    (event,) = parse(PLACE, told())
    assert event.message_id == intake(PLACE).message_id("56761188-7520-42d8-8898-ff6fc54ce618")
    assert event.provider_message_id == "<m1@example.com>"
    assert (event.sender.identifiers, event.sender.name) == (("email:jan@example.com",), "Jan Botha")
    assert (event.subject, event.case_reference) == ("Printer AC-7K3Q9XM", "AC-7K3Q9XM")
    assert "56761188-7520-42d8-8898-ff6fc54ce618" in event.text
    assert event.full_text is None
    assert event.attachments == (
        Attachment(name="a.png", media_type="image/png", size=0),
        Attachment(name="unnamed", media_type="application/octet-stream", size=0),
    )


@pytest.mark.parametrize(
    "content", [{"text": "It is broken."}, {"html": "<p>It is broken.</p>"}, {"raw": mail("It is broken.").decode()}]
)
def test_text(content):
    """A text that comes along is read."""
    (event,) = parse(PLACE, told(**content))
    assert event.text == "It is broken."
    assert event.message_id == parse(PLACE, told())[0].message_id


def test_automatic():
    """A machine is recognised by its headers where they are, and else by its name."""
    (event,) = parse(PLACE, told(headers={"Auto-Submitted": "auto-replied", "X": 1}))
    assert event.automatic.kind == "auto_reply"
    (event,) = parse(PLACE, told(**{"from": "MAILER-DAEMON@example.com"}))
    assert event.automatic.kind == "bounce"
    assert parse(PLACE, told())[0].automatic is None


@pytest.mark.parametrize("kind", ["email.sent", "email.bounced", "contact.created", "domain.updated"])
def test_no_mail(kind):
    """All other events are taken without a message."""
    assert parse(PLACE, {"type": kind, "data": {}}) == []


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "JSON"),
        ({}, "type"),
        ({"type": "email.received"}, "data"),
        (told(email_id=""), "email_id"),
        (told(**{"from": None}), "from"),
        (told(**{"from": "()"}), "nobody"),
        (told(to=["a@b.example"] * 101), "recipients"),
        (told(attachments=[{}] * 201), "parts"),
    ],
)
def test_malformed(body, detail):
    """What is wrong is said."""
    assert detail in refusal(PLACE, body)
