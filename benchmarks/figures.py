"""What a benchmark finds, and how it tells of its progress."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_HOLDS: Final[dict[str, Callable[[float, float], bool]]] = {">=": operator.ge, "<=": operator.le}


@dataclass(frozen=True)
class Figure:
    """One measured number."""

    name: str
    value: float
    unit: str
    """`ratio`, `events/s`, `us/event`, `s`, `MiB`."""
    goal: str | None = None
    """`>= 0.9` or `<= 2048`, in the unit of the value; None when the figure is only told."""
    baseline: str | None = None
    """What it was measured against, in words, with its own number."""

    @property
    def reached(self) -> bool | None:
        """Whether the goal holds; None without one."""
        if self.goal is None:
            return None
        sign, number = self.goal.split()
        return _HOLDS[sign](self.value, float(number))


def say(text: str) -> None:
    """A line of progress: a benchmark takes minutes."""
    print(f"  {text}", flush=True)
