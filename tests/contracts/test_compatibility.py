"""The compatibility check, on made-up changes. Each breaking one brings a witness: a value that one
schema lets through and the other refuses, so that the check is itself checked by jsonschema.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import jsonschema
import pytest

from schemas.base import Event
from schemas.compatibility import Break, breaks
from schemas.export import schema_of
from schemas.topics import TOPIC_OF
from tests.contracts.golden import every_event

TEXT = {"type": "string"}
COUNT = {"type": "integer"}
MAYBE = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}


def thing(*required: str, closed: bool = False, defs: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """An object's schema."""
    schema: dict[str, Any] = {"type": "object", "properties": fields, "required": list(required)}
    return schema | ({"additionalProperties": False} if closed else {}) | ({"$defs": defs} if defs else {})


def of(field: Any) -> dict[str, Any]:
    """An object with the one field `a`."""
    return thing("a", a=field)


def accepts(schema: dict[str, Any], value: Any) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(value)


# old, new, where, a value that the old schema takes and the new one refuses
NARROWED = {
    "required added": (thing("a", a=TEXT), thing("a", "b", a=TEXT, b=TEXT), "b", {"a": "x"}),
    "became required": (thing(a=TEXT), thing("a", a=TEXT), "a", {}),
    "field removed from a closed object": (thing(a=TEXT, closed=True), thing(closed=True), "a", {"a": "x"}),
    "object closed": (thing(a=TEXT), thing(a=TEXT, closed=True), "", {"z": 1}),
    "type changed": (of(TEXT), of(COUNT), "a", {"a": "x"}),
    "number to integer": (of({"type": "number"}), of(COUNT), "a", {"a": 1.5}),
    "anything to text": (of({}), of(TEXT), "a", {"a": 1}),
    "null no longer": (of(MAYBE), of(TEXT), "a", {"a": None}),
    "one alternative fewer": (
        of({"anyOf": [TEXT, COUNT]}),
        of({"anyOf": [TEXT, {"type": "boolean"}]}),
        "a",
        {"a": 1},
    ),
    "list of types shrunk": (of({"type": ["string", "null"]}), of(TEXT), "a", {"a": None}),
    "enum value removed": (of(TEXT | {"enum": ["x", "y"]}), of(TEXT | {"enum": ["x"]}), "a", {"a": "y"}),
    "enum where any was": (of(TEXT), of(TEXT | {"enum": ["x"]}), "a", {"a": "y"}),
    "const changed": (of({"const": 1, "type": "integer"}), of({"const": 2, "type": "integer"}), "a", {"a": 1}),
    "enum to const": (of(TEXT | {"enum": ["x", "y"]}), of(TEXT | {"const": "x"}), "a", {"a": "y"}),
    "minimum added": (of(COUNT), of(COUNT | {"minimum": 0}), "a", {"a": -1}),
    "minimum raised": (of(COUNT | {"minimum": 0}), of(COUNT | {"minimum": 1}), "a", {"a": 0}),
    "maximum lowered": (of(COUNT | {"maximum": 5}), of(COUNT | {"maximum": 4}), "a", {"a": 5}),
    "exclusive minimum": (of(COUNT), of(COUNT | {"exclusiveMinimum": 0}), "a", {"a": 0}),
    "shorter text": (of(TEXT | {"maxLength": 9}), of(TEXT | {"maxLength": 8}), "a", {"a": "x" * 9}),
    "no empty text": (of(TEXT), of(TEXT | {"minLength": 1}), "a", {"a": ""}),
    "pattern added": (of(TEXT), of(TEXT | {"pattern": "^x$"}), "a", {"a": "y"}),
    "pattern changed": (of(TEXT | {"pattern": "^x"}), of(TEXT | {"pattern": "^xy"}), "a", {"a": "xz"}),
    "multiples only": (of(COUNT), of(COUNT | {"multipleOf": 2}), "a", {"a": 1}),
    "fewer items": (of({"type": "array"}), of({"type": "array", "maxItems": 1}), "a", {"a": [1, 2]}),
    "each item once": (of({"type": "array"}), of({"type": "array", "uniqueItems": True}), "a", {"a": [1, 1]}),
    "items narrowed": (
        of({"type": "array", "items": TEXT}),
        of({"type": "array", "items": TEXT | {"maxLength": 1}}),
        "a[]",
        {"a": ["xx"]},
    ),
    "items of one type": (of({"type": "array"}), of({"type": "array", "items": TEXT}), "a[]", {"a": [1]}),
    "inside a definition": (
        thing(a={"$ref": "#/$defs/D"}, defs={"D": thing(b=TEXT)}),
        thing(a={"$ref": "#/$defs/E"}, defs={"E": thing("b", b=TEXT)}),
        "a.b",
        {"a": {}},
    ),
    "inside an optional definition": (
        thing(a={"anyOf": [{"$ref": "#/$defs/D"}, {"type": "null"}]}, defs={"D": thing(b=TEXT)}),
        thing(a={"anyOf": [{"$ref": "#/$defs/D"}, {"type": "null"}]}, defs={"D": thing(b=COUNT)}),
        "a.b",
        {"a": {"b": "x"}},
    ),
    "values of a mapping": (
        of({"type": "object", "additionalProperties": COUNT}),
        of({"type": "object", "additionalProperties": COUNT | {"maximum": 1}}),
        "a{}",
        {"a": {"k": 2}},
    ),
    "names of a mapping": (
        of({"type": "object", "propertyNames": {"enum": ["x", "y"]}}),
        of({"type": "object", "propertyNames": {"enum": ["x"]}}),
        "a{name}",
        {"a": {"y": 1}},
    ),
    "longest name of a mapping": (
        of({"type": "object"}),
        of({"type": "object", "propertyNames": {"maxLength": 1}}),
        "a{name}",
        {"a": {"yy": 1}},
    ),
    "pattern of names": (
        of({"type": "object", "patternProperties": {"^x": TEXT}, "additionalProperties": False}),
        of({"type": "object", "patternProperties": {"^xy": TEXT}, "additionalProperties": False}),
        "a{name}",
        {"a": {"x": "v"}},
    ),
    "values of a pattern": (
        of({"type": "object", "patternProperties": {"^x": TEXT}, "additionalProperties": False}),
        of({"type": "object", "patternProperties": {"^x": COUNT}, "additionalProperties": False}),
        "a{}",
        {"a": {"x": "v"}},
    ),
}  # fmt: skip

