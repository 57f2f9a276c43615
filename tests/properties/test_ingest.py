"""Any bytes, to any provider's parser: messages that fit into the contract, or a clear refusal."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import decode, encode
from services.ingest.normalise import charset, html, identifiers, language, reply
from services.ingest.normalise.text import clean, line
from services.ingest.provider import Rejected
from tests.unit.ingest.provider_side import call, chat, mail, parse, sms, wa, whatsapp

PATIENT = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
header_lines = st.builds(
    lambda name, value: name + b": " + value + b"\r\n",
    st.sampled_from(
        [
            b"From",
            b"To",
            b"Subject",
            b"Date",
            b"Message-ID",
            b"References",
            b"Content-Type",
            b"Content-Disposition",
            b"Content-Transfer-Encoding",
            b"Reply-To",
            b"Return-Path",
            b"Precedence",
            b"X",
        ]
    ),
    st.binary(max_size=60)
    | st.sampled_from(
        [
            b"a@b.example",
            b"Jan <a@b.example>",
            b"=?utf-8?B?0JjQstCw0L0=?= <a@b.example>",
            b"<a@b> <c@d>",
            b"base64",
            b"multipart/mixed; boundary=x",
            b"message/rfc822",
            b"text/html; charset=koi8-r",
            b"quoted-printable",
            b"text/plain; name*0*=utf-8''%D1; name*1=x",
            b"multipart/report; report-type=delivery-status; boundary=x",
            b'attachment; filename="=?utf-8?q?x?="',
            b"x-uuencode",
            b"message/external-body",
            b"multipart/digest; boundary=x",
        ]
    ),
)
mails = st.builds(
    lambda heads, parts: b"".join(heads) + b"\r\n" + b"\r\n--x\r\n".join(parts),
    st.lists(header_lines, max_size=8),
    st.lists(st.binary(max_size=80) | st.lists(header_lines, max_size=3).map(b"".join), max_size=4),
)


@st.composite
def changed(draw: st.DrawFn, bodies: list[bytes]) -> bytes:
    """A good body with some bytes replaced."""
    body = bytearray(draw(st.sampled_from(bodies)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(body) - 1))
        body[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=4))
    return bytes(body)


chats = st.dictionaries(
    st.sampled_from(["type", "conversation", "message_id", "sent_at", "text", "customer", "language", "attachments"]),
    json_values | st.text(max_size=30),
).map(lambda changes: chat(**changes))
forms = st.dictionaries(
    st.sampled_from(
        [
            "MessageSid",
            "SmsStatus",
            "Body",
            "From",
            "NumMedia",
            "CallSid",
            "CallStatus",
            "Direction",
            "Timestamp",
            "CallDuration",
            "SpeechResult",
            "MediaContentType0",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from(["ringing", "completed", "inbound", "SM1", "1"]),
).map(lambda fields: urlencode(fields).encode())
batches = st.lists(
    st.dictionaries(
        st.sampled_from(
            ["type", "text", "image", "interactive", "contacts", "location", "order", "button", "context", "from", "id"]
        ),
        json_values | st.sampled_from(["text", "image", "interactive", "contacts", "location", "order", "button"]),
    ),
    max_size=3,
).map(lambda changes: whatsapp(*(wa() | change for change in changes)))

BODIES = {
    "mime": st.binary(max_size=300) | mails | changed([mail(), mail("a\n> b\n-- \nc")]),
    "standard": st.binary(max_size=300) | json_values.map(lambda v: json.dumps(v).encode()) | chats | changed([chat()]),
    "twilio": st.binary(max_size=300) | forms | changed([call(), sms(), call("completed", CallDuration="5")]),
    "whatsapp": st.binary(max_size=300) | batches | changed([whatsapp(wa(), wa(number=2))]),
}


def outcome(provider: str, body: bytes):
    """The events, or the refusal's reason."""
    try:
        return list(parse(provider, body))
    except Rejected as rejected:
        return rejected.reason


@pytest.mark.parametrize("provider", sorted(BODIES))
def test_any_bytes(provider):
    """They end in events that survive the way over Kafka, the same at every repeat, or in a refusal."""

    @PATIENT
    @given(BODIES[provider])
    def holds(body: bytes) -> None:
        found = outcome(provider, body)
        assert outcome(provider, body) == found
        if isinstance(found, str):
            assert found in {"malformed", "too_large"}
            return
        for event in found:
            record = encode(event, event.message_id, "/test")
            assert decode(record.value, record.headers).event == event

    holds()


@PATIENT
@given(st.text(st.characters(), max_size=300), st.integers(10, 100))
def test_text(text, limit):
    """Cleaned text can be encoded, has no control characters, keeps to its limit, and stays as it is."""
    cleaned = clean(text, limit)
    cleaned.encode()
    assert len(cleaned) <= limit
    assert not set(cleaned) & {chr(c) for c in range(32) if c not in (9, 10)}
    assert "\n" not in (line(text) or "")


@PATIENT
@given(st.binary(max_size=300), st.none() | st.text(max_size=20) | st.sampled_from(["utf-8", "koi8-r", "utf-16", "hz"]))
def test_any_charset(data, declared):
    """Any bytes in any charset become text that can be cleaned."""
    clean(charset.decode(data, declared)).encode()


@PATIENT
@given(
    st.text(max_size=200)
    | st.lists(st.sampled_from(["<p>", "<table>", "<td>", "</p>", "<br", "a", "&#x0;", "<!--", "<script>"])).map(
        "".join
    )
)
def test_any_page(page):
    """Any page becomes text."""
    clean(html.to_text(page)).encode()


@PATIENT
@given(st.text(max_size=100))
def test_identifiers(written):
    """What comes out is canonical: put in again, it stays."""
    address = identifiers.mail_address(written)
    assert address is None or identifiers.mail_address(address) == address
    number = identifiers.phone_number(written, "ZA")
    assert number is None or identifiers.phone_number(number) == number


@PATIENT
@given(st.lists(st.sampled_from(["> quoted", "On Sat, Jan wrote:", "-- ", "new", "", "Regards,", "From: a", "To: b"])))
def test_replies(rows):
    """The reply is made of lines of the mail, in their order, and is only empty when the mail is."""
    full = "\n".join(rows).strip()
    found = reply.latest(full)
    assert bool(found) == bool(full)
    lines = iter(full.split("\n"))
    assert all(any(row.strip() == line.strip() for line in lines) for row in found.split("\n"))


@PATIENT
@given(st.text(max_size=200))
def test_language(text):
    """A language is a code, or none."""
    found = language.detect(text, ("en", "ru", "af"))
    assert found is None or (found.islower() and 2 <= len(found) <= 3)
