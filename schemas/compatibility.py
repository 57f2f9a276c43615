"""Whether a changed schema breaks those who rely on the old one.

Two questions, the same comparison turned round: does the new model still read what was written under
the old schema (`old records`), and do readers of the old schema understand what is written under the
new one (`old readers`)? Both ask what one schema refuses that another lets through.

Understands the part of JSON Schema 2020-12 that pydantic writes. A keyword it does not know counts as
a break when it changes: whoever changed it has to look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Schema = Mapping[str, Any]
Hurt = Literal["old records", "old readers"]
Fault = tuple[str, str]
"""Where (dotted path of the field) and what."""

_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_ALIKE: Final = ("pattern", "format", "multipleOf", "uniqueItems")
"""Keywords of which only `the same` or `none` is known not to refuse more."""
_STRUCTURE: Final = (
    "type", "enum", "const", "anyOf", "oneOf", "$ref", "$defs", "required", "properties",
    "patternProperties", "additionalProperties", "propertyNames", "items",
)  # fmt: skip
_SILENT: Final = ("title", "description", "examples", "deprecated", "default", "discriminator", "$schema", "$id")
"""Refuse nothing. A changed default is looked at on its own."""
_KNOWN: Final = frozenset((*_LOWER, *_UPPER, *_ALIKE, *_STRUCTURE, *_SILENT))

_NONE: Final = object()


@dataclass(frozen=True, slots=True)
class Break:
    """One way in which a change hurts somebody."""

    where: str
    what: str
    hurts: Hurt

    def __str__(self) -> str:
        """One line for a person."""
        return f"{self.where or 'the event'}: {self.what} (hurts {self.hurts})"


def breaks(old: Schema, new: Schema) -> list[Break]:
    """All that breaks when a schema changes from `old` to `new`; empty when nothing does.

    `old records` were written under `old`, lie on the topic or still come from writers that were not
    upgraded, and would be refused or misread under `new`. `old readers` know `old` only and would
    refuse, or miss something in, what is written under `new`.
    """
    forth, back = _Comparison(old, new, forth=True), _Comparison(new, old, forth=False)
    found = {Break(*fault, "old records") for fault in forth.refused()} | {
        Break(*fault, "old readers") for fault in back.refused()
    }
    found |= {Break(where, "was removed", "old readers") for where in forth.removed}
    return sorted(found, key=lambda each: (each.where, each.hurts, each.what))


class _Comparison:
    """What `target` refuses that `source` lets through; each document has its own definitions.

    `forth` compares in the order of time. Then it also collects in `removed` the fields that are gone
    even where nothing refuses them, and counts a changed default, which old records would be misread by.
    """

    def __init__(self, source: Schema, target: Schema, *, forth: bool) -> None:
        self._source, self._target, self._forth = source, target, forth
        self.removed: set[str] = set()

    def refused(self) -> Iterator[Fault]:
        return self._compare(self._source, self._target, "", frozenset())

    def _compare(self, source: Any, target: Any, where: str, seen: frozenset[tuple[int, int]]) -> Iterator[Fault]:
        ours, theirs = _alternatives(source, self._source), _alternatives(target, self._target)
        for one in ours:
            near = [other for other in theirs if _fits(one, other)]
            if not near:
                yield where, f"takes {_names(theirs)}, and took {_names([one])}"
                continue
            tries = [list(self._one(one, other, where, seen)) for other in near]
            if all(tries):
                yield from min(tries, key=len)  # the nearest alternative tells best what is wrong

    def _one(self, source: Schema, target: Schema, where: str, seen: frozenset[tuple[int, int]]) -> Iterator[Fault]:
        pair = (id(source), id(target))
        if pair in seen:  # a model that contains itself
            return
        seen |= {pair}
        yield from _values(source, target, where)
        yield from _limits(source, target, where)
        if "items" in target:
            yield from self._compare(source.get("items", {}), target["items"], f"{where}[]", seen)
        yield from self._fields(source, target, where, seen)
        yield from self._map(source, target, where, seen)

    def _fields(self, source: Schema, target: Schema, where: str, seen: frozenset[tuple[int, int]]) -> Iterator[Fault]:
        ours, theirs = source.get("properties", {}), target.get("properties", {})
        for name in target.get("required", ()):
            if name not in source.get("required", ()):
                yield _join(where, name), "must be there, and need not have been"
        for name, field in ours.items():
            path = _join(where, name)
            if name in theirs:
                yield from self._compare(field, theirs[name], path, seen)
                was, now = field.get("default", _NONE), theirs[name].get("default", _NONE)
                if self._forth and _NONE not in (was, now) and was != now:
                    yield path, f"means {now!r} when left out, and meant {was!r}"
                continue
            if self._forth:
                self.removed.add(path)
            if target.get("additionalProperties") is False:
                yield path, "is refused as unknown, and was a field"

    def _map(self, source: Schema, target: Schema, where: str, seen: frozenset[tuple[int, int]]) -> Iterator[Fault]:
        """Names and values of an object that is used as a mapping, and whether unknown fields may be there."""
        rest, others = source.get("additionalProperties", True), target.get("additionalProperties", True)
        patterns = source.get("patternProperties", {})
        if isinstance(others, Mapping):
            yield from self._compare({} if rest is False else rest, others, f"{where}{{}}", seen)
        elif others is False and rest is not False:
            yield where, "unknown fields are refused, and were not"
        for pattern, value in target.get("patternProperties", {}).items():
            yield from self._compare(patterns.get(pattern, {}), value, f"{where}{{}}", seen)
        if others is False and (lost := patterns.keys() - target.get("patternProperties", {}).keys()):
            yield f"{where}{{name}}", f"names no longer may match {_list(sorted(lost))}"
        if "propertyNames" in target:
            ours, theirs = source.get("propertyNames", {}), target["propertyNames"]
            yield from self._compare({**ours, "type": "string"}, {**theirs, "type": "string"}, f"{where}{{name}}", seen)


def _alternatives(schema: Any, document: Schema) -> list[Schema]:
    """The schemas of which one must hold, with references resolved."""
    if schema is True:
        return [{}]
    if "$ref" in schema:
        return _alternatives(document["$defs"][schema["$ref"].removeprefix("#/$defs/")], document)
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return [one for each in schema[union] for one in _alternatives(each, document)]
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": kind} for kind in schema["type"]]
    return [schema]


def _fits(source: Schema, target: Schema) -> bool:
    kind, wanted = source.get("type"), target.get("type")
    return wanted is None or kind == wanted or (kind, wanted) == ("integer", "number")


def _values(source: Schema, target: Schema, where: str) -> Iterator[Fault]:
    given, wanted = _choices(source), _choices(target)
    if wanted is None:
        return
    if given is None:
        yield where, f"takes only {_list(wanted)}, and took any {_names([source])}"
    elif gone := [value for value in given if value not in wanted]:
        yield where, f"does not take {_list(gone)}, and did"


def _choices(schema: Schema) -> Sequence[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _limits(source: Schema, target: Schema, where: str) -> Iterator[Fault]:
    tighter = [k for k in _LOWER if k in target and source.get(k, _least(k)) < target[k]]
    tighter += [k for k in _UPPER if k in target and source.get(k, float("inf")) > target[k]]
    tighter += [k for k in _ALIKE if k in target and source.get(k) != target[k]]
    for keyword in tighter:
        yield where, f"{keyword} is {target[keyword]}, and was {source.get(keyword, 'not limited')}"
    for keyword in sorted((source.keys() | target.keys()) - _KNOWN):
        if source.get(keyword, _NONE) != target.get(keyword, _NONE):
            yield where, f"{keyword} is another, and this check cannot tell what that means"


def _least(keyword: str) -> float:
    """Below this a lower limit refuses nothing: a length or a count is never negative."""
    return float("-inf") if keyword in {"minimum", "exclusiveMinimum"} else 0


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _names(schemas: Sequence[Schema]) -> str:
    return " or ".join(str(schema.get("type", "anything")) for schema in schemas)


def _list(values: Sequence[Any]) -> str:
    return ", ".join(map(repr, values))
