"""Mailgun, SendGrid, Postmark, SES and Mailjet: what of their payloads becomes a message."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.base import ReplyAddress
from schemas.messages import Attachment, MessageReceived, Sender
from services.ingest.provider import Rejected, Request
from tests.unit.ingest.mail_providers import (
    BOUNDARY,
    FORM,
    HEADERS,
    MAILJET,
    NOW,
    RAW,
    SIDES,
    intake,
    mailgun,
    mailjet,
    multipart,
    notification,
    parse,
    post,
    postmark,
    sendgrid,
    ses,
    sns,
)

IDS = {"postmark": "73e6d360-66eb-11e1-8e72-a8904824019b", "ses": "8f6dee70-c885-558a-be7d-bd48bbf5335e"}
"""The providers' own ids; the others have none."""
DIGEST = sha256(b"jan@example.com\nPrinter\nMy printer does not work.").hexdigest()
RAW_WITH_FILE = (
    b"From: Jan Botha <Jan@Example.com>\r\nTo: support@acme.example\r\nSubject: Printer\r\n"
    b"Message-ID: <m1@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    + "Принтер".encode("koi8-r")
    + b"\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\nhello\r\n--b--\r\n"
)
PDF = Attachment(name="a.pdf", media_type="application/pdf", size=5, sha256=sha256(b"hello").hexdigest())
PNG = Attachment(name="ф.png", media_type="image/png", size=4, sha256=sha256(b"\x89PNG").hexdigest())


def one(request: Request, **more: object) -> MessageReceived:
    (event,) = parse(request, **more)
    assert isinstance(event, MessageReceived)
    return event


def refusal(request: Request) -> str:
    with pytest.raises(Rejected) as rejected:
        parse(request)
    assert rejected.value.reason == "malformed"
    return rejected.value.detail


def with_headers(name: str, headers: list[tuple[str, str]]) -> Request:
    """A provider's request for a mail with these headers instead of the usual ones."""
    if name == "mailgun":
        return mailgun(message_headers=json.dumps(headers), sender=None, subject=None, **{"from": None})
    if name == "sendgrid":
        block = "".join(f"{key}: {value}\r\n" for key, value in headers)
        return sendgrid(headers=block, envelope=None, **{"from": None}, to=None, subject=None)
    if name == "postmark":
        given = dict(reversed(headers))
        rest = [{"Name": k, "Value": v} for k, v in headers if k not in {"From", "Subject", "Date", "Reply-To", "To"}]
        return postmark(
            FromFull=None, From=given.get("From"), Subject=given.get("Subject"), To=given.get("To"),
            ReplyTo=given.get("Reply-To"), Date=given.get("Date"), Headers=rest,
        )  # fmt: skip
    if name == "ses":
        listed = [{"name": key, "value": value} for key, value in headers]
        return ses(headers=listed, commonHeaders={}, source=None, content=None)
    return mailjet(Headers=dict(reversed(headers)), Sender=None, From=None, Subject=None)


@pytest.fixture(params=sorted(SIDES))
def name(request):
    return request.param


def test_plain_mail(name):
    """A simple mail, whole, by each provider."""
    content = RAW.replace(b"Date:", b"In-Reply-To: <m0@acme.example>\r\nDate:")
    request = ses(content=base64.b64encode(content).decode()) if name == "ses" else SIDES[name].make()
    assert one(request) == MessageReceived(
        desk="acme",
        at=NOW,
        message_id=intake(name).message_id(IDS.get(name, f"<m1@example.com> {DIGEST}")),
        channel="email",
        provider=name,
        provider_message_id="<m1@example.com>",
        sender=Sender(identifiers=("email:jan@example.com",), name="Jan Botha"),
        reply_to=ReplyAddress(channel="email", provider=name, address="jan@example.com", thread="<m1@example.com>"),
        subject="Printer",
        text="My printer does not work.",
        language="en",
        references=("<m0@acme.example>",),
        verified=name in {"sendgrid", "ses"},
        sent_at=datetime(2026, 11, 22, 9, 29, tzinfo=UTC),
    )


