"""The golden examples: what lies on the topics of installations that run today."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event

from schemas.base import Event
from schemas.codec import decode, encode
from schemas.export import EXAMPLES, FOLDER, file_name
from schemas.topics import TOPIC_OF
from tests.contracts.golden import every_event, golden


def test_every_event_has_one_example_and_no_example_is_left_over():
    """An event comes with its example, and goes with it."""
    assert {path.name for path in EXAMPLES.iterdir()} == {file_name(event) for event in TOPIC_OF}


@every_event
def test_it_validates_against_the_exported_schema(event: type[Event]):
    """Whoever uses the exported schema alone accepts what we write."""
    schema = json.loads((FOLDER / file_name(event)).read_text(encoding="utf-8"))
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    checker.check_schema(schema)
    checker.validate(golden(event).value)


@every_event
def test_it_decodes_and_encodes_to_the_same_record(event: type[Event]):
    """What was written by an earlier version is read, and written the same way again."""
    example = golden(event)
    received = decode(example.raw, example.raw_headers, TOPIC_OF[event].events)
    assert type(received.event) is event
    record = encode(received.event, received.id, received.source or "", received.traceparent)
    assert record.topic is TOPIC_OF[event]
    assert record.key.decode() == example.key
    assert dict(record.headers) == dict(example.raw_headers)
    assert _as_far_as(example.value, json.loads(record.value)) == example.value
    assert decode(record.value, record.headers).event == received.event


@every_event
def test_the_cloudevents_library_reads_it_in_binary_mode(event: type[Event]):
    """Readers need not use our codec: the record is a CloudEvent by the Kafka protocol binding."""
    example = golden(event)
    found = from_binary_event(KafkaMessage(dict(example.raw_headers), example.key.encode(), example.raw))
    assert found.get_specversion() == "1.0"
    assert found.get_type() == example.headers["ce_type"]
    assert found.get_id() == example.headers["ce_id"]
    assert found.get_source() == example.headers["ce_source"]
    assert found.get_datacontenttype() == "application/json"
    assert found.get_time() == decode(example.raw, example.raw_headers).event.at
    assert found.get_data() == example.value


def test_a_field_that_came_later_is_no_difference():
    """An example is never rewritten, so what it does not have is not compared; what it has is."""
    assert _as_far_as({"a": [{"b": 1}]}, {"a": [{"b": 1, "new": 0}], "new": 0}) == {"a": [{"b": 1}]}
    assert _as_far_as({"a": [{"b": 1}]}, {"a": [{"b": 2}, {"b": 1}]}) != {"a": [{"b": 1}]}
    with pytest.raises(KeyError):
        _as_far_as({"a": 1}, {})


def _as_far_as(example: Any, written: Any) -> Any:
    """`written` without the fields that the example does not have."""
    if isinstance(example, dict) and isinstance(written, dict):
        return {name: _as_far_as(value, written[name]) for name, value in example.items()}
    if isinstance(example, list) and isinstance(written, list) and len(example) == len(written):
        return [_as_far_as(*pair) for pair in zip(example, written, strict=True)]
    return written
