"""Values that a JSON Schema allows, for hypothesis: what a stranger who knows the exported schema writes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

LETTERS = st.characters(codec="utf-8", categories=["L", "Nd", "Pd", "Po", "Zs", "So"], max_codepoint=0x1FAFF)
INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - naive bounds


def written(schema: dict[str, Any], document: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of `schema`; `document` holds its definitions."""
    if "$ref" in schema:
        return written(document["$defs"][schema["$ref"].removeprefix("#/$defs/")], document)
    if "anyOf" in schema:
        return st.one_of(*(written(each, document) for each in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = {
        "string": lambda: _text(schema),
        "integer": lambda: st.integers(schema.get("minimum", -(2**53)), schema.get("maximum", 2**53)),
        "number": lambda: st.floats(allow_nan=False, allow_infinity=False),
        "boolean": st.booleans,
        "null": st.none,
        "array": lambda: st.lists(
            written(schema["items"], document),
            min_size=schema.get("minItems", 0),
            max_size=schema.get("minItems", 0) + 3,
        ),
        "object": lambda: _object(schema, document),
    }
    return kinds[schema["type"]]()


def _text(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if schema.get("format") == "date-time":
        return INSTANTS.map(datetime.isoformat)
    least, most = schema.get("minLength", 0), schema.get("maxLength", 2000)
    if "pattern" in schema:
        matching = st.from_regex(schema["pattern"], fullmatch=True, alphabet=LETTERS)
        return matching.filter(lambda text: least <= len(text) <= most)
    return st.text(st.characters(codec="utf-8"), min_size=least, max_size=min(most, least + 20))


def _object(schema: dict[str, Any], document: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    if "properties" in schema:
        fields = {name: written(field, document) for name, field in schema["properties"].items()}
        needed = {name: fields.pop(name) for name in schema.get("required", ())}
        return st.fixed_dictionaries(needed, optional=fields)
    names: dict[str, Any] = {"type": "string", **schema.get("propertyNames", {})}
    values = schema.get("additionalProperties")
    if "patternProperties" in schema:
        ((names["pattern"], values),) = schema["patternProperties"].items()
    least = schema.get("minProperties", 0)
    return st.dictionaries(written(names, document), written(values, document), min_size=least, max_size=least + 3)