def raw_request(name: str, content: bytes) -> Request:
    """The same mail as the provider brings it raw."""
    if name == "mailgun":
        fields = {"recipient": "support@acme.example", "sender": "jan@example.com", "body-mime": content}
        signed = {"timestamp": str(int(NOW.timestamp())), "token": "t", "signature": "s"}
        return post("mailgun", multipart(fields | signed), {"content-type": FORM})
    if name == "sendgrid":
        return sendgrid(email=content, headers=None, text=None, html=None)
    if name == "ses":
        return ses(content=base64.b64encode(content).decode())
    return postmark(RawEmail=content.decode(), TextBody="Something else")


@pytest.mark.parametrize("name", ["mailgun", "sendgrid", "ses"])
def test_raw_mail(name):
    """A raw mail is read byte by byte: its own charset and its files are there."""
    event = one(raw_request(name, RAW_WITH_FILE))
    assert (event.text, event.attachments) == ("Принтер", (PDF,))
    assert event.sender == Sender(identifiers=("email:jan@example.com",), name="Jan Botha")
    assert event.message_id != one(raw_request(name, RAW_WITH_FILE.replace(b"m1@", b"m2@"))).message_id or name == "ses"


def test_postmark_raw():
    """Postmark's raw mail counts, unless it had to be decoded: then the texts beside it do."""
    assert one(postmark(RawEmail=RAW.decode(), TextBody="Something else")).text == "My printer does not work."
    eight_bits = RAW.decode().replace("printer", "принтер")
    assert one(postmark(RawEmail=eight_bits, TextBody="The careful text")).text == "The careful text"
    assert one(postmark(RawEmail=eight_bits, TextBody=None, HtmlBody=None)).text == "My принтер does not work."


def test_files():
    """Files come as name, type as claimed, size and hash, in whichever way a provider brings them."""
    files = [("attachment-1", "a.pdf", "application/pdf", b"hello"), ("attachment-2", "ф.png", "image/png", b"\x89PNG")]
    assert one(mailgun(files=files)).attachments == (PDF, PNG)
    info = {"attachment-1": {"filename": "a.pdf", "type": "application/pdf"}}
    assert one(sendgrid(files=files, attachment_info=json.dumps(info))).attachments == (PDF, PNG)
    encoded = [(n, k, base64.b64encode(c).decode()) for _, n, k, c in files]
    listed = [{"Name": n, "ContentType": k, "Content": c, "ContentLength": 9} for n, k, c in encoded]
    assert one(postmark(Attachments=listed)).attachments == (PDF, PNG)
    parts = [
        {
            "Headers": {
                "Content-Type": [f"{kind}; charset=x"],
                "Content-Disposition": f'attachment; filename="{file}"'
                if file.isascii()
                else "attachment; filename*=UTF-8''%D1%84.png",
            },
            "ContentRef": f"Attachment{n}",
        }
        for n, (file, kind, _) in enumerate(encoded)
    ]
    contents = {f"Attachment{n}": content for n, (_, _, content) in enumerate(encoded)}
    assert one(mailjet(Parts=[*MAILJET["Parts"], *parts], **contents)).attachments == (PDF, PNG)
    stored = [{"url": "http://169.254.169.254/", "content-type": "application/pdf", "name": "a.pdf", "size": 5}]
    announced = PDF.model_copy(update={"sha256": None})
    assert one(mailgun(attachments=json.dumps(stored))).attachments == (announced,)
    assert one(
        postmark(Attachments=[{"Name": "a.pdf", "ContentType": "application/pdf", "ContentLength": 5}])
    ).attachments == (announced,)


@pytest.mark.parametrize(
    ("written", "kept"),
    [("", "unnamed"), ("..", "unnamed"), ("path/..", "unnamed"), ("path\\", "unnamed"), ("a/b\\c.txt", "c.txt"),
     ("/etc/passwd", "passwd"), ("x" * 900, "x" * 255), ("a\r\nb.txt", "a b.txt")],
)  # fmt: skip
def test_file_names(written, kept):
    """Of a file's name there remains one line without folders."""
    file = {"Name": written, "ContentType": "text/plain", "Content": "aGVsbG8="}
    assert [found.name for found in one(postmark(Attachments=[file])).attachments] == [kept]


def test_nobody(name):
    """A mail that nobody has written is refused with the reason."""
    assert "nobody" in refusal(with_headers(name, [("Subject", "hello")]))


def test_html_only():
    """Where there is no plain text, the HTML's words count."""
    page = "<p>Does <b>not</b> work</p><script>x()</script>"
    for request in (
        mailgun(body_plain=None, body_html=page),
        sendgrid(text=None, html=page),
        postmark(TextBody="", HtmlBody=page),
        mailjet(Text_part=None, Html_part=page),
    ):
        assert one(request).text == "Does not work"


