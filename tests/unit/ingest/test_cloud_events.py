"""CloudEvents over HTTP on every channel, as the CloudEvents library sends them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from schemas.base import ReplyAddress
from schemas.messages import ContactEnded, MessageReceived, Sender
from services.ingest.provider import Rejected
from services.ingest.providers import registry
from tests.unit.ingest.provider_side import NOW, chat
from tests.unit.ingest.webhook_side import event, intake, parse, refusal, request

PLACE = ("chat", "cloudevents")
CHANNELS = ("email", "chat", "phone", "social")
MODES = pytest.mark.parametrize("mode", [to_binary_event, to_structured_event])
STANDARD = json.loads(chat(message_id=None))
CONTRACT = {
    "sender": {"identifiers": ["email:Jan@Example.com", "tel:082 123 4567"], "name": "Jan\r\nBotha"},
    "reply_to": {"address": "jan@example.com", "thread": "<m1@example.com>"},
    "subject": "Printer\r\nAC-7K3Q9XM",
    "text": "My printer\x00 is broken",
    "references": ["<m0@acme.example>"],
    "verified": True,
}


def taken(message: HTTPMessage, channel: str = "chat"):
    return parse((channel, "cloudevents"), message.body, message.headers)


def contract(data: dict[str, object], kind: str = "message_received", **attributes: object) -> CloudEvent:
    return event(data, type=f"switchboard.{kind}.v1", **attributes)


@MODES
def test_message(mode):
    """A message in our own payload, whole, under the event's id."""
    assert taken(mode(event())) == [
        MessageReceived(
            desk="acme",
            at=NOW,
            message_id=intake(PLACE).message_id("e-1"),
            channel="chat",
            provider="cloudevents",
            provider_message_id="e-1",
            sender=Sender(
                identifiers=("handle:chat:u-9", "email:jan@example.com", "tel:+27821234567"), name="Jan Botha"
            ),
            reply_to=ReplyAddress(channel="chat", provider="cloudevents", address="c-17", thread="c-17"),
            text="Hello, my printer does not work.",
            language="en",
            live=True,
            contact="c-17",
            verified=True,
            sent_at=datetime(2026, 11, 22, 9, 29, 30, tzinfo=UTC),
        )
    ]


@MODES
@pytest.mark.parametrize(("channel", "live"), [("email", False), ("chat", True), ("phone", True), ("social", False)])
def test_channels(mode, channel, live):
    """On every channel: somebody waits on the telephone and in a chat only."""
    (found,) = taken(mode(event()), channel)
    assert (found.channel, found.live, found.contact) == (channel, live, "c-17" if live else None)
    assert found.sender.identifiers[0] == f"handle:{channel}:u-9"
    assert found.reply_to == ReplyAddress(channel=channel, provider="cloudevents", address="c-17", thread="c-17")


@MODES
def test_ended(mode):
    """The end of a contact."""
    (found,) = taken(mode(event(STANDARD | {"type": "ended"}, id="e-9")))
    assert isinstance(found, ContactEnded)
    assert (found.message_id, found.contact) == (intake(PLACE).message_id("e-9"), "c-17")


@MODES
def test_time(mode):
    """The event's time is the message's, where the message has none of its own."""
    at = datetime(2026, 11, 22, 11, 29, tzinfo=UTC)
    (found,) = taken(mode(event({name: value for name, value in STANDARD.items() if name != "sent_at"}, time=at)))
    assert found.sent_at == at


@MODES
def test_ids(mode):
    """The event's id may hold anything that can be read; the message's own one does not count."""
    (found,) = taken(mode(event(STANDARD | {"message_id": "m-1"}, id='e "1" %é')))
    assert found.provider_message_id == 'e "1" %é'


@MODES
def test_contract_message(mode):
    """A normalised message: what only ingest knows is put in, the rest is brought into its usual form."""
    (found,) = taken(mode(contract(CONTRACT)), "email")
    assert found == MessageReceived(
        desk="acme",
        at=NOW,
        message_id=intake(("email", "cloudevents")).message_id("e-1"),
        channel="email",
        provider="cloudevents",
        provider_message_id="e-1",
        sender=Sender(identifiers=("email:jan@example.com", "tel:+27821234567"), name="Jan Botha"),
        reply_to=ReplyAddress(
            channel="email", provider="cloudevents", address="jan@example.com", thread="<m1@example.com>"
        ),
        subject="Printer AC-7K3Q9XM",
        text="My printer is broken",
        language="en",
        references=("<m0@acme.example>",),
        case_reference="AC-7K3Q9XM",
        verified=True,
    )


@MODES
def test_contract_end(mode):
    """The end of a call, normalised."""
    data = {"contact": "call-1", "sender": {"identifiers": ["tel:+27821234567"]}, "reason": "hung_up", "seconds": 5}
    (found,) = taken(mode(contract(data, "contact_ended")), "phone")
    assert (found.contact, found.reason, found.seconds, found.at) == ("call-1", "hung_up", 5, NOW)


