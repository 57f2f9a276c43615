"""Mail by Postal: raw or taken apart, as JSON or as a form."""

from __future__ import annotations

import base64
from hashlib import sha256
from urllib.parse import urlencode

import pytest

from schemas.messages import Attachment
from services.ingest.provider import STATUS
from services.ingest.providers import registry
from tests.unit.ingest.provider_side import mail
from tests.unit.ingest.webhook_side import parse, refusal

PLACE = ("email", "postal")
FORM = {"content-type": "application/x-www-form-urlencoded"}


def raw(content: bytes = b"", **fields: object) -> dict[str, object]:
    """The format RawMessage."""
    return {
        "id": 233980,
        "rcpt_to": "support+AC-7K3Q9XM@acme.example",
        "mail_from": "jan@example.com",
        "message": base64.encodebytes(content or mail()).decode(),
        "base64": True,
        "size": 1,
        **fields,
    }


def apart(**changes: object) -> dict[str, object]:
    """The format Hash."""
    given = {
        "id": 7,
        "rcpt_to": "support@acme.example",
        "mail_from": "jan@example.com",
        "token": "Yb3k",
        "subject": "=?utf-8?q?Drukker?=",
        "message_id": "m1@example.com",
        "timestamp": 1795339770.5,
        "bounce": False,
        "to": "support@acme.example",
        "cc": None,
        "from": "Jan Botha <Jan@Example.com>",
        "date": "Sun, 22 Nov 2026 11:29:00 +0200",
        "in_reply_to": "<m0@acme.example>",
        "references": "<m00@acme.example>",
        "reply_to": ["Ann <ann@example.com>"],
        "auto_submitted": None,
        "plain_body": "My drukker werk nie.",
        "html_body": "<p>x</p>",
        "attachments": [
            {"filename": "a.txt", "content_type": "text/plain", "size": 2, "data": base64.encodebytes(b"hi").decode()}
        ],
    }
    return given | changes


def test_raw():
    """A raw mail; a reference in the envelope's recipient is found."""
    (event,) = parse(PLACE, raw())
    assert (event.provider_message_id, event.text) == ("<m1@example.com>", "My printer does not work.")
    assert (event.case_reference, event.verified) == ("AC-7K3Q9XM", False)
    assert parse(PLACE, raw(mail(), base64=False, message=mail().decode())) == [event]


def test_apart():
    """A mail taken apart, with its headers and its files."""
    (event,) = parse(PLACE, apart())
    assert (event.sender.identifiers, event.sender.name) == (("email:jan@example.com",), "Jan Botha")
    assert (event.subject, event.text, event.language) == ("Drukker", "My drukker werk nie.", "af")
    assert event.references == ("<m0@acme.example>", "<m00@acme.example>")
    assert (event.reply_to.address, event.reply_to.thread) == ("ann@example.com", "<m1@example.com>")
    digest = sha256(b"hi").hexdigest()
    assert event.attachments == (Attachment(name="a.txt", media_type="text/plain", size=2, sha256=digest),)


def test_form():
    """The same mail is the same as a form."""
    fields = {name: value for name, value in apart().items() if name not in {"attachments", "reply_to", "cc"}}
    flat = {"attachments[0][filename]": "a.txt", "attachments[0][content_type]": "text/plain"}
    flat |= {"attachments[0][size]": "2", "attachments[0][data]": base64.b64encode(b"hi").decode()}
    body = urlencode({**{n: "" if v is None else v for n, v in fields.items()}, **flat, "reply_to": "ann@example.com"})
    assert parse(PLACE, body.encode(), FORM) == parse(PLACE, apart())
    assert parse(PLACE, urlencode(raw()).encode(), FORM) == parse(PLACE, raw())


def test_ids():
    """A mail without a Message-ID is known by Postal's id and token, a raw one by its bytes."""
    one, two = (parse(PLACE, apart(message_id=None, id=n))[0].message_id for n in (7, 8))
    assert one == parse(PLACE, apart(message_id=None))[0].message_id != two
    one, two = (parse(PLACE, raw(mail(text, message_id=None)))[0].message_id for text in ("a", "b"))
    assert one == parse(PLACE, raw(mail("a", message_id=None), id=99))[0].message_id != two


@pytest.mark.parametrize(
    ("changes", "kind"),
    [({"bounce": True}, "bounce"), ({"auto_submitted": "auto-replied"}, "auto_reply"), ({"mail_from": ""}, "bounce")],
)
def test_automatic(changes, kind):
    """Machines are recognised."""
    (event,) = parse(PLACE, apart(**changes))
    assert event.automatic.kind == kind


def test_without_data():
    """Files whose bytes stay with Postal are told of."""
    (event,) = parse(PLACE, apart(attachments=[{"filename": "a.txt", "size": -5}]))
    assert event.attachments == (Attachment(name="a.txt", media_type="application/octet-stream", size=0),)


@pytest.mark.parametrize(
    "body",
    [
        {"status": "Held"},
        {"event": "MessageSent", "timestamp": 1795339770.5, "payload": {"message": {"id": 1}}, "uuid": "x"},
        {"original_message": {"id": 1}, "bounce": {"id": 2}},
    ],
)
def test_no_mail(body):
    """What Postal tells of mail that was sent is taken without a message."""
    assert parse(PLACE, body | {"bounce": None}) == []


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "JSON"),
        ({}, "rcpt_to"),
        (raw(message="é"), "base64"),
        (raw(b"no mail"), "no headers"),
        (raw(b"Subject: x\r\n\r\nhi", mail_from=None), "nobody"),
        (apart(attachments=[{"data": "é"}]), "base64"),
        (apart(subject="x" * 70_000), "longer"),
        (raw(message=None, rcpt_to=None), "rcpt_to"),
    ],
)
def test_malformed(body, detail):
    """What is wrong is said."""
    assert detail in refusal(PLACE, body)


def test_malformed_form():
    """A form of too many fields is refused."""
    assert "fields" in refusal(PLACE, b"&".join(b"a%d=1" % n for n in range(1000)), FORM)


def test_our_own_faults():
    """Postal bounces a mail to the customer for any 4xx, so what may go well the next time is 5xx."""
    statuses = STATUS | registry()[PLACE].statuses
    assert all(statuses[reason] >= 500 for reason in ("failed", "unavailable", "slow"))
