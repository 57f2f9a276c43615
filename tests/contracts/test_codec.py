"""Events to records and back, and everything that is no event."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.base import Command, Event
from schemas.cases import CaseAssigned, CaseWaiting
from schemas.codec import Undecodable, ce_type, decode, derive_id, encode, new_traceparent
from schemas.commands import SendReply
from schemas.export import schema_of
from schemas.messages import MessageReceived
from schemas.topics import CASES, COMMANDS, TOPIC_OF
from tests.contracts.golden import every_event, golden
from tests.contracts.written import written

ASSIGNED = golden(CaseAssigned)


def changed(**fields: Any) -> bytes:
    """The assigned case's value with other fields."""
    return json.dumps({**ASSIGNED.value, **fields}).encode()


def headers(**fields: bytes | None) -> list[tuple[str, bytes]]:
    """The assigned case's headers, some replaced, or left out where None."""
    return [(name, value) for name, value in {**dict(ASSIGNED.raw_headers), **fields}.items() if value is not None]


UNDECODABLE = {
    "no headers": (ASSIGNED.raw, [], "ce_id and ce_type are required"),
    "no type": (ASSIGNED.raw, headers(ce_type=None), "ce_id and ce_type are required"),
    "no id": (ASSIGNED.raw, headers(ce_id=None), "ce_id and ce_type are required"),
    "empty id": (ASSIGNED.raw, headers(ce_id=b""), "1 to 128 characters"),
    "endless id": (ASSIGNED.raw, headers(ce_id=b"x" * 129), "1 to 128 characters"),
    "unknown type": (ASSIGNED.raw, headers(ce_type=b"switchboard.case_eaten.v1"), "no event of this topic"),
    "version of tomorrow": (ASSIGNED.raw, headers(ce_type=b"switchboard.case_assigned.v2"), "no event of this topic"),
    "event of another topic": (ASSIGNED.raw, golden(SendReply).raw_headers, "no event of this topic"),
    "value of another event": (golden(CaseWaiting).raw, ASSIGNED.raw_headers, "Field required"),
    "id not UTF-8": (ASSIGNED.raw, headers(ce_id=b"\xff\xfe"), "ce_id is not UTF-8"),
    "type not UTF-8": (ASSIGNED.raw, headers(ce_type=b"\xc3\x28"), "ce_type is not UTF-8"),
    "source not UTF-8": (ASSIGNED.raw, headers(ce_source=b"\xff"), "ce_source is not UTF-8"),
    "no value": (None, ASSIGNED.raw_headers, "no value"),
    "empty value": (b"", ASSIGNED.raw_headers, "Invalid JSON"),
    "no JSON": (b"hello", ASSIGNED.raw_headers, "Invalid JSON"),
    "JSON and more": (ASSIGNED.raw + b"x", ASSIGNED.raw_headers, "Invalid JSON"),
    "no object": (b"[]", ASSIGNED.raw_headers, "should be an object"),
    "null": (b"null", ASSIGNED.raw_headers, "should be an object"),
    "not UTF-8": (b'{"desk": "\xff"}', ASSIGNED.raw_headers, "Invalid JSON"),
    "lone surrogate": (changed(agent_name="\ud800"), ASSIGNED.raw_headers, "Invalid JSON"),
    "lone trailing surrogate": (changed(agent_name="\udcff"), ASSIGNED.raw_headers, "Invalid JSON"),
    "nested without end": (changed()[:-1] + b', "x":' + b"[" * 200_000, ASSIGNED.raw_headers, "recursion limit"),
    "nested deep": (changed()[:-1] + b', "x":' + b"[" * 9999 + b"]" * 9999 + b"}", ASSIGNED.raw_headers, "recursion"),
    "NaN": (changed(waited_seconds=float("nan")), ASSIGNED.raw_headers, "finite number"),
    "infinite": (changed(waited_seconds=float("inf")), ASSIGNED.raw_headers, "finite number"),
    "beyond all floats": (changed(waited_seconds=10**400), ASSIGNED.raw_headers, "finite number"),
    "number as text": (changed(waited_seconds="9.5"), ASSIGNED.raw_headers, "valid number"),
    "text as number": (changed(agent_name=7), ASSIGNED.raw_headers, "valid string"),
    "time without its zone": (changed(at="2026-11-22T09:30:00"), ASSIGNED.raw_headers, "needs its zone"),
    "time as a number": (changed(at=1_795_339_800), ASSIGNED.raw_headers, "valid datetime"),
    "time before all times": (changed(at="0001-01-01T00:00:00+14:00"), ASSIGNED.raw_headers, "out of range"),
    "priority of nobody": (changed(priority="P9"), ASSIGNED.raw_headers, "P1"),
    "desk with a path": (changed(desk="../acme"), ASSIGNED.raw_headers, "match pattern"),
    "nothing where something must be": (changed(decision=None), ASSIGNED.raw_headers, "decision"),
}


@pytest.mark.parametrize(("value", "found", "why"), UNDECODABLE.values(), ids=UNDECODABLE)
def test_what_is_no_event_is_refused_with_its_reason(value, found, why):
    """Undecodable, never another error: whoever reads puts it to the dead letters and goes on."""
    with pytest.raises(Undecodable, match=re.escape(why)):
        decode(value, found, CASES.events)


def test_the_reason_does_not_repeat_what_a_customer_wrote():
    """Reasons go to logs and headers; people's words and addresses do not."""
    with pytest.raises(Undecodable) as refused:
        decode(changed(priority="jan@example.com", waited_seconds="secret"), ASSIGNED.raw_headers)
    assert "jan@example.com" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_of_many_faults_three_are_named():
    """A reason fits a line, and says that there is more."""
    with pytest.raises(Undecodable, match=r"^\S+: [^;]+; \S+: [^;]+; \S+: [^;]+; and \d+ more$"):
        decode(b"{}", ASSIGNED.raw_headers)


