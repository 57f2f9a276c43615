"""Mail: what of it becomes a message."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

import pytest

from schemas.base import ReplyAddress
from schemas.messages import Attachment, Automatic, MessageReceived, Sender
from services.ingest.provider import Rejected
from tests.unit.ingest.provider_side import NOW, intake, mail, parse


def one(body: bytes) -> MessageReceived:
    (event,) = parse("mime", body)
    assert isinstance(event, MessageReceived)
    return event


def test_plain_mail():
    """A simple mail, whole."""
    digest = sha256(b"jan@example.com\nPrinter\nMy printer does not work.").hexdigest()
    assert one(mail()) == MessageReceived(
        desk="acme",
        at=NOW,
        message_id=intake("mime").message_id(f"<m1@example.com> {digest}"),
        channel="email",
        provider="mime",
        provider_message_id="<m1@example.com>",
        sender=Sender(identifiers=("email:jan@example.com",), name="Jan Botha"),
        reply_to=ReplyAddress(channel="email", provider="mime", address="jan@example.com", thread="<m1@example.com>"),
        subject="Printer",
        text="My printer does not work.",
        language="en",
        sent_at=datetime(2026, 11, 22, 9, 29, tzinfo=UTC),
    )


def test_the_same_id_at_every_repeat():
    """The same mail has the same id, also with another trace of its way; another text has another."""
    again = b"Received: from elsewhere\r\n" + mail()
    assert one(mail()).message_id == one(mail()).message_id == one(again).message_id
    assert one(mail()).message_id != one(mail("Something else")).message_id


def test_without_message_id():
    """A mail without a Message-ID is never dropped: an id is derived, the same every time."""
    body = mail().replace(b"message-id: <m1@example.com>\r\n", b"")
    assert one(body).message_id == one(body).message_id
    assert one(body).provider_message_id.endswith("@no-message-id>")
    assert one(body).reply_to.thread is None
    assert one(body).message_id != one(body + b"!").message_id


def test_quoted_history_and_signature():
    """The new words stand alone; all of the text stands beside them."""
    text = "It still fails.\n\nRegards,\nJan\n\nOn Sat, 21 Nov 2026 at 10:00, Acme wrote:\n> Try again.\n> AC-7K3Q9XM"
    event = one(mail(text))
    assert event.text == "It still fails."
    assert event.full_text == text
    assert event.case_reference == "AC-7K3Q9XM"


def test_references():
    """What it answers comes first, then its forebears from the latest on, each once."""
    event = one(mail(In_Reply_To="<c@x>", References="<a@x> <b@x>\r\n <c@x>"))
    assert event.references == ("<c@x>", "<b@x>", "<a@x>")


@pytest.mark.parametrize(
    "headers",
    [
        {"Subject": "Re: [ac-7k3q9xm] printer"},
        {"To": "support+AC-7K3Q9XM@acme.example"},
    ],
)
def test_our_reference(headers):
    """Our own reference is found in subject and address, however it is spelled."""
    assert one(mail(**headers)).case_reference == "AC-7K3Q9XM"


def test_encoded_headers():
    """Encoded words, raw bytes and folding come out as words."""
    event = one(
        mail(
            From="=?utf-8?B?0JjQstCw0L0g0JHRg9C90LjQvQ==?= <IVAN@Пример.рф>",
            Subject="=?koi8-r?Q?=F0=D2=C9=CE=D4=C5=D2?=\r\n =?utf-8?Q?_!?=",
        )
    )
    assert event.sender == Sender(identifiers=("email:ivan@xn--e1afmkfd.xn--p1ai",), name="Иван Бунин")
    assert event.subject == "Принтер !"


def test_a_name_is_no_address():
    """An address hidden in the display name does not pass for the sender's."""
    event = one(mail(From="=?utf-8?Q?boss=40acme.example_?= <mallory@evil.example>"))
    assert event.sender.identifiers == ("email:mallory@evil.example",)


def test_reply_to():
    """An answer goes where the mail asks for it; the customer stays who wrote."""
    event = one(mail(Reply_To="Desk <office@example.com>"))
    assert event.reply_to.address == "office@example.com"
    assert event.sender.identifiers == ("email:jan@example.com",)


def test_html_and_attachments():
    """HTML becomes text; files become name, type as claimed, size and hash."""
    body = (
        "--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Does <b>not</b> work</p><script>x()</script>\r\n"
        "--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
        "Content-Disposition: attachment; filename*=UTF-8''%D1%84.pdf\r\n\r\naGVsbG8=\r\n--b--\r\n"
    )
    event = one(mail(body, Content_Type="multipart/mixed; boundary=b"))
    assert event.text == "Does not work"
    assert event.attachments == (
        Attachment(name="ф.pdf", media_type="application/pdf", size=5, sha256=sha256(b"hello").hexdigest()),
    )


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Auto_Submitted": "auto-replied"}, "auto_reply"),
        ({"Auto_Submitted": "auto-generated (monitor)"}, "auto_generated"),
        ({"Precedence": "bulk"}, "bulk"),
        ({"Precedence": "auto_reply"}, "auto_reply"),
        ({"List_Id": "<news.example.com>"}, "bulk"),
        ({"X_Auto_Response_Suppress": "All"}, "auto_generated"),
        ({"X_Auto_Response_Suppress": "All", "Subject": "Automatic reply: your mail"}, "auto_reply"),
        ({"Precedence": "bulk", "Subject": "Автоответ: Re: заявка"}, "auto_reply"),
        ({"X_Autoreply": "yes"}, "auto_reply"),
        ({"X_Loop": "support@acme.example"}, "loop"),
        ({"Return_Path": "<>"}, "bounce"),
        ({"From": "Mail Delivery System <MAILER-DAEMON@mx.example.com>"}, "bounce"),
        ({"From": "MAILER-DAEMON (Mail System)"}, "bounce"),
        ({"Content_Type": "multipart/report; report-type=delivery-status; boundary=b"}, "bounce"),
        ({"Content_Type": "multipart/report; report-type=disposition-notification; boundary=b"}, "auto_reply"),
    ],
)
def test_automatic(headers, kind):
    """Every mark of a machine is seen, and told apart."""
    found = one(mail(**headers)).automatic
    assert isinstance(found, Automatic)
    assert found.kind == kind


@pytest.mark.parametrize(
    "headers",
    [{}, {"Auto_Submitted": "no"}, {"Subject": "Out of office supplies"}, {"From": "Ann <postmaster@example.com>"}],
)
def test_a_person_wrote(headers):
    """People are not taken for machines, whatever they write about."""
    assert one(mail(**headers)).automatic is None


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "no headers"),
        (b"\r\n\r\nhello", "no headers"),
        (b"GIF89a\x00\xff", "no headers"),
        (b"Subject: hello\r\n\r\nfrom nobody", "nobody"),
    ],
)
def test_no_mail(body, detail):
    """What is no mail, or nobody's, is refused with the reason."""
    with pytest.raises(Rejected, match=detail) as rejected:
        parse("mime", body)
    assert rejected.value.reason == "malformed"


def test_a_broken_head_is_repaired():
    """A line that is no header, before From, does not cost the mail its author."""
    event = one(b"X-Seen: by us\r\nquite Broken: line\r\nFrom : jan@example.com\r\nSubject: hi\r\n\r\nHelp me")
    assert (event.sender.identifiers, event.subject, event.text) == (("email:jan@example.com",), "hi", "Help me")