def test_without_message_id(name):
    """A mail without a Message-ID gets an id, the same every time, and no thread."""
    request = with_headers(name, [("From", "jan@example.com")])
    event = one(request)
    assert event.message_id == one(request).message_id
    assert event.provider_message_id == IDS.get(name, event.provider_message_id)
    assert event.reply_to.thread is None


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ([("Auto-Submitted", "auto-replied")], "auto_reply"),
        ([("Precedence", "bulk")], "bulk"),
        ([("X-Auto-Response-Suppress", "All"), ("Subject", "Automatic reply: your mail")], "auto_reply"),
        ([("Return-Path", "<>")], "bounce"),
        ([("Content-Type", "multipart/report; report-type=delivery-status; boundary=b")], "bounce"),
        ([], None),
    ],
)
def test_automatic(name, headers, kind):
    """Every provider's headers give machines away."""
    event = one(with_headers(name, [("From", "jan@example.com"), *headers]))
    assert (event.automatic.kind if event.automatic else None) == kind


def test_bounces_have_no_sender():
    """An empty envelope sender is that of a bounce, whatever the mail says of itself."""
    envelope = '{"to":["support@acme.example"],"from":""}'
    for request in (mailgun(sender=""), sendgrid(envelope=envelope), ses(source=""), mailjet(Sender="")):
        event = one(request)
        assert event.automatic is not None
        assert event.automatic.kind == "bounce"


def test_reply_to_and_reference(name):
    """An answer goes where the mail asks for it; our reference is found in subject and recipient."""
    headers = [("From", "jan@example.com"), ("Reply-To", "Office <office@example.com>"), ("Subject", "Re: AC-7K3Q9XM")]
    event = one(with_headers(name, headers))
    assert (event.reply_to.address, event.case_reference) == ("office@example.com", "AC-7K3Q9XM")


def test_reference_in_the_envelope():
    """A reference in the address that the provider took the mail for is found, also where To names another."""
    address = "support+AC-7K3Q9XM@acme.example"
    envelope = json.dumps({"to": [address], "from": "jan@example.com"})
    for request in (
        mailgun(recipient=address),
        sendgrid(envelope=envelope),
        postmark(OriginalRecipient=address),
        ses(destination=[address]),
        mailjet(Recipient=address),
    ):
        assert one(request).case_reference == "AC-7K3Q9XM"


def test_a_name_is_no_address(name):
    """An address hidden in the display name does not pass for the sender's, and vouches for nothing."""
    hidden = "=?utf-8?Q?boss=40acme.example_=3Cboss=40acme.example=3E?= <mallory@evil.example>"
    event = one(with_headers(name, [("From", hidden)]))
    assert event.sender.identifiers == ("email:mallory@evil.example",)
    assert not event.verified
    full = {"Email": "mallory@evil.example", "Name": "Boss <boss@acme.example>"}
    assert one(postmark(FromFull=full)).sender.identifiers == ("email:mallory@evil.example",)


@pytest.mark.parametrize(
    ("dkim", "verified"),
    [
        ("{@example.com : pass}", True),
        ("{@EXAMPLE.com : pass}", True),
        ("{@example.com : fail}", False),
        ("{@evil.example : pass}", False),
        ("{@com : pass}", False),
        ("{@example.com : pass, @evil.example : pass}", False),
        ("{@evil.example : pass, @example.com : pass}", False),
        ("none", False),
        (None, False),
    ],
)
def test_sendgrid_vouches(dkim, verified):
    """Only a signature of the author's own domain, and nothing else beside it, vouches for the sender."""
    assert one(sendgrid(dkim=dkim)).verified is verified
    assert one(sendgrid(dkim=dkim), proven=False).verified is False


def test_sendgrid_vouches_for_one_author():
    """A From with two addresses is nobody's."""
    block = 'From: "a@evil.example" <jan@example.com>\n'
    assert one(sendgrid(headers=block)).verified is False


def test_ses_vouches():
    """DMARC vouches for one author, on a proved message only."""
    assert one(ses(dmarcVerdict={"status": "PASS"})).verified is True
    assert one(ses(dmarcVerdict={"status": "PASS"}), proven=False).verified is False
    for status in ("FAIL", "GRAY", "", "pass"):
        assert one(ses(dmarcVerdict={"status": status})).verified is False
    for writers in ([], ["jan@example.com", "eve@evil.example"], ["Eve <eve@evil.example>"]):
        assert one(ses(commonHeaders={"from": writers})).verified is False


