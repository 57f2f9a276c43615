"""The property that every core must have: a core that was restored cannot be told from one that lived on.

How to use it, in a property test of a core::

    from tests.properties.recovery import Recorded, assert_recovers

    recorded = Recorded(make_core())                  # make_core: () -> an empty core
    recorded.step("cause-1", command, now)            # as runtime.core.step; keeps the changelog
    recorded.fire(now)                                # decides all deadlines that have come
    assert_recovers(
        make_core,
        recorded,
        state=lambda core: core.cases,                # everything that a core remembers, comparable by ==
        probes=[("cause-2", command, later)],         # what all of them are asked next, and must answer alike
        horizon=later,                                # up to when deadlines must be the same
    )

Three cores are compared: the live one, one restored from the whole changelog, and one restored from
the changelog after compaction, half of it and all of it. `state` should leave out what is only derived
(indexes, timers): whether those were rebuilt rightly is what `probes` and `horizon` show.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from runtime.core import Core, step

Change = tuple[str, bytes | None]
Probe = tuple[str, Any, datetime]


@dataclass
class Recorded:
    """A live core, with the changelog that the processor would have written for it."""

    core: Core
    log: list[Change] = field(default_factory=list)

    def step(self, cause: str, command: Any, now: datetime) -> list[Any]:
        """The facts of one command, as the processor would have it decided."""
        facts = step(self.core, cause, command, now)
        self.log.extend(self.core.take_changes())
        return facts

    def fire(self, now: datetime) -> list[Any]:
        """The facts of all deadlines that have come."""
        facts: list[Any] = []
        while (due := self.core.take_due(now)) is not None:
            facts.extend(self.step(due.id, due.command, now))
        return facts


def compacted(log: Sequence[Change], upto: int | None = None) -> list[Change]:
    """`log` as Kafka's cleaner leaves it: of the first `upto` changes only the last of each key; the
    order stays. Tombstones in that part are gone, too.
    """
    clean = log if upto is None else log[:upto]
    last = {key: place for place, (key, _) in enumerate(clean)}
    kept = [change for place, change in enumerate(clean) if last[change[0]] == place and change[1] is not None]
    return [*kept, *log[len(clean) :]]


def recovered(make_core: Callable[[], Core], log: Iterable[Change]) -> Core:
    """A core as the processor restores it: the last snapshot of each entity, then `loaded`."""
    entities: dict[str, bytes] = {}
    for key, snapshot in log:
        if snapshot is None:
            entities.pop(key, None)
        else:
            entities[key] = snapshot
    core = make_core()
    for key, snapshot in entities.items():
        core.load(key, snapshot)
    core.loaded()
    return core


def assert_recovers(
    make_core: Callable[[], Core],
    recorded: Recorded,
    *,
    state: Callable[[Any], Any] = attrgetter("state"),
    probes: Sequence[Probe] = (),
    horizon: datetime | None = None,
) -> None:
    """Live state == recovered state == state recovered from the compacted log; and they go on alike.

    The live core is left as it was.
    """
    assert list(recorded.core.take_changes()) == [], "something changed the core besides Recorded.step"
    log = recorded.log
    # A tombstone of a key in the part that was cleaned must not bring back what lies before it: the
    # cleaner removes both. In the rest of the log everything is still there.
    logs = {"whole": log, "half compacted": compacted(log, len(log) // 2), "compacted": compacted(log)}
    for name, kept in logs.items():
        live, again = copy.deepcopy(recorded.core), recovered(make_core, kept)
        assert list(again.take_changes()) == [], f"{name} log: restoring must not count as a change"
        assert state(again) == state(live), f"{name} log: the state is another one"
        for cause, command, now in probes:
            assert step(again, cause, command, now) == step(live, cause, command, now), (
                f"{name} log: {type(command).__name__} is decided differently"
            )
        if horizon is not None:
            assert _dues(again, horizon) == _dues(live, horizon), f"{name} log: the deadlines are different ones"
        assert state(again) == state(live), f"{name} log: the state is another one after going on"


def _dues(core: Core, horizon: datetime) -> list[str]:
    """The ids of all deadlines up to `horizon`; those of one instant may come in any order."""
    dues = []
    while (due := core.take_due(horizon)) is not None:
        dues.append(due.id)
    return sorted(dues)
