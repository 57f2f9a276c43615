"""What was seen, or is known, to hang, crash or bloat mail and JSON parsers: each ends in messages or in a
clear refusal, and in an event that fits into a Kafka record.
"""

from __future__ import annotations

import json
import signal

import pytest

from schemas.codec import decode, encode
from services.ingest.provider import Rejected
from tests.unit.ingest.provider_side import call, chat, parse, sms, wa, whatsapp

GUARD_SECONDS = 60.0
RECORD_BYTES = 1_000_000

FROM = b"From: a@b.example\r\n"
MIXED = FROM + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
HTML = FROM + b"Content-Type: text/html\r\n\r\n"
UTF8 = FROM + b"Content-Type: text/plain; charset=utf-8\r\n\r\n"


def nested(depth: int) -> bytes:
    parts = (b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth))
    return FROM + b"".join(parts) + b"\r\nhi"


REFUSED_MAIL = {
    "multipart 1,000 deep": nested(1000),
    "messages 1,000 deep": FROM + b"Content-Type: message/rfc822\r\n\r\n" * 1000,
    "5,000 parentheses for an author": b"From: " + b"(" * 5000 + b"\r\n\r\nhi",
    "an address in 5,000 parentheses": b"From: a" + b"(" * 5000 + b"@b.example\r\n\r\nhi",
    "100,000 recipients": FROM + b"To: " + b", ".join(b"a%d@b.example" % n for n in range(100_000)) + b"\r\n\r\nhi",
    "101 recipients": FROM + b"Cc: " + b", ".join(b"a%d@b.example" % n for n in range(101)) + b"\r\n\r\nhi",
    "a subject of 65 KiB": FROM + b"Subject: " + b"a" * 66_000 + b"\r\n\r\nhi",
    "60,000 parameters": FROM + b"Content-Type: text/plain" + b";" * 60_000 + b"\r\n\r\nhi",
    "201 parts": MIXED + b"--x\r\n\r\nhi\r\n" * 201,
    "100,000 headers": FROM + b"X: y\r\n" * 100_000 + b"\r\nhi",
    "25 million lines": FROM + b"\r\n" + b"\n" * 25_000_000,
}
TAKEN_MAIL = {
    "multipart 49 deep": nested(49),
    "199 parts full of parameters": MIXED
    + (b"--x\r\nContent-Type: text/plain" + b";a=b" * 1000 + b"\r\n\r\nhi\r\n") * 198,
    "files named in 100 pieces": MIXED
    + (
        b"--x\r\nContent-Disposition: attachment; "
        + b";".join(b"filename*%d=a" % n for n in range(100))
        + b"\r\n\r\n\r\n"
    )
    * 198,
    "an unknown charset": FROM + b"Content-Type: text/plain; charset=klingon\r\n\r\n\xd0\xd2\xc9",
    "a charset that is none": FROM + b'Content-Type: text/plain; charset="\x00"\r\n\r\nhi',
    "a charset that unpacks": FROM + b"Content-Type: text/plain; charset=zlib\r\n\r\nhi",
    "a charset in another charset": FROM + b"Content-Type: text/plain; charset*=klingon'x'%ff\r\n\r\nhi",
    "CRLF in a subject": FROM + b"Subject: =?utf-8?q?a=0D=0ABcc:_x@y.example?=\r\n\r\nhi",
    "4,000 encoded words": FROM + b"Subject: " + b"=?utf-8?q?a?= " * 4000 + b"\r\n\r\nhi",
    "broken encoded words": FROM + b"Subject: " + b"=?a?b?" * 10_000 + b"\r\n\r\nhi",
    "an encoded word in no charset": FROM + b"Subject: =?klingon?B?////?=\r\n\r\nhi",
    "a boundary that never comes": MIXED + b"hi",
    "nothing but boundaries": MIXED + b"--x\r\n--x--\r\n" * 10_000,
    "a list of 50,000": HTML + b"<li>" * 50_000,
    "tables in tables": HTML + b"<table><tr><td>" * 13_000,
    "400,000 divisions": HTML + b"<div>" * 400_000,
    "styles that never end": HTML + b"<style>" * 28_000,
    "a page of attributes": HTML + b"<p " + b"a=b " * 50_000,
    "10 MB in one line": FROM + b"\r\n" + b"a " * 5_000_000,
    "500,000 emoji": UTF8 + "\U0001f600".encode() * 500_000,
    "mojibake": UTF8 + "привет ".encode().decode("latin-1").encode() * 30_000,
    "all bytes": FROM + b"\r\n" + bytes(range(256)) * 4000,
    "NUL everywhere": b"From: a@b.example\r\nSubject: a\x00b\r\n\r\nx\x00y",
    "an uuencoded ruin": FROM + b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 f\n" + b"M" * 60 + b"\n" * 10,
    "a broken base64": FROM + b"Content-Transfer-Encoding: base64\r\n\r\n====a",
    "60,000 angles": FROM + b"References: " + b"<" * 60_000 + b"\r\n\r\nhi",
    "4,000 references": FROM + b"References: " + b"<a@b> " * 4000 + b"\r\n\r\nhi",
    "no date of this world": FROM + b"Date: Sun, 99 Nov 999999 11:29:00 +9999\r\n\r\nhi",
    "a program that calls itself a picture": MIXED
    + b"--x\r\nContent-Type: image/png; name=a.png\r\n\r\nMZ\x90\r\n--x--",
    "a path for a name": MIXED
    + b'--x\r\nContent-Disposition: attachment; filename="../../etc/x\r\n\ty"\r\n\r\nx\r\n--x--',
} | {
    f"400 lines of {start!r} and {rest[:5]!r}": UTF8 + ((start + rest + "\n") * 400).encode()
    for start in (
        "On ",
        "> On ",
        "Op ",
        "Am ",
        "Le ",
        "From: a\nTo: ",
        "-- ",
        "Best regards ",
        "21.11.2026 ",
        "Op a het ",
    )
    for rest in ("wrote " * 60, " : " * 130, " *" * 200)
}
BODIES = {
    "mime": TAKEN_MAIL | REFUSED_MAIL,
    "standard": {
        "deep JSON": b"[" * 1_000_000,
        "deep objects": b'{"a":' * 1_000_000,
        "a deep unknown field": chat(extra=0).replace(b'"extra": 0', b'"extra": ' + b"[" * 100 + b"]" * 100),
        "lone surrogates": chat().replace(b"Hello", b"\\ud800"),
        "NaN": chat(extra=float("nan"), sent_at=float("inf")),
        "NUL": chat(text="a\x00b"),
        "keys twice": b'{"type": "ended", "type": "message", ' + chat()[1:],
        "a number of 5,000 digits": chat(extra=0).replace(b'"extra": 0', b'"extra": ' + b"9" * 5000),
        "16 MB of text": chat(text="я" * 8_000_000),
        "UTF-16": chat().decode().encode("utf-16"),
        "not UTF-8": chat(text="é").decode().encode("latin-1"),
    },
    "twilio": {
        "200,000 fields": b"&".join(b"a=1" for _ in range(200_000)),
        "one field of 10 MB": sms("я" * 1_000_000),
        "lone surrogates": b"MessageSid=SM1&Body=%ED%A0%80",
        "NUL": sms("a\x00b"),
        "many media": sms(NumMedia="99999999999999"),
        "other digits": sms(NumMedia="²"),
        "CRLF in a number": call(From="+2782\r\nX: y"),
    },
    "whatsapp": {
        "deep JSON": b'{"entry":[' * 500_000,
        "10,000 messages": whatsapp(*(wa(number=n) for n in range(10_000))),
        "things of other types": whatsapp(
            wa("contacts", contacts=[1, None, {"name": 5, "phones": [7, {"phone": {}}]}])
        ),
        "a place that is none": whatsapp(wa("location", location={"latitude": "x", "longitude": []})),
        "NaN": whatsapp(wa("location", location={"latitude": float("nan"), "longitude": float("inf")})),
        "a form that is none": whatsapp(
            wa("interactive", interactive={"type": "nfm_reply", "nfm_reply": {"response_json": "[" * 9000}})
        ),
        "no time of this world": whatsapp(wa() | {"timestamp": "9" * 30}),
        "lone surrogates": whatsapp(wa()).replace(b"printer", b"\\udfff"),
    },
}
CASES = [pytest.param(provider, name, id=f"{provider}: {name}") for provider, cases in BODIES.items() for name in cases]


