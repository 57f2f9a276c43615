"""Mail by SparkPost: raw, several in one request."""

from __future__ import annotations

import base64

import pytest

from tests.unit.ingest.provider_side import mail
from tests.unit.ingest.webhook_side import parse, refusal

PLACE = ("email", "sparkpost")


def relayed(raw: bytes, *, in_base64: bool = False, **message: object) -> dict[str, object]:
    content = {
        "email_rfc822": base64.encodebytes(raw).decode() if in_base64 else raw.decode(),
        "email_rfc822_is_base64": in_base64,
    }
    return {"msys": {"relay_message": {"protocol": "smtp", "content": content, **message}}}


def test_batch():
    """Every raw mail counts, as text or in base64; pings and events beside them do not."""
    latin = mail().replace(b"printer", "принтер".encode("koi8-r")).replace(b"utf-8", b"koi8-r")
    latin = latin.replace(b"<m1@", b"<m2@")
    ping, sent = {"msys": {}}, {"msys": {"message_event": {"type": "delivery"}}}
    events = parse(PLACE, [ping, relayed(mail()), sent, relayed(latin, in_base64=True)])
    assert [(event.provider_message_id, event.text) for event in events] == [
        ("<m1@example.com>", "My printer does not work."),
        ("<m2@example.com>", "My принтер does not work."),
    ]
    assert parse(PLACE, [ping, sent]) == parse(PLACE, []) == []


def test_one_bad_mail():
    """One that nobody wrote keeps no other out, alone it is refused."""
    assert len(parse(PLACE, [relayed(b"Subject: x\r\n\r\nhi"), relayed(mail())])) == 1
    assert "nobody" in refusal(PLACE, [relayed(b"Subject: x\r\n\r\nhi")])


def test_repeats():
    """A mail is the same in whichever batch it comes, with and without a Message-ID; two mails stay two."""
    bare = [mail(message_id=None), b"Received: by b\r\n" + mail(message_id=None)]
    first, second = (parse(PLACE, [relayed(raw)])[0] for raw in bare)
    again = parse(PLACE, [relayed(raw, in_base64=True) for raw in (*reversed(bare), mail())])
    assert [event.message_id for event in again[:2]] == [second.message_id, first.message_id]
    assert first.message_id != second.message_id
    assert again[2].message_id == parse(PLACE, [relayed(mail())])[0].message_id


def test_envelope():
    """A mail without an author is that of its envelope, and an empty envelope sender is a bounce's."""
    (event,) = parse(PLACE, [relayed(b"Subject: x\r\n\r\nhi", msg_from="jan@example.com")])
    assert event.sender.identifiers == ("email:jan@example.com",)
    (event,) = parse(PLACE, [relayed(mail(), msg_from="", rcpt_to="x+AC-7K3Q9XM@acme.example")])
    assert (event.automatic.kind, event.case_reference) == ("bounce", "AC-7K3Q9XM")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "JSON"),
        ({}, "array"),
        ([{}], "msys"),
        ([{"msys": {"relay_message": {}}}], "content"),
        ([{"msys": {"relay_message": []}}], "msys"),
        ([{"msys": {"relay_message": {"protocol": "smpp", "content": {"email_rfc822": ""}}}}], "protocol"),
        ([relayed(b"")], "no headers"),
        ([{"msys": {"relay_message": {"content": {"email_rfc822": "é", "email_rfc822_is_base64": True}}}}], "base64"),
        ([{"msys": {}}] * 10_001, "10000"),
    ],
)
def test_malformed(body, detail):
    """What is wrong is said."""
    assert detail in refusal(PLACE, body)