@every_event
def test_unknown_fields_are_ignored_on_facts_and_refused_on_commands(event: type[Event]):
    """A fact may grow without breaking its readers; a misspelt command is not half obeyed."""
    example = golden(event)
    grown = json.dumps({**example.value, "field_of_tomorrow": 1}).encode()
    if issubclass(event, Command) or event.model_config["extra"] == "forbid":
        with pytest.raises(Undecodable, match="field_of_tomorrow: Extra inputs are not permitted"):
            decode(grown, example.raw_headers)
    else:
        assert decode(grown, example.raw_headers).event == decode(example.raw, example.raw_headers).event


def test_commands_and_rosters_are_what_refuses_unknown_fields():
    """Exactly the topics that outsiders alone write are strict about spelling."""
    strict = {event for event in TOPIC_OF if event.model_config["extra"] == "forbid"}
    assert strict >= set(COMMANDS.events)
    assert {"operators", "desktops"} == {name for event in strict for name in TOPIC_OF[event].producers}


def test_an_event_is_refused_on_a_topic_that_it_does_not_belong_on():
    """`allowed` is the topic's own list; without one every event of the contract passes."""
    reply = golden(SendReply)
    assert decode(reply.raw, reply.raw_headers).event.agent_id == "lerato"
    with pytest.raises(Undecodable, match="no event of this topic"):
        decode(reply.raw, reply.raw_headers, CASES.events)


def test_times_are_read_in_any_zone_and_written_in_utc():
    """11:30 in Johannesburg is 09:30 everywhere else in the system."""
    event = decode(changed(at="2026-11-22T11:30:00+02:00"), ASSIGNED.raw_headers).event
    assert event.at == datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    assert event.at.tzinfo is UTC
    record = encode(event, "1", "/switchboard/router")
    assert json.loads(record.value)["at"] == "2026-11-22T09:30:00Z"
    assert dict(record.headers)["ce_time"] == b"2026-11-22T09:30:00+00:00"


def test_the_record_has_the_headers_of_binary_mode_and_nothing_else():
    """The attributes that CloudEvents requires, time, content type, and the trace when there is one."""
    event = decode(ASSIGNED.raw, ASSIGNED.raw_headers).event
    record = encode(event, "id-1", "/switchboard/router", "00-a-b-01")
    assert record.headers == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"id-1"),
        ("ce_type", b"switchboard.case_assigned.v1"),
        ("ce_source", b"/switchboard/router"),
        ("ce_time", event.at.isoformat().encode()),
        ("content-type", b"application/json"),
        ("traceparent", b"00-a-b-01"),
    ]
    assert "traceparent" not in dict(encode(event, "id-1", "/switchboard/router").headers)


def test_the_type_is_the_name_in_snake_case_with_its_version():
    """Names that outsiders rely on are derived in one way."""
    assert ce_type(MessageReceived) == "switchboard.message_received.v1"
    assert len({ce_type(event) for event in TOPIC_OF}) == len(TOPIC_OF)


def test_a_fresh_trace_is_a_w3c_trace_context():
    """Version, 16 bytes of trace, 8 of span, sampled; another one each time."""
    one, other = new_traceparent(), new_traceparent()
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", one)
    assert one != other


@pytest.mark.parametrize(
    "given", [b"\xff", b"", b"00-zz-01", b"00-" + b"0" * 32 + b"-" + b"1" * 16 + b"-01", b"x" * 100_000]
)
def test_malformed_trace_is_ignored(given):
    """W3C has it ignored; passed on, a huge one would make every output too large for Kafka."""
    received = decode(ASSIGNED.raw, headers(traceparent=given))

    assert received.traceparent is None


def test_ids_are_the_same_for_the_same_cause_for_ever():
    """Literal ids: another derivation would double everything that is processed again after an upgrade."""
    assert derive_id("cause") == "5fbd90baff75cef8e58286c62424a13e"
    assert derive_id("cause", 0) == "83e02bedb52b1755b07662849aa20e94"
    assert derive_id("acme", "chat/standard", "msg-8842") == "2886cf491ff0935c9b5400f53002cdc6"


def test_parts_of_an_id_do_not_run_into_each_other():
    """`ab` + `c` is another cause than `a` + `bc`."""
    made = [
        derive_id("a", "b"),
        derive_id("ab", "c"),
        derive_id("a", "bc"),
        derive_id("abc"),
        derive_id("abc", ""),
        derive_id("", "abc"),
        derive_id("a\x00b"),
    ]
    assert len(set(made)) == len(made)


@given(cause=st.text(), parts=st.lists(st.one_of(st.text(), st.integers())))
def test_any_cause_gives_an_id_that_a_record_can_carry(cause, parts):
    """Providers' ids may hold anything, lone surrogates included."""
    made = derive_id(cause, *parts)
    assert re.fullmatch(r"[0-9a-f]{32}", made)
    assert made == derive_id(cause, *parts)


@every_event
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)
@given(data=st.data())
def test_whatever_the_schema_allows_is_read_and_comes_back_the_same(event: type[Event], data: st.DataObject):
    """The exported schema promises no more than the codec keeps, and what the codec writes the schema allows."""
    schema = schema_of(event)
    value = data.draw(written(schema, schema))
    received = decode(json.dumps(value).encode(), golden(event).raw_headers, TOPIC_OF[event].events)
    record = encode(received.event, received.id, "/switchboard/test", received.traceparent)
    assert decode(record.value, record.headers).event == received.event
    assert record.key.decode() == value[TOPIC_OF[event].key]
    jsonschema.validate(json.loads(record.value), schema)
