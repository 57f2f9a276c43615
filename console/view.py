"""The live view: a picture of the desk drawn for a terminal of 80 columns and 24 lines, or more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from rich.console import Group, JustifyMethod, RenderableType
from rich.layout import Layout
from rich.table import Table
from rich.text import Text

from console.picture import Picture
from console.story import Line

LEAST_LINES: Final = 24
_MIDDLE, _DECISIONS, _TOLD = 10, 6, 5
"""Lines of the parts, their headings included, on the smallest terminal."""
_CLOCKS: Final = 3
_LEFT: Final = 37
"""Columns of queues and clocks."""
_WIDE: Final = 110
"""From so many columns on there is room for the reasons in full; below only their rules are named."""
_PRIORITY: Final = {"P1": "bold red", "P2": "red", "P3": "yellow", "P4": "green", "P5": "dim"}
_STATE: Final = {"available": "green", "away": "yellow", "gone": "bold red", "offline": "dim"}
_TONE: Final = {"good": "green", "bad": "red", "": ""}
_HEADING: Final = "bold cyan"


@dataclass
class Figures:
    """What stands in the first two lines."""

    title: str
    seconds: float = 0.0
    accepted: int = 0
    channels: Mapping[str, int] = field(default_factory=dict)
    refused: int | None = None
    """None where nobody counts them."""
    cases: int = 0
    resolved: int = 0
    told: int = 0
    dead_letters: int = 0
    notice: str = ""
    """The last line: what has just happened, or what can be done."""


def draw(picture: Picture, figures: Figures, now: datetime, size: tuple[int, int]) -> Layout:
    """The view in so many columns and lines; what a larger terminal has more goes to the lists."""
    columns, lines = size
    more = max(0, lines - LEAST_LINES)
    people = max(0, len(picture.people) + 1 - _MIDDLE)
    middle = _MIDDLE + min(more, people)
    more -= middle - _MIDDLE
    told = _TOLD + more // 2
    decisions = _DECISIONS + more - more // 2
    whole = Layout()
    whole.split_column(
        Layout(_head(picture, figures, now), size=2),
        Layout(name="middle", size=middle),
        Layout(_lines("DECISIONS", picture.decisions, decisions - 1, in_full=columns >= _WIDE), size=decisions),
        Layout(_lines("CUSTOMERS WERE TOLD", picture.told, told - 1, in_full=True), size=told),
        Layout(Text(figures.notice, style="dim", no_wrap=True, overflow="ellipsis"), size=1),
    )
    whole["middle"].split_row(Layout(name="left", size=_LEFT), Layout(_people(picture, now, middle - 1)))
    whole["left"].split_column(
        Layout(_queues(picture, now), size=6),
        Layout(_clocks(picture, now, middle - 7 if middle > _MIDDLE else _CLOCKS)),
    )
    return whole


def duration(seconds: float) -> str:
    """Seconds as a person reads them: `8s`, `1m05`, `2h10`."""
    whole = int(seconds)
    if whole < 60:  # noqa: PLR2004 - a minute
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes}m{rest:02d}"
    return f"{minutes // 60}h{minutes % 60:02d}"


def plain(line: Line) -> str:
    """A decision, or what a customer was told, as a line of text for where there is no terminal."""
    why = f"  ({'; '.join(line.why)})" if line.why else ""
    return f"{line.at.astimezone():%H:%M:%S} {line.reference:<11} {line.what}{why}"


def plain_figures(figures: Figures) -> str:
    """The figures as a line of text."""
    channels = ", ".join(f"{name} {count}" for name, count in figures.channels.items())
    refused = "" if figures.refused is None else f"; refused {figures.refused}"
    return (
        f"-- {duration(figures.seconds)}: accepted {figures.accepted} ({channels}){refused}; cases {figures.cases}, "
        f"resolved {figures.resolved}; told {figures.told}; dead letters {figures.dead_letters}"
    )


def _head(picture: Picture, figures: Figures, now: datetime) -> RenderableType:
    first = Text(f" {figures.title}  {duration(figures.seconds)}", style="bold reverse")
    rates = f"{picture.rate(picture.received, now)} in, {picture.rate(picture.assigned, now)} assigned a minute "
    channels = " ".join(f"{name} {count}" for name, count in figures.channels.items())
    second = Text(no_wrap=True, overflow="ellipsis")
    second.append(f" in {figures.accepted}", style="bold")
    second.append(f" ({channels})" if channels else "")
    if figures.refused is not None:
        second.append(f" refused {figures.refused}", style="yellow" if figures.refused else "")
    second.append(f" cases {figures.cases} done {figures.resolved} told {figures.told}")
    if figures.dead_letters:
        second.append(f" dead {figures.dead_letters}", style="bold red")
    grid = Table.grid(expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_row(first, Text(rates, style="bold"))
    both = Table.grid(expand=True)
    both.add_row(grid)
    both.add_row(second)
    return both


def _queues(picture: Picture, now: datetime) -> Table:
    table = _table(("QUEUE", 6), ("waiting", 8), ("oldest", 8), ("in hand", 0), right=(1, 2, 3))
    for queue in picture.queues(now):
        oldest = "" if queue.oldest_seconds is None else duration(queue.oldest_seconds)
        table.add_row(
            Text(queue.priority, style=_PRIORITY[queue.priority]),
            Text(str(queue.waiting), style="bold" if queue.waiting else "dim"),
            oldest,
            str(queue.with_agents),
        )
    return table


def _clocks(picture: Picture, now: datetime, count: int) -> Table:
    table = _table(("CLOCKS", 10), ("promise", 16), ("left", 0), right=(2,))
    for clock, left in picture.clocks_near_their_end(now, count):
        style = "bold red" if left < 0 else "yellow" if clock.warned else ""
        shown = f"-{duration(-left)}" if left < 0 else duration(left)
        table.add_row(clock.reference, clock.clock.replace("_", " "), Text(shown, style=style))
    return table


def _people(picture: Picture, now: datetime, count: int) -> Table:
    table = _table(("PEOPLE", 15), ("state", 9), ("load", 4), ("has", 0), right=(2,))
    for person in picture.persons(now)[:count]:
        load = f"{len(person.holds)}/{person.capacity}"
        holds = " ".join(reference.partition("-")[2] for reference in person.holds)
        table.add_row(Text(person.name), Text(person.state, style=_STATE[person.state]), load, Text(holds, style="dim"))
    return table


def _lines(heading: str, lines: Sequence[Line], count: int, *, in_full: bool) -> RenderableType:
    table = Table.grid(expand=True, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True, width=8)
    table.add_column(no_wrap=True, width=10)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for line in list(lines)[-count:]:
        text = Text(line.what, style=_TONE[line.tone])
        if line.why:
            why = "; ".join(line.why) if in_full else ", ".join(reason.partition(":")[0] for reason in line.why)
            text.append(f"  {why}", style="dim")
        table.add_row(Text(f"{line.at.astimezone():%H:%M:%S}", style="dim"), line.reference, text)
    return Group(Text(heading, style=_HEADING), table)


def _table(*headings: tuple[str, int], right: Sequence[int] = ()) -> Table:
    """A table whose columns have these headings and widths; width 0 takes what is left."""
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style=_HEADING)
    for n, (heading, width) in enumerate(headings):
        justify: JustifyMethod = "right" if n in right else "left"
        size: dict[str, Any] = {"width": width} if width else {"ratio": 1}
        table.add_column(heading, justify=justify, no_wrap=True, overflow="ellipsis", **size)
    return table