def test_ses_encodings():
    """Content comes as text or in base64."""
    action = {"type": "SNS", "encoding": "UTF8"}
    assert one(ses(content=RAW.decode(), action=action)).text == "My printer does not work."
    assert "base64" in refusal(ses(content="é"))


def test_ses_mail_in_a_bucket():
    """A mail that stays in S3 is registered with its headers and the place where the rest lies."""
    action = {"type": "S3", "bucketName": "acme-mail", "objectKey": "in/o3vr"}
    event = one(ses(content=None, action=action, headers=[]))
    assert (event.subject, event.sender.name) == ("Printer", "Jan Botha")
    assert event.text == "[Amazon SES has put this mail into S3: acme-mail/in/o3vr]"


def test_sendgrid_charsets():
    """Fields come in charsets of their own, which stand beside them."""
    charsets = {"text": "windows-1251", "subject": "cp850", "from": "no-such-charset", "html": "utf-8"}
    event = one(
        sendgrid(
            headers=None,
            charsets=json.dumps(charsets),
            text="Принтер не работает".encode("cp1251"),
            subject="pidió".encode("cp850"),
        )
    )
    assert (event.text, event.subject) == ("Принтер не работает", "pidió")
    assert event.sender.identifiers == ("email:jan@example.com",)


def test_quoted_history():
    """The new words stand alone; all of the text stands beside them."""
    text = "It still fails.\n\nOn Sat, 21 Nov 2026 at 10:00, Acme wrote:\n> Try again.\n> AC-7K3Q9XM\n"
    for request in (mailgun(body_plain=text), sendgrid(text=text), postmark(TextBody=text), mailjet(Text_part=text)):
        event = one(request)
        assert (event.text, event.full_text, event.case_reference) == ("It still fails.", text.strip(), "AC-7K3Q9XM")


def mailgun_event() -> Request:
    """Mailgun's report on a mail that was sent."""
    signature = {"timestamp": str(int(NOW.timestamp())), "token": "a" * 50, "signature": "b"}
    body = json.dumps({"signature": signature, "event-data": {"event": "delivered"}}).encode()
    return post("mailgun", body, {"content-type": "application/json"})


@pytest.mark.parametrize(
    "request_",
    [
        mailgun_event(),
        mailgun(event="opened"),
        postmark(RecordType="Delivery"),
        postmark(RecordType="SubscriptionChange"),
        sns(json.dumps({"notificationType": "Delivery", "mail": {}})),
        sns(json.dumps({"eventType": "Bounce"})),
        sns("Successfully validated SNS topic for Amazon SES event publishing."),
        sns("[1]"),
        post("mailjet", b'[{"event": "open"}, {"event": "bounce"}]', {}),
        post("mailjet", b'{"event": "sent", "time": 1}', {}),
    ],
)
def test_no_message(request_):
    """Reports on what was sent are no messages of customers."""
    assert list(parse(request_)) == []


