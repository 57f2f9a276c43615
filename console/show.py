"""A picture that changes, shown while it does: drawn on a terminal, told in lines elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.live import Live

from console.picture import Picture
from console.view import Figures, draw, plain, plain_figures
from runtime.clock import utc_now

DRAW_SECONDS: Final = 0.5
LINES_SECONDS: Final = 0.2
FIGURES_SECONDS: Final = 5.0


async def show(console: Console, picture: Picture, figures: Callable[[], Figures]) -> None:
    """Show until cancelled."""
    if console.is_terminal:
        await _drawn(console, picture, figures)
    else:
        await _lines(console, picture, figures)


async def _drawn(console: Console, picture: Picture, figures: Callable[[], Figures]) -> None:
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            picture.fresh.clear()
            live.update(draw(picture, figures(), utc_now(), (console.width, console.height)), refresh=True)
            await asyncio.sleep(DRAW_SECONDS)


async def _lines(console: Console, picture: Picture, figures: Callable[[], Figures]) -> None:
    next_figures = time.monotonic() + FIGURES_SECONDS
    while True:
        while picture.fresh:
            say(console, plain(picture.fresh.popleft()))
        if time.monotonic() >= next_figures:
            say(console, plain_figures(figures()))
            next_figures += FIGURES_SECONDS
        await asyncio.sleep(LINES_SECONDS)


def say(console: Console, text: str) -> None:
    """One line of plain text, at once."""
    console.print(text, markup=False, soft_wrap=True)
    console.file.flush()
