"""Whatever comes: events that fit the contract, or a refusal; the same bytes give the same events."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import decode, encode
from services.ingest.provider import Rejected
from services.ingest.providers import registry
from tests.unit.ingest import (
    test_chat_intercom,
    test_chat_sunshine,
    test_chat_zendesk,
    test_cloud_events,
    test_email_brevo,
    test_email_mailersend,
    test_email_postal,
    test_email_resend,
    test_email_sparkpost,
)
from tests.unit.ingest.provider_side import mail
from tests.unit.ingest.webhook_side import SIDES, STRUCTURED, Place, intake, request

GOOD: dict[Place, list[object]] = {
    ("email", "brevo"): [{"items": [test_email_brevo.item()]}],
    ("email", "mailersend"): [test_email_mailersend.inbound(mail().decode())],
    ("email", "sparkpost"): [[test_email_sparkpost.relayed(mail(), in_base64=True, msg_from="jan@example.com")]],
    ("email", "postal"): [test_email_postal.raw(), test_email_postal.apart()],
    ("email", "resend"): [test_email_resend.told(text="x", headers={"X": "y"})],
    ("chat", "intercom"): [
        test_chat_intercom.notified(topic, test_chat_intercom.part())
        for topic in ("conversation.user.created", "conversation.user.replied", "conversation.admin.closed")
    ],
    ("chat", "zendesk"): [test_chat_zendesk.said(), test_chat_zendesk.commented()],
    ("chat", "sunshine"): [test_chat_sunshine.batch(test_chat_sunshine.said(test_chat_sunshine.TEXT))],
    ("chat", "cloudevents"): [
        json.loads(STRUCTURED.body),
        json.loads(STRUCTURED.body) | {"type": "switchboard.message_received.v1", "data": test_cloud_events.CONTRACT},
    ],
}
JSON = {"content-type": "application/json"}
PLACES = pytest.mark.parametrize("place", GOOD, ids="/".join)

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from(["\x00", "\u200b", "<>", "@", "\ud800", "9" * 400, "=?utf-8?b?////?=", "2026-13-40T99:99:99Z"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """The ways to everything in a payload."""
    yield path
    for name, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from places(inner, (*path, name))


def replaced(value: object, path: tuple[object, ...], by: object) -> object:
    """The value with what lies at the end of the way changed."""
    if not path:
        return by
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


@st.composite
def nearly(draw, payloads: list[object]) -> bytes:
    """A good payload of which one or two things are odd."""
    payload = draw(st.sampled_from(payloads))
    for path in sorted(draw(st.lists(st.sampled_from(list(places(payload))), min_size=1, max_size=2)), key=len):
        if path in set(places(payload)):
            payload = replaced(payload, path, draw(odd))
    return json.dumps(payload).encode("utf-8", "surrogatepass")


def check(place: Place, body: bytes, headers: dict[str, str]) -> None:
    parse = registry()[place].parse
    sent = request(place, body, headers)
    try:
        events = parse(sent, intake(place))
    except Rejected:
        return
    for event in events:
        record = encode(event, event.message_id, "/test")
        assert decode(record.value, record.headers).event == event
        assert len(record.value) < 1_000_000
    assert parse(sent, intake(place)) == events


@PLACES
def test_good(place):
    """What the changed payloads come from is good itself."""
    headers = dict(STRUCTURED.headers) if place[1] == "cloudevents" else JSON
    for payload in GOOD[place]:
        assert registry()[place].parse(request(place, json.dumps(payload).encode(), headers), intake(place))


@PLACES
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_one_odd_thing(place, data):
    """A payload with one thing in it changed."""
    headers = dict(STRUCTURED.headers) if place[1] == "cloudevents" else JSON
    check(place, data.draw(nearly(GOOD[place])), headers)


@pytest.mark.parametrize("place", SIDES, ids="/".join)
@settings(max_examples=30, deadline=None)
@given(
    body=st.binary(max_size=300) | st.text(max_size=100).map(lambda text: json.dumps(text).encode()),
    headers=st.dictionaries(
        st.sampled_from(["content-type", "ce-id", "ce-source", "ce-type", "ce-time", "ce-specversion", "ce-é"]),
        st.text(max_size=30)
        | st.sampled_from(["1.0", "application/x-www-form-urlencoded", *STRUCTURED.headers.values(), "2026-11-22"]),
    ),
)
def test_anything(place, body, headers):
    """Any bytes under any headers."""
    check(place, body, headers)
