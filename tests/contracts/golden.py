"""The golden examples as tests read them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from schemas.base import Event
from schemas.export import EXAMPLES, file_name
from schemas.topics import TOPIC_OF


@dataclass(frozen=True)
class Golden:
    event: type[Event]
    key: str
    headers: dict[str, str]
    value: dict[str, Any]

    @property
    def raw(self) -> bytes:
        return json.dumps(self.value, ensure_ascii=False).encode()

    @property
    def raw_headers(self) -> list[tuple[str, bytes]]:
        return [(name, text.encode()) for name, text in self.headers.items()]


def golden(event: type[Event]) -> Golden:
    return Golden(event, **json.loads((EXAMPLES / file_name(event)).read_text(encoding="utf-8")))


every_event = pytest.mark.parametrize("event", TOPIC_OF, ids=lambda event: event.kind)
