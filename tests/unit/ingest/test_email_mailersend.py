"""Mail by MailerSend: raw, in JSON."""

from __future__ import annotations

import pytest

from schemas.messages import Attachment
from tests.unit.ingest.provider_side import mail
from tests.unit.ingest.webhook_side import intake, parse, refusal

PLACE = ("email", "mailersend")


def inbound(raw: str, **data: object) -> dict[str, object]:
    return {
        "type": "inbound.message",
        "data": {"object": "message", "id": "6402ab57f79d39d7e10f2523", "raw": raw, **data},
    }


def test_mail():
    """The raw mail counts, under MailerSend's id: the same however often it comes."""
    (event,) = parse(PLACE, inbound(mail("Принтер не работает.").decode()))
    assert event.message_id == intake(PLACE).message_id("6402ab57f79d39d7e10f2523")
    assert (event.provider_message_id, event.text, event.language) == ("<m1@example.com>", "Принтер не работает.", "ru")
    assert (event.sender.identifiers, event.verified) == (("email:jan@example.com",), False)
    assert parse(PLACE, inbound(mail("Принтер не работает.").decode())) == [event]


def test_envelope():
    """An empty envelope sender is a bounce's; a reference in the envelope's recipient is found."""
    envelope = {"sender": {"email": ""}, "recipients": {"rcptTo": [{"email": "support+AC-7K3Q9XM@acme.example"}]}}
    (event,) = parse(PLACE, inbound(mail().decode(), **envelope))
    assert (event.automatic.kind, event.case_reference) == ("bounce", "AC-7K3Q9XM")


def test_files():
    """Files come with size and hash."""
    raw = mail("x", content_type="application/pdf", content_disposition='attachment; filename="a.pdf"').decode()
    (event,) = parse(PLACE, inbound(raw))
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert event.attachments == (Attachment(name="a.pdf", media_type="application/pdf", size=1, sha256=digest),)


def test_no_mail():
    """Activities are taken without a message."""
    assert parse(PLACE, {"type": "activity.sent", "data": {"type": "sent"}}) == []


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "JSON"),
        ({}, "type"),
        ({"type": "inbound.message"}, "data"),
        ({"type": "inbound.message", "data": {}}, "raw"),
        (inbound(""), "no headers"),
        (inbound("..."), "no headers"),
        (inbound("Subject: x\r\n\r\nhi"), "nobody"),
        (inbound("x", id="i" * 201), "id"),
        (b'{"type":"inbound.message","data":{"raw":"\\ud800"}}', "JSON"),
    ],
)
def test_malformed(body, detail):
    """What is wrong is said."""
    assert detail in refusal(PLACE, body)
