"""Events to Kafka records and back: JSON, with CloudEvents headers in binary mode.

Source: CloudEvents 1.0.2, Kafka protocol binding, section 3.2 (binary content mode): attributes are
headers with the prefix `ce_`, the data is the record's value.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

from pydantic import ValidationError

from schemas.base import Event
from schemas.topics import TOPIC_OF, Topic

TYPE_PREFIX: Final = "switchboard."
TYPE_SUFFIX: Final = ".v1"

MAX_ID: Final = 128
"""Characters of an event's id."""

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

Header = tuple[str, bytes]


class Undecodable(ValueError):
    """The record is not an event of this contract. To do: dead-letter it; a retry gives the same."""


@dataclass(frozen=True, slots=True)
class Received:
    """A decoded record: the event, its id and its trace."""

    id: str
    event: Event
    traceparent: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Encoded:
    """An event as it goes to Kafka; `topic` is where the registry puts it."""

    topic: Topic
    key: bytes
    value: bytes
    headers: list[Header]


EVENT_TYPES: Final[dict[str, type[Event]]] = {f"{TYPE_PREFIX}{event.kind}{TYPE_SUFFIX}": event for event in TOPIC_OF}
_TYPE_BYTES: Final = {event: name.encode() for name, event in EVENT_TYPES.items()}


def ce_type(event: type[Event]) -> str:
    """The CloudEvents type of an event: `switchboard.case_opened.v1`."""
    return f"{TYPE_PREFIX}{event.kind}{TYPE_SUFFIX}"


def derive_id(cause: str, *parts: str | int) -> str:
    """An id that is the same whenever the same cause is processed again: 32 hex digits.

    `cause` is the id of what led to it (a provider's message id, an event's id); `parts` tell apart
    what else comes of the same cause.
    """
    # Lengths go along, so that no two ways to cut the same characters into parts are alike.
    named = f"{len(cause)}:{cause}"
    for part in map(str, parts):
        named += f"{len(part)}:{part}"
    return blake2b(named.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def new_traceparent() -> str:
    """A fresh W3C trace context (https://www.w3.org/TR/trace-context/), sampled, with random ids."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def known_traceparent(given: str | None) -> str | None:
    """`given` when it is a trace context, otherwise None: W3C has a malformed one ignored."""
    return given if given is not None and _TRACEPARENT.fullmatch(given) else None


def encode(event: Event, event_id: str, source: str, traceparent: str | None = None) -> Encoded:
    """The record of `event`.

    `source` names who says it (`/switchboard/router`). Raises KeyError for an event that is not in
    the registry: a bug.
    """
    kind = type(event)
    topic = TOPIC_OF[kind]
    headers: list[Header] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_type", _TYPE_BYTES[kind]),
        ("ce_source", source.encode()),
        ("ce_time", _time(event.at)),
        ("content-type", b"application/json"),
    ]
    if traceparent:
        headers.append(("traceparent", traceparent.encode()))
    key: str = getattr(event, topic.key)
    return Encoded(topic, key.encode(), event.__pydantic_serializer__.to_json(event, exclude_none=True), headers)


@lru_cache(64)  # what one step decides has one instant
def _time(at: datetime) -> bytes:
    return at.isoformat().encode()


def decode(
    value: bytes | None, headers: Iterable[tuple[str, bytes]], allowed: Sequence[type[Event]] | None = None
) -> Received:
    """The event of a record.

    `allowed` are the events that belong on the record's topic (all, when none are given). Raises
    Undecodable with the reason: headers missing, type unknown or not of this topic, value invalid.
    """
    found: dict[str, bytes] = dict(headers)
    name = _text(found, "ce_type")
    event_id = _text(found, "ce_id")
    if name is None or event_id is None:
        message = "the CloudEvents headers ce_id and ce_type are required"
        raise Undecodable(message)
    if not 0 < len(event_id) <= MAX_ID:
        message = f"ce_id must have 1 to {MAX_ID} characters"
        raise Undecodable(message)
    kind = EVENT_TYPES.get(name)
    if kind is None or (allowed is not None and kind not in allowed):
        message = f"no event of this topic has the type {name[:100]!r}"
        raise Undecodable(message)
    if value is None:
        message = "the record has no value"
        raise Undecodable(message)
    try:
        event = kind.__pydantic_validator__.validate_json(value)
    except ValidationError as error:
        raise Undecodable(describe(error)) from error
    except (RecursionError, UnicodeError, ValueError) as error:
        message = f"not JSON that can be read: {error}"
        raise Undecodable(message) from error
    trace = (found.get("traceparent") or b"").decode("latin-1")
    return Received(event_id, event, known_traceparent(trace), _text(found, "ce_source"))


def describe(error: ValidationError) -> str:
    """The first three faults of a validation error in one line, without the offending input, which may
    be a customer's words.
    """
    faults: list[Mapping[str, Any]] = list(error.errors(include_url=False, include_input=False, include_context=False))
    shown = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'value'}: {fault['msg']}" for fault in faults[:3])
    more = len(faults) - 3
    return f"{shown}; and {more} more" if more > 0 else shown


def _text(headers: Mapping[str, bytes], name: str) -> str | None:
    value = headers.get(name)
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        message = f"the header {name} is not UTF-8"
        raise Undecodable(message) from error