narrowed = pytest.mark.parametrize(("old", "new", "where", "witness"), NARROWED.values(), ids=NARROWED)


@narrowed
def test_old_records_that_are_refused_now_are_found(old, new, where, witness):
    """What jsonschema takes by the old schema and refuses by the new one is a break for old records."""
    assert accepts(old, witness)
    assert not accepts(new, witness)
    assert where in {each.where for each in breaks(old, new) if each.hurts == "old records"}


@narrowed
def test_records_that_old_readers_refuse_are_found(old, new, where, witness):
    """The same changes made backwards let old readers stumble over what is written now."""
    assert where in {each.where for each in breaks(new, old) if each.hurts == "old readers"}


CUT_BOTH_WAYS = {
    "type changed", "one alternative fewer", "const changed", "pattern changed", "inside an optional definition",
    "pattern of names", "values of a pattern",
}  # fmt: skip


@pytest.mark.parametrize("change", sorted(NARROWED.keys() - CUT_BOTH_WAYS))
def test_to_widen_a_schema_hurts_no_old_record(change):
    """The check tells the two directions apart: what only grows is read as before."""
    old, new, _, _ = NARROWED[change]
    assert [each for each in breaks(new, old) if each.hurts == "old records"] == []


UNHARMFUL = {
    "nothing": (thing("a", a=TEXT), thing("a", a=TEXT)),
    "an optional field more": (thing("a", a=TEXT), thing("a", a=TEXT, b=MAYBE)),
    "other words": (thing(a=TEXT | {"description": "old"}), thing(a=TEXT | {"description": "new", "title": "A"})),
    "other order": (thing("a", "b", a=TEXT, b=TEXT), thing("b", "a", b=TEXT, a=TEXT)),
    "definition renamed": (
        thing(a={"$ref": "#/$defs/D"}, defs={"D": thing(b=TEXT)}),
        thing(a={"$ref": "#/$defs/E"}, defs={"E": thing(b=TEXT)}),
    ),
    "a definition that nobody uses": (thing(a=TEXT), thing(a=TEXT, defs={"D": thing()})),
    "a length that says nothing": (of(TEXT), of(TEXT | {"minLength": 0})),
    "alternatives in another order": (of({"anyOf": [TEXT, COUNT]}), of({"anyOf": [COUNT, TEXT]})),
}


@pytest.mark.parametrize(("old", "new"), UNHARMFUL.values(), ids=UNHARMFUL)
def test_changes_that_harm_nobody_pass(old, new):
    """Growing by optional fields and better words is what versions of a contract are made of."""
    assert breaks(old, new) == []


def test_a_removed_optional_field_hurts_readers_who_use_it():
    """Nothing refuses the record, yet what they showed is gone."""
    assert breaks(thing("a", a=TEXT, b=MAYBE), thing("a", a=TEXT)) == [Break("b", "was removed", "old readers")]


