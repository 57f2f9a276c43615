"""The contract as files that need no Python: a JSON Schema for each event, and the index of topics.

`python -m schemas` writes them. They are committed; a test finds it when they have drifted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from schemas.base import Event
from schemas.codec import ce_type
from schemas.compatibility import Break, breaks
from schemas.topics import DEFAULT_PARTITIONS, DEFAULT_PREFIX, REGISTRY, SERVICES, TOPIC_OF, Topic

FOLDER: Final = Path(__file__).parent / "json"
"""Where the exported files lie."""
EXAMPLES: Final = Path(__file__).parent / "examples"
"""A whole record (key, headers, value) of every event, written by hand and never generated."""
INDEX: Final = "topics.json"


class _Writer(GenerateJsonSchema):
    """pydantic's own, without titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the signature is pydantic's
        return False

    def dict_schema(self, schema: Any) -> JsonSchemaValue:
        """Close mappings whose keys have a pattern: the model refuses other keys, so the schema says it."""
        written = super().dict_schema(schema)
        if "patternProperties" in written:
            written["additionalProperties"] = False
        return written


def file_name(event: type[Event]) -> str:
    """Of an event's schema, and of its example: `case_opened.v1.json`."""
    return f"{event.kind}.v1.json"


def schema_of(event: type[Event]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the event's value: what readers must be ready for."""
    written = event.model_json_schema(schema_generator=_Writer)
    return {"$schema": _Writer.schema_dialect, "$id": f"urn:switchboard:event:{event.kind}:v1", **written}


def topic_index() -> dict[str, Any]:
    """Every topic, with what a program needs to publish to it or to read it."""
    return {
        "prefix": DEFAULT_PREFIX,
        "partitions": DEFAULT_PARTITIONS,
        "topics": [
            {
                "name": topic.name,
                "purpose": topic.purpose,
                "key": topic.key,
                "events": [{"type": ce_type(event), "schema": file_name(event)} for event in topic.events],
                "producers": list(topic.producers),
                "consumers": list(topic.consumers),
                "config": topic.config,
            }
            for topic in REGISTRY
        ],
    }


def exported() -> dict[str, str]:
    """What the folder should hold: file name to text."""
    files = {file_name(event): _text(schema_of(event)) for event in TOPIC_OF}
    return {**files, INDEX: _text(topic_index())}


def committed() -> dict[str, Any]:
    """What the folder does hold: file name to document."""
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def broken(before: dict[str, Any]) -> Iterator[tuple[str, Break]]:
    """What the contract of now breaks of the one `before`, as file and break.

    Facts that our services write count for both sides. What only outsiders write (commands, rosters)
    is read by our services alone, which are upgraded first, so there only old records count.
    """
    now = {file_name(event): (event, schema_of(event)) for event in TOPIC_OF}
    for name, document in before.items():
        if name == INDEX:
            yield from ((INDEX, each) for each in _moved(document))
        elif name not in now:
            yield name, Break("", "was removed", "old records")
        else:
            event, schema = now[name]
            ours = any(producer in SERVICES for producer in TOPIC_OF[event].producers)
            yield from ((name, each) for each in breaks(document, schema) if ours or each.hurts == "old records")


def _moved(before: dict[str, Any]) -> Iterator[Break]:
    topics: dict[str, Topic] = {topic.name: topic for topic in REGISTRY}
    for was in before["topics"]:
        topic = topics.get(was["name"])
        if topic is None:
            yield Break(was["name"], "was removed", "old readers")
            continue
        if topic.key != was["key"]:
            yield Break(topic.name, f"its key is {topic.key}, and was {was['key']}", "old readers")
        here = {ce_type(event) for event in topic.events}
        for gone in sorted({event["type"] for event in was["events"]} - here):
            yield Break(topic.name, f"no longer carries {gone}", "old readers")


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
