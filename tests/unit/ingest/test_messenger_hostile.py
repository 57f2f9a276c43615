"""What is sent to messengers' parsers to hurt them: each ends in events that Kafka takes, or in a refusal."""

from __future__ import annotations

import json
import signal
from copy import deepcopy
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode, encode
from services.ingest.provider import Rejected
from tests.unit.ingest.messenger_side import (
    FORM,
    SIDES,
    batch,
    door,
    happened,
    line_batch,
    line_event,
    parse,
    signed,
    slack_event,
    viber_callback,
    vk_callback,
    vk_message,
)

GUARD_SECONDS = 60.0
RECORD_BYTES = 1_000_000
NAMES = sorted(SIDES)
AS_FORM = {"content-type": FORM}


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


def outcome(name: str, body: bytes, headers: dict[str, str] | None = None) -> list | None:
    """The events, each having gone to Kafka and back; none for a refusal, which has its reason."""
    refusal = None
    try:
        events = parse(name, body, headers)
    except Rejected as rejected:
        refusal = rejected
    if refusal is not None:
        assert refusal.reason in {"malformed", "too_large"}
        assert refusal.detail
        return None
    for event in events:
        record = encode(event, event.message_id, "/test")
        assert len(record.value) < RECORD_BYTES
        assert decode(record.value, record.headers).event == event
    return list(events)


def dumped(payload: object) -> bytes:
    return json.dumps(payload).encode()


LONG = "9" * 4000
DEEP = b'{"a":' * 500_000
BODIES: dict[str, dict[str, bytes]] = {
    "messenger": {
        "1,000 long texts": dumped(
            batch(*(happened(message={"mid": f"m{n}", "text": "я" * 140}) for n in range(1000)))
        ),
        "attachments": dumped(batch(happened(message={"mid": "m", "attachments": [{"type": "image"}] * 40_000}))),
        "NaN": dumped(
            batch(
                happened(
                    message={
                        "mid": "m",
                        "attachments": [
                            {
                                "type": "location",
                                "payload": {"coordinates": {"lat": float("nan"), "long": float("inf")}},
                            }
                        ],
                    }
                )
            )
        ),
        "no time of this world": dumped(batch(happened() | {"timestamp": 10**17})),
        "a batch of batches": dumped({"object": "page", "entry": batch(happened())["entry"] * 1001}),
    },
    "instagram": {"changes of anything": dumped(batch(kind="instagram", changes=[{"field": "messages", "value": 5}]))},
    "line": {
        "all kinds of values": dumped(line_batch(line_event(message={"id": "1", "type": "sticker", "keywords": [5]}))),
        "a long group": dumped(line_batch(line_event(source={"groupId": "C" * 199}))),
        "too long a group": dumped(line_batch(line_event(source={"groupId": "C" * 9000}))),
        "keywords": dumped(line_batch(line_event(message={"id": "1", "type": "sticker", "keywords": ["a"] * 90_000}))),
    },
    "viber": {
        "a long file name": dumped(viber_callback(message={"type": "file", "file_name": "../\r\n" * 9000})),
        "a size": dumped(viber_callback(message={"type": "file", "file_name": "a", "size": 10**30})),
    },
    "telegram": {
        "numbers of 4,000 digits": dumped(SIDES["telegram"].example)
        .replace(b"1111111", LONG.encode())
        .replace(b"1365", LONG.encode()),
        "a poll": dumped(
            {
                "update_id": 1,
                "message": {
                    "message_id": 1,
                    "chat": {"id": 1},
                    "from": {"id": 1},
                    "poll": {"question": "?", "options": [{"text": "a" * 900}] * 4000},
                },
            }
        ),
        "nested replies": b'{"update_id":1,"message":'
        + b'{"message_id":1,"reply_to_message":' * 900
        + b"1"
        + b"}" * 901,
    },
    "vk": {
        "numbers of 4,000 digits": dumped(vk_callback()).replace(b"123456", LONG.encode()),
        "a message for its own text": dumped(vk_callback(object={"message": vk_message(text={"text": "x"})})),
        "forwarded": dumped(vk_callback(object={"message": vk_message(fwd_messages=[{"text": "я" * 4000}] * 100)})),
        "an attachment of itself": dumped(
            vk_callback(object={"message": vk_message(attachments=[{"type": "type", "x": "type"}])})
        ),
        "a size that is true": dumped(
            vk_callback(
                object={"message": vk_message(attachments=[{"type": "doc", "doc": {"size": True, "title": 5}}])}
            )
        ),
    },
    "slack": {
        "a long channel": dumped(slack_event(channel="C" * 9000)),
        "a long user": dumped(slack_event(user="U" * 9000)),
        "angles": dumped(slack_event(text="<" * 1_000_000)),
        "bars in angles": dumped(slack_event(text="<" + "|" * 500_000)),
        "links": dumped(slack_event(text="<https://a|b>" * 100_000)),
        "ampersands": dumped(slack_event(text="&amp;" * 500_000)),
        "a thread of 9,000": dumped(slack_event(thread_ts="1" * 9000)),
    },
}
EVERYWHERE = {
    "deep objects": DEEP,
    "deep lists": b"[" * 1_000_000,
    "not UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "half a megabyte of digits": b'{"a": ' + b"9" * 500_000 + b"}",
    "more than is read": b'{"a": "' + b"a" * 5_000_000 + b'"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a null": b"null",
}
CASES = [(name, case) for name in NAMES for case in (*BODIES.get(name, {}), *EVERYWHERE)]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_hostile(name, case):
    """Messages that survive the way over Kafka unchanged, or a refusal with its reason."""
    outcome(name, (BODIES.get(name, {}) | EVERYWHERE)[case])