def test_a_removed_field_of_a_definition_is_found_under_its_path():
    """Also when the definition has got another name."""
    old = thing(a={"type": "array", "items": {"$ref": "#/$defs/D"}}, defs={"D": thing(b=TEXT)})
    new = thing(a={"type": "array", "items": {"$ref": "#/$defs/E"}}, defs={"E": thing()})
    assert breaks(old, new) == [Break("a[].b", "was removed", "old readers")]


def test_another_default_changes_what_old_records_say():
    """A record that leaves the field out would be read in another way."""
    old, new = thing(a=TEXT | {"default": "x"}), thing(a=TEXT | {"default": "y"})
    assert breaks(old, new) == [Break("a", "means 'y' when left out, and meant 'x'", "old records")]


def test_an_enumeration_that_grows_hurts_old_readers_only():
    """Old records stay good; a reader of before does not know the new value."""
    old, new = of(TEXT | {"enum": ["x"]}), of(TEXT | {"enum": ["x", "y"]})
    assert breaks(old, new) == [Break("a", "does not take 'y', and did", "old readers")]


def test_a_keyword_that_the_check_does_not_know_counts_when_it_changes():
    """Better one look too many than a break that nobody saw."""
    assert breaks(of({"contains": TEXT}), of({"contains": TEXT})) == []
    assert {each.hurts for each in breaks(of({}), of({"contains": TEXT}))} == {"old records", "old readers"}


def test_a_model_that_contains_itself_ends():
    """Recursion in the schema is no recursion without end in the check."""
    tree = thing(a={"$ref": "#/$defs/T"}, defs={"T": thing(next={"$ref": "#/$defs/T"}, name=TEXT)})
    other = deepcopy(tree)
    other["$defs"]["T"]["required"] = ["name"]
    assert breaks(tree, tree) == []
    assert "a.name" in {each.where for each in breaks(tree, other)}


@every_event
def test_no_event_breaks_itself(event: type[Event]):
    """The check understands every keyword of the real schemas."""
    assert breaks(schema_of(event), deepcopy(schema_of(event))) == []


LEAVES: list[dict[str, Any]] = [
    {}, TEXT, COUNT, {"type": "number"}, {"type": "boolean"}, {"type": "null"},
    TEXT | {"enum": ["x"]}, TEXT | {"enum": ["x", "xy"]}, TEXT | {"const": "x"},
    *(TEXT | {limit: n} for limit in ("minLength", "maxLength") for n in (1, 2)),
    *(COUNT | {limit: n} for limit in ("minimum", "maximum", "exclusiveMinimum") for n in (0, 1)),
]  # fmt: skip
VALUES: list[Any] = [None, True, -1, 0, 1, 2, 1.5, "", "x", "xy", "xyz"]
SHAPES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "plain": (lambda schema: schema, lambda value: value),
    "list": (lambda schema: {"type": "array", "items": schema}, lambda value: [value]),
    "mapping": (lambda schema: {"type": "object", "additionalProperties": schema}, lambda value: {"k": value}),
    "optional": (lambda schema: {"anyOf": [schema, {"type": "null"}]}, lambda value: value),
    "one of two": (lambda schema: {"anyOf": [{"type": "boolean"}, schema]}, lambda value: value),
}


@pytest.mark.parametrize(("shape", "put"), SHAPES.values(), ids=SHAPES)
def test_no_break_that_jsonschema_can_show_is_missed(shape, put):
    """Every change of one small schema into another: where a value is taken before and refused after,
    the change is never called harmless.
    """
    takes = {
        n: {m for m, value in enumerate(VALUES) if accepts(shape(leaf), put(value))} for n, leaf in enumerate(LEAVES)
    }
    changes = [(before, after) for before in takes for after in takes if takes[before] - takes[after]]
    assert len(changes) > 100
    for before, after in changes:
        old, new = of(shape(LEAVES[before])), of(shape(LEAVES[after]))
        assert any(each.hurts == "old records" for each in breaks(old, new)), (old, new)
        assert any(each.hurts == "old readers" for each in breaks(new, old)), (old, new)


def test_every_field_of_every_event_is_watched():
    """Take any field away from any event, or make any field a must: it is found."""
    for event in TOPIC_OF:
        schema = schema_of(event)
        for name in schema["properties"]:
            without = deepcopy(schema)
            del without["properties"][name]
            without["required"] = [each for each in schema["required"] if each != name]
            assert name in {each.where for each in breaks(schema, without)}, (event, name)
            if name not in schema["required"]:
                needed = schema | {"required": [*schema["required"], name]}
                assert [each.where for each in breaks(schema, needed)] == [name], (event, name)
