"""What is remembered of a case, and the facts about it that nobody outside needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from schemas.base import Priority
from schemas.sla import ClockEvent, ClockName
from services.sla_watcher.core.clock import Clock, Subject


@dataclass(frozen=True, slots=True)
class Case:
    """A case that is not over, and the promises that hold about it."""

    subject: Subject
    priority: Priority | None = None
    """None until the router has said."""
    prioritised_at: datetime | None = None
    clocks: dict[ClockName, Clock] = field(default_factory=dict)


SNAPSHOT: Final = TypeAdapter(Case)
"""A case to and from the JSON of the changelog."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A case was opened; its clocks count from then."""

    subject: Subject


@dataclass(frozen=True, slots=True)
class Prioritised:
    """The case's promises are those of `priority`. At the first one its clocks start."""

    subject: Subject
    priority: Priority
    at: datetime
    first: bool


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The case is over."""

    case_id: str


Fact = ClockEvent | Remembered | Prioritised | Forgotten


@dataclass(frozen=True, slots=True)
class Ring:
    """A command: this clock came due."""

    case_id: str
    clock: ClockName