def test_verified_only_when_proved():
    """Through an open door nobody can call a sender verified."""
    message = to_binary_event(contract(CONTRACT))
    place = ("email", "cloudevents")
    sent = request(place, message.body, message.headers)
    (found,) = registry()[place].parse(sent, intake(place, proven=False))
    assert found.verified is False


def test_batch():
    """All events of a batch, in order."""
    events = [json.loads(to_structured_event(event(id=f"e-{n}")).body) for n in range(3)]
    headers = {"content-type": "application/cloudevents-batch+json; charset=utf-8"}
    found = parse(PLACE, events, headers)
    assert [each.provider_message_id for each in found] == ["e-0", "e-1", "e-2"]
    assert parse(PLACE, [], headers) == []
    assert "1000" in refusal(PLACE, events * 334, headers)
    assert "list" in refusal(PLACE, events[0], headers)
    assert "CloudEvent" in refusal(PLACE, [*events, "x"], headers)


def test_data_in_base64():
    """Structured data may come as bytes."""
    (found,) = taken(to_structured_event(CloudEvent(event().get_attributes(), json.dumps(STANDARD).encode())))
    assert found.text == "Hello, my printer does not work."


@pytest.mark.parametrize("missing", ["id", "source", "type", "specversion"])
@MODES
def test_missing_attributes(mode, missing):
    """An event without a required attribute is refused: the library would make up an id of its own."""
    message = mode(event())
    body = json.loads(message.body)
    headers = {name: value for name, value in message.headers.items() if name != f"ce-{missing}"}
    body = {name: value for name, value in body.items() if name != missing} if mode is to_structured_event else body
    detail = refusal(PLACE, body, headers)
    assert missing in detail


@pytest.mark.parametrize(
    ("headers", "body", "detail"),
    [
        ({}, chat(), "id"),
        ({"ce-time": "yesterday"}, chat(), "ValueError"),
        ({"ce-specversion": "0.3"}, chat(), "specversion"),
        ({"ce-no_name": "x"}, chat(), "no_name"),
        ({"ce-id": "e" * 201}, chat(), "200"),
        ({"ce-id": "%00"}, chat(), "read"),
        ({"ce-id": "%FF%ED%A0%80"}, b"", "JSON"),
        ({}, b"[]", "id"),
        ({"ce-x": "1"}, b"", "JSON"),
        ({"ce-x": "1"}, b"[" * 100_000, "JSON"),
        ({"ce-x": "1"}, b'"\\ud800"', "JSON"),
        ({"ce-x": "1"}, b"[]", "object"),
        ({"ce-x": "1"}, b"NaN", "JSON"),
        ({"ce-x": "1"}, b"{}", "type"),
        ({"ce-type": "switchboard.message_received.v1"}, b"{}", "sender"),
        ({"ce-type": "switchboard.contact_ended.v1"}, b"{}", "contact"),
        ({"ce-type": "switchboard.message_received.v1"}, b'{"desk": "other"}', "desk"),
        ({"ce-type": "switchboard.message_received.v1"}, b'{"channel": "email"}', "channel"),
        ({"ce-type": "switchboard.message_received.v1"}, json.dumps(CONTRACT | {"text": "\x00"}).encode(), "text"),
        (
            {"ce-type": "switchboard.message_received.v1"},
            json.dumps(CONTRACT | {"sender": {"identifiers": ["email:x"]}}).encode(),
            "identifiers",
        ),
    ],
)
def test_malformed_binary(headers, body, detail):
    """What is wrong is said."""
    needed = {"ce-id": "e-1", "ce-source": "/x", "ce-type": "x", "ce-specversion": "1.0"} if headers else {}
    assert detail in refusal(PLACE, body, {"content-type": "application/json", **needed, **headers})


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b'{"id": "\\ud800"}', "JSON"),
        (b"[]", "CloudEvent"),
        (b'"x"', "CloudEvent"),
        ({"id": 5, "source": "/x", "type": "x", "specversion": "1.0"}, "id"),
        ({"id": "e", "source": "/x", "type": ["x"], "specversion": "1.0"}, "type"),
        ({"id": "e", "source": "/x", "type": "x", "specversion": "1.0"}, "object"),
        ({"id": "e", "source": "/x", "type": "x", "specversion": "1.0", "time": 5}, "CloudEvent"),
        ({"id": "e", "source": "/x", "type": "x", "specversion": "1.0", "data_base64": "é"}, "CloudEvent"),
        ({"id": "e", "source": "/x", "type": "x", "specversion": "1.0", "data": {"text": 1}}, "conversation"),
    ],
)
def test_malformed_structured(body, detail):
    """What is wrong is said, without the sender's words."""
    assert detail in refusal(PLACE, body, {"content-type": "application/cloudevents+json"})


def test_structured_mode_counts_by_its_type():
    """Content-Type says which mode it is, as the binding has it: headers beside a whole event do not count."""
    message = to_structured_event(event(id="e-1"))
    (found,) = parse(PLACE, message.body, {**message.headers, "ce-id": "e-2"})
    assert found.provider_message_id == "e-1"


def test_a_message_without_words():
    """Our own payload keeps its own rules."""
    with pytest.raises(Rejected, match="text"):
        taken(to_binary_event(event(STANDARD | {"text": ""})))
