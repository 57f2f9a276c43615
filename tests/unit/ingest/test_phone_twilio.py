"""Calls and SMS as Twilio tells of them."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from schemas.base import ReplyAddress
from schemas.messages import Attachment, ContactEnded, MessageReceived, Sender
from services.ingest.provider import Rejected, Request
from services.ingest.providers.phone_twilio import answer
from tests.unit.ingest.provider_side import NOW, SID, SMS, call, form, intake, parse, sms

CALLER = Sender(identifiers=("tel:+27821234567",))
ADDRESS = ReplyAddress(channel="phone", provider="twilio", address="+27821234567")


def test_a_call_is_one_message():
    """Every state of a call that goes on gives the same live message."""
    expected = MessageReceived(
        desk="acme",
        at=NOW,
        message_id=intake("twilio").message_id(SID),
        channel="phone",
        provider="twilio",
        provider_message_id=SID,
        sender=CALLER,
        reply_to=ADDRESS.model_copy(update={"thread": SID}),
        text="",
        live=True,
        contact=SID,
        verified=True,
    )
    for status in ("queued", "initiated", "ringing", "in-progress"):
        assert parse("twilio", call(status)) == [expected]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("completed", "completed"),
        ("busy", "busy"),
        ("no-answer", "no_answer"),
        ("failed", "failed"),
        ("canceled", "hung_up"),
    ],
)
def test_the_end_of_a_call(status, reason):
    """Each way in which a call ends is told apart; how long it lasted comes along."""
    assert parse("twilio", call(status, CallDuration="42")) == [
        ContactEnded(
            desk="acme",
            at=NOW,
            message_id=intake("twilio").message_id(f"{SID} ended"),
            channel="phone",
            provider="twilio",
            contact=SID,
            sender=CALLER,
            reason=reason,
            seconds=42,
        )
    ]


def test_what_the_caller_said():
    """Speech is a further message of the same contact, the same at every repeat."""
    body = call("in-progress", SpeechResult="Ek kan nie aanmeld nie", Timestamp="Sun, 22 Nov 2026 09:29:00 +0000")
    (event,) = parse("twilio", body)
    assert (event.text, event.language, event.contact) == ("Ek kan nie aanmeld nie", "af", SID)
    assert event.sent_at == datetime(2026, 11, 22, 9, 29, tzinfo=UTC)
    assert event.message_id != parse("twilio", call())[0].message_id
    assert parse("twilio", body) == [event]


def test_sms():
    """An SMS, whole."""
    (event,) = parse("twilio", sms("Мой принтер сломался, AC-7K3Q9XM", NumMedia="1", MediaContentType0="image/jpeg"))
    assert event == MessageReceived(
        desk="acme",
        at=NOW,
        message_id=intake("twilio").message_id(SMS),
        channel="phone",
        provider="twilio",
        provider_message_id=SMS,
        sender=CALLER,
        reply_to=ADDRESS,
        text="Мой принтер сломался, AC-7K3Q9XM",
        language="ru",
        case_reference="AC-7K3Q9XM",
        attachments=(Attachment(name="media-0", media_type="image/jpeg", size=0),),
        verified=True,
    )


@pytest.mark.parametrize(
    "body",
    [
        sms(MessageStatus="delivered"),
        sms(SmsStatus="sent"),
        call(Direction="outbound-api"),
        call(Direction="outbound-dial"),
    ],
)
def test_reports_on_our_own_are_no_messages(body):
    """What we sent or called ourselves is acknowledged, and nothing more."""
    assert parse("twilio", body) == []


@pytest.mark.parametrize("number", ["+266696687", "anonymous", "", "+7378742833"])
def test_withheld_numbers(number):
    """Two callers who withhold their numbers are not one customer."""
    one = parse("twilio", call(From=number))[0].sender.identifiers
    other = parse("twilio", call(From=number, CallSid="CA2"))[0].sender.identifiers
    assert one == (f"handle:twilio:{SID}",)
    assert one != other


@pytest.mark.parametrize(
    ("written", "identifiers", "address"),
    [
        ("082 123 4567", ("tel:+27821234567",), "+27821234567"),
        ("whatsapp:+27821234567", ("handle:whatsapp:27821234567", "tel:+27821234567"), "whatsapp:+27821234567"),
        ("sip:jan@pbx.example", ("handle:sip:jan@pbx.example",), "sip:jan@pbx.example"),
        ("32123", ("handle:phone:32123",), "32123"),
        ("ACME", ("handle:phone:ACME",), "ACME"),
    ],
)
def test_other_addresses(written, identifiers, address):
    """Every kind of address that Twilio gives is known again, and answered the way it came."""
    (event,) = parse("twilio", sms(From=written))
    assert (event.sender.identifiers, event.reply_to.address) == (identifiers, address)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "neither"),
        (b"\xff=1", "UTF-8"),
        (b"%FF=1", "UTF-8"),
        (form(CallSid=SID), "neither"),
        (call("asleep"), "CallStatus"),
        (call(CallSid="CA 1\r\n"), "SID"),
        (sms(MessageSid="SM" + "1" * 100), "SID"),
        (b"&".join(b"a%d=1" % n for n in range(1000)), "fields"),
    ],
)
def test_malformed(body, detail):
    """What is wrong is said."""
    with pytest.raises(Rejected, match=detail) as rejected:
        parse("twilio", body)
    assert rejected.value.reason == "malformed"


@pytest.mark.parametrize("duration", ["", "-1", "é", "9" * 30, "1.5"])
def test_odd_durations(duration):
    """A duration that is none is left out; the end of the call still counts."""
    assert parse("twilio", call("completed", CallDuration=duration))[0].seconds is None


def test_answers():
    """A caller is put into the desk's queue; an SMS is answered with an empty document."""
    spoken = answer(Request("POST", "", {}, {}, call()), (), intake("twilio"))
    written = answer(Request("POST", "", {}, {}, sms()), (), intake("twilio"))
    assert [(verb.tag, verb.text) for verb in ET.fromstring(spoken.body)] == [("Enqueue", "acme")]
    assert list(ET.fromstring(written.body)) == []
    assert spoken.media_type == written.media_type == "application/xml"


def test_form_of_escapes_is_refused_before_it_costs_anything() -> None:
    """Ten megabytes of `%` once took seconds and gigabytes, unproved."""
    with pytest.raises(Rejected) as refused:
        parse("twilio", b"Body=" + b"%" * 10_000_000)

    assert refused.value.reason == "too_large"