@pytest.mark.parametrize("name", NAMES)
def test_escapes(name):
    """NUL and lone surrogates in a text: the first goes, the second is no JSON that anybody has to take."""
    body = dumped(SIDES[name].example)
    (event,) = outcome(name, body.replace(b"printer", b"prin\\u0000ter"))
    assert event.text == "My printer is broken"
    assert outcome(name, body.replace(b"printer", b"\\ud800")) is None


@pytest.mark.parametrize("name", NAMES)
def test_keys_twice(name):
    """Of a key that is there twice the last counts, for the proof as for the message."""
    body = dumped(SIDES[name].example)
    assert outcome(name, b'{"object": "x", "event": "x", "update_id": 0, "type": "x", ' + body[1:]) is not None


@pytest.mark.parametrize("name", NAMES)
@given(body=st.binary(max_size=200))
def test_any_bytes(name, body):
    """Any bytes end in events or a refusal."""
    outcome(name, body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("x" * 500),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def places(found: object, way: tuple = ()) -> list[tuple]:
    """The way to each value inside of a payload."""
    inside = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    return [way, *(place for key, value in inside for place in places(value, (*way, key)))]


SEEDS = {name: [json.loads(dumped(side.example))] for name, side in SIDES.items()}
SEEDS["messenger"] += [
    batch(happened(postback={"title": "a", "payload": "b"})),
    batch(
        happened(message={"mid": "m", "attachments": [{"type": "image", "payload": {"url": "u"}}], "is_echo": False})
    ),
]
SEEDS["line"] += [line_batch(line_event(type="postback", postback={"data": "a", "params": {"date": "b"}}))]
SEEDS["vk"] += [
    vk_callback("message_event", object={"user_id": 5, "peer_id": 5, "payload": {"label": "a"}}),
    vk_callback(object={"message": vk_message(attachments=[{"type": "doc", "doc": {"size": 1, "title": "a"}}])}),
]


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_any_value_anywhere(name, data):
    """A good payload with any value in any place ends in events or a refusal."""
    payload = deepcopy(data.draw(st.sampled_from(SEEDS[name])))
    way = data.draw(st.sampled_from(places(payload)[1:]))
    inside = payload
    for key in way[:-1]:
        inside = inside[key]
    inside[way[-1]] = data.draw(JSON)
    body = json.dumps(payload).encode()
    outcome(name, body)
    try:
        door(name).prove(signed(name, body))
    except Rejected as rejected:
        assert rejected.reason in {"unsigned", "forged", "malformed"}  # noqa: PT017 - any of them, and only these


@given(
    fields=st.dictionaries(
        st.sampled_from(["payload", "command", "text", "user_id", "trigger_id", "channel_id"]), st.text()
    )
)
def test_any_form(fields):
    """Any form ends in events or a refusal; so does any payload in it."""
    outcome("slack", urlencode(fields).encode(), AS_FORM)


@given(body=st.binary(max_size=200), kind=st.sampled_from([FORM, "multipart/form-data; boundary=x", FORM + "; é", ""]))
def test_any_content_type(body, kind):
    """Whatever the content is said to be."""
    outcome("slack", body, {"content-type": kind})


@given(payload=JSON)
def test_any_interaction(payload):
    """Any JSON in a form's payload."""
    outcome("slack", urlencode({"payload": json.dumps(payload)}).encode(), AS_FORM)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_remembered(name):
    """Events depend on the payload alone: other requests in between change nothing."""
    body = dumped(SIDES[name].example)
    first = parse(name, body)
    for other in NAMES:
        outcome(other, dumped(SIDES[other].example))
    assert parse(name, body) == first