@pytest.mark.parametrize(
    ("request_", "detail"),
    [
        (post("sendgrid", b"{}", {"content-type": "application/json"}), "no form"),
        (post("sendgrid", b"", {"content-type": "multipart/form-data"}), "boundary"),
        (post("sendgrid", b"", {"content-type": "multipart/form-data; boundary=" + "b" * 300}), "multipart"),
        (post("sendgrid", b"", {"content-type": "multipart/formé"}), "ASCII"),
        (post("sendgrid", b"--x\r\n", {"content-type": FORM}), "multipart"),
        (post("sendgrid", multipart({"email": RAW})[:-30], {"content-type": FORM}), "middle"),
        (post("sendgrid", multipart({str(n): "" for n in range(501)}), {"content-type": FORM}), "500 parts"),
        (post("sendgrid", f"--{BOUNDARY}\r\n\r\n\r\n--{BOUNDARY}--\r\n".encode(), {"content-type": FORM}), "no name"),
        (post("sendgrid", multipart({"a": "b"}).replace(b"Content", b"C" * 9000), {"content-type": FORM}), "multipart"),
        (sendgrid(email=""), "no headers"),
        (sendgrid(charsets="[]"), "charsets"),
        (sendgrid(attachment_info="{"), "attachment-info"),
        (mailgun(message_headers="{"), "message-headers"),
        (mailgun(message_headers=json.dumps([["To", "a@b.example, " * 101]])), "recipients"),
        (mailgun(message_headers=json.dumps([["X", "y"]] * 1001)), "1000 headers"),
        (mailgun(message_headers=json.dumps([["X", "y" * 70_000]])), "longer than"),
        (mailgun(attachments='[{"size": "big"}]'), "attachments"),
        (postmark(Attachments=[{"Name": "x", "Content": "é"}]), "base64"),
        (postmark(Attachments=[{}] * 201), "Attachments"),
        (mailjet(Parts=[{"ContentRef": "Attachment1"}], Attachment1="*"), "base64"),
        (ses(headers=[{"name": "X", "value": "y"}] * 1001), "Message"),
        (post("ses", json.dumps(notification()).encode(), {}), "raw message delivery"),
        (post("postmark", b"[]", {}), ""),
        (post("mailjet", b'{"Headers": 1}', {}), ""),
        (post("mailjet", b"[" * 100_000, {}), ""),
        (post("postmark", b'{"Subject": "\\ud800"}', {}), ""),
    ],
)  # fmt: skip
def test_malformed(request_, detail):
    """What makes no sense, or is too much, is refused with the reason."""
    with pytest.raises(Rejected) as rejected:
        parse(request_, proven=False)
    assert rejected.value.reason == "malformed"
    assert detail in rejected.value.detail


HOSTILE = st.one_of(
    st.binary(max_size=300),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [*MAILJET, "Type", "MessageId", "TopicArn", "Message", "FromFull", "RawEmail", "event"]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=12,
    ).map(lambda found: json.dumps(found).encode()),
    st.dictionaries(
        st.sampled_from(["from", "headers", "email", "body-mime", "message-headers", "envelope", "charsets", "sender"]),
        st.binary(max_size=80) | st.sampled_from([b'[["From","x@y.example"]]', b"From: x@y.example", b'{"a":"b"}']),
    ).map(multipart),
)


def outcome(request: Request) -> str:
    """The reason of a refusal, or `events`; those can be written down."""
    try:
        events = parse(request, proven=False)
    except Rejected as rejected:
        return rejected.reason
    assert all(event.model_dump_json() for event in events)
    return "events"


@settings(max_examples=400, deadline=None)
@given(
    body=HOSTILE, name=st.sampled_from(sorted(SIDES)), kind=st.sampled_from([FORM, "application/json", "", "a/b; c"])
)
def test_any_bytes(body, name, kind):
    """Whatever the bytes, they end in events or in a refusal."""
    assert outcome(post(name, body, {"content-type": kind})) in {"events", "malformed", "too_large"}


@settings(max_examples=150, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(SIDES)))
def test_broken_on_the_way(data, name):
    """A good request with bytes lost, changed or added ends in events or in a refusal."""
    request = SIDES[name].make()
    start = data.draw(st.integers(0, len(request.body)))
    end = data.draw(st.integers(start, min(len(request.body), start + 40)))
    body = request.body[:start] + data.draw(st.binary(max_size=40)) + request.body[end:]
    assert outcome(replace(request, body=body)) in {"events", "malformed", "too_large"}


URLENCODED = {"content-type": "application/x-www-form-urlencoded"}


def test_escapes():
    """What is no escape stays as it is; a plus is a space; text in several bytes is put together."""
    body = b"sender=jan%40example.com&body-plain=100%zz+of+%D1%84%+%4"
    assert one(post("mailgun", body, URLENCODED), proven=False).text == "100%zz of ф% %4"


def test_nothing_but_escapes():
    """Millions of escapes are refused, and cost nothing in fields that nobody asks for."""
    many = b"%41a" * 1_000_001
    with pytest.raises(Rejected, match="escapes"):
        parse(post("mailgun", b"sender=a%40b.example&body-plain=" + many, URLENCODED), proven=False)
    assert one(post("mailgun", b"sender=a%40b.example&unknown=" + many, URLENCODED), proven=False).text == ""


def test_headers_of_the_goldens():
    """The first of several headers with one name counts, as mail programs show it."""
    twice = [*HEADERS, ("From", "eve@evil.example")]
    assert one(mailgun(message_headers=json.dumps(twice))).sender.identifiers == ("email:jan@example.com",)