@pytest.fixture(autouse=True)
def guard():
    """Ends a test that would hang."""

    def ring(*_):
        raise AssertionError(f"not done in {GUARD_SECONDS:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, GUARD_SECONDS)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(("provider", "name"), CASES)
def test_hostile(provider, name):
    """Messages that survive the way over Kafka unchanged, or a refusal with its reason. Mail above the limits
    is refused, not half taken; what is only odd is taken, since somebody wrote it.
    """
    events, refusal = [], None
    try:
        events = parse(provider, BODIES[provider][name])
    except Rejected as rejected:
        refusal = rejected
    assert refusal is None or (refusal.reason in {"malformed", "too_large"} and refusal.detail)
    if provider == "mime":
        assert len(events) == (0 if name in REFUSED_MAIL else 1)
    for event in events:
        record = encode(event, event.message_id, "/test")
        assert len(record.value) < RECORD_BYTES
        assert decode(record.value, record.headers).event == event
        json.loads(record.value)


def test_no_line_breaks_get_into_headers():
    """A subject cannot carry a header of its own into the mail that answers it."""
    (event,) = parse("mime", TAKEN_MAIL["CRLF in a subject"])
    assert event.subject == "a Bcc: x@y.example"
    (event,) = parse("mime", TAKEN_MAIL["a path for a name"])
    assert "\n" not in event.attachments[0].name
