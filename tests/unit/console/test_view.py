"""The view fits the smallest terminal, whatever it shows."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from console.picture import Picture
from console.story import tell
from console.view import Figures, draw, duration, plain, plain_figures
from schemas.agents import AgentUpserted
from tests.unit.console.told import (
    T0,
    assigned,
    at,
    delivered,
    message,
    opened,
    prioritised,
    queued,
    requested,
    seen,
)

FIGURES = Figures(
    "Switchboard - Acme Support",
    71,
    41,
    {"email": 13, "chat": 11, "phone": 7, "social": 10},
    4,
    35,
    26,
    123,
    2,
    "Ctrl-C",
)


def busy() -> Picture:
    """Many agents with long names, many cases, words that try to be markup."""
    picture = Picture(lease_seconds=15)
    events = [
        AgentUpserted(
            desk="acme",
            at=T0,
            agent_id=f"a{n}",
            name=f"[red]Agent {n} with a very long name indeed",
            skills={"language:en": 5},
            capacity={"chat": 40},
        )
        for n in range(15)
    ]
    for n in range(40):
        name = f"c{n}"
        events += [message(f"m{n}"), opened(name, f"m{n}"), prioritised(name, f"P{n % 5 + 1}"), queued(name)]
        events += [assigned(name, f"a{n % 15}")] if n % 2 else []
        events += [requested(f"u{n}", name, text="[bold]Спасибо " * 40), delivered(f"u{n}", name)]
    for event in events:
        picture.take(seen(event))
    return picture


def rendered(picture: Picture, columns: int, lines: int, figures: Figures = FIGURES) -> list[str]:
    console = Console(width=columns, height=lines, file=io.StringIO(), record=True, force_terminal=True, _environ={})
    console.print(draw(picture, figures, at(30), (columns, lines)), height=lines)
    return console.export_text().rstrip("\n").split("\n")


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (200, 60)])
@pytest.mark.parametrize("make", [busy, lambda: Picture(lease_seconds=15)], ids=["busy", "empty"])
def test_view_fits(make, size: tuple[int, int]) -> None:
    """Never a line too many or too long."""
    lines = rendered(make(), *size)
    assert len(lines) <= size[1]
    assert max(map(cell_len, lines)) <= size[0]


def test_smallest_view_has_every_part() -> None:
    """On 80x24 there are queues, people, clocks, decisions with reasons, what customers were told, rates."""
    text = "\n".join(rendered(busy(), 80, 24))
    for part in ("QUEUE", "PEOPLE", "CLOCKS", "DECISIONS", "CUSTOMERS WERE TOLD", "a minute"):
        assert part in text
    assert "in 41 (email 13 chat 11 phone 7 social 10) refused 4 cases 35 done 26 told 123" in text
    assert "least-loaded" in text
    assert "[bold]Спасибо" in text, "customers' words are shown as they are"
    assert text.rstrip().endswith("Ctrl-C")


def test_larger_terminal_shows_more() -> None:
    """What a higher one has more goes to the people and the lists, and a wider one has reasons in full."""
    small, large = rendered(busy(), 80, 24), rendered(busy(), 160, 50)
    assert sum("[red]Agent" in line for line in small) < sum("[red]Agent" in line for line in large) == 15
    assert sum("by chat" in line for line in small) < sum("by chat" in line for line in large)
    assert any("least-loaded: 1 of 3 in use" in line for line in large)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59.9, "59s"), (60, "1m00"), (3599, "59m59"), (3600, "1h00"), (90_000, "25h00")]
)
def test_duration_reads_as_people_say_it(seconds: float, text: str) -> None:
    """Seconds, minutes, hours."""
    assert duration(seconds) == text


def test_plain_lines_carry_the_reasons() -> None:
    """Where there is no terminal a decision is one line of text."""
    picture = Picture(lease_seconds=15)
    for event in (opened("c1", "m1"), prioritised("c1"), queued("c1"), assigned("c1")):
        picture.take(seen(event))
    line = plain(picture.decisions[-1])
    assert line.endswith("AC-00000C1  P2 to Anna after 1.5 s  (least-loaded: 1 of 3 in use)")
    assert plain_figures(FIGURES).startswith("-- 1m11: accepted 41 (email 13, chat 11, phone 7, social 10); refused 4")


def test_customers_words_cannot_command_the_terminal() -> None:
    """Escape sequences in a text are not passed on."""
    picture = Picture(lease_seconds=15)
    for event in (requested("u1", text="\x1b[2Jgone\x07"), delivered("u1")):
        picture.take(seen(event))
    assert "\x1b" not in picture.told[0].why[0]
    assert "\x07" not in picture.told[0].why[0]
    subject = opened("c2", "m2").model_copy(update={"subject": "a\x9b2J\u202eb"})
    line = tell(subject, {})
    assert line is not None
    assert line.more == ("a2Jb",)
