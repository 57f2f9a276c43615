"""What the shell asks of a core, and the one way in which it is driven.

A core is the pure part of a service: it decides, it remembers, it has deadlines. It imports no clock,
no randomness, no logging and no Kafka; the shell brings them (see docs/architecture.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline that has come: what to decide about, and the id that its consequences derive from."""

    id: str
    command: Any


class Core(Protocol):
    """The state of one partition and the decisions about it."""

    def decide(self, cause: str, command: Any, now: datetime) -> Sequence[Any]:
        """What follows from `command`: facts, in order. Changes nothing.

        `cause` is the id of the record or deadline; ids of what is new derive from it. Facts of a
        type in the registry are published; others are private and only evolve the state.
        """

    def evolve(self, fact: Any) -> None:
        """Make `fact` part of the state. The only thing that changes it; must not fail."""

    def follow_ups(self, fact: Any) -> Iterable[Any]:
        """Commands to decide next because of `fact` (a freed agent looks for work)."""

    def next_deadline(self) -> datetime | None:
        """When `take_due` will next have something; None when nothing is timed. May be too early."""

    def take_due(self, now: datetime) -> Due | None:
        """The earliest deadline at or before `now`, removed from the timers; None when there is none."""

    def take_changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Entities changed since the last call, as changelog key and snapshot (None: gone)."""

    def load(self, key: str, snapshot: bytes) -> None:
        """Put an entity back from its snapshot. Followed by `loaded` when all are there."""

    def loaded(self) -> None:
        """Rebuild indexes and timers from the entities. Decides nothing."""


class Undecided(Exception):
    """decide raised before anything changed. To do: dead-letter the record, go on."""


class StateDamaged(Exception):
    """The core raised halfway. To do: throw the state away, restore it, dead-letter the record."""


def step(core: Core, cause: str, command: Any, now: datetime) -> list[Any]:
    """Decide and evolve until nothing more follows; the facts, in order.

    Raises Undecided when the state is untouched, StateDamaged when it may not be.
    """
    facts: list[Any] = []
    todo = deque((command,))
    while todo:
        try:
            decided = core.decide(cause, todo.popleft(), now)
        except Exception as error:
            if facts:
                raise StateDamaged(repr(error)) from error
            raise Undecided(repr(error)) from error
        try:
            for fact in decided:
                core.evolve(fact)
                facts.append(fact)
                todo.extend(core.follow_ups(fact))
        except Exception as error:
            raise StateDamaged(repr(error)) from error
    return facts
