"""`make bench`: every benchmark, one after another, on one broker of their own.

`python -m benchmarks NAME...` runs only those. A benchmark is a module here with `measure() -> list[Figure]`.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import pkgutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import structlog
from rich.console import Console
from rich.table import Table

import benchmarks
from benchmarks.figures import Figure
from local import broker

OUTPUT: Final = Path("build/bench.json")

Measure = Callable[[], list[Figure]]


def find(wanted: Sequence[str]) -> dict[str, Measure]:
    """The benchmarks by name: all of them, or those that are wanted. Exits when one is not there."""
    there: dict[str, Measure] = {}
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if not module.name.startswith("_"):
            measure = getattr(importlib.import_module(f"benchmarks.{module.name}"), "measure", None)
            if measure is not None:
                there[module.name] = measure
    if unknown := set(wanted) - set(there):
        sys.exit(f"no benchmark is called {', '.join(sorted(unknown))}; there are: {', '.join(sorted(there))}")
    return {name: there[name] for name in (wanted or sorted(there))}


def run(found: dict[str, Measure]) -> list[Figure]:
    """Measure, on one broker for all of them."""
    figures: list[Figure] = []
    with asyncio.Runner() as runner:
        starting = broker.start()
        running = runner.run(starting.__aenter__())
        os.environ[broker.VARIABLE] = running.bootstrap
        print(f"kafka: {running.kind} at {running.bootstrap}", flush=True)
        try:
            for name, measure in found.items():
                print(name, flush=True)
                began = time.monotonic()
                figures += measure()
                print(f"  {time.monotonic() - began:.0f} s", flush=True)
        finally:
            runner.run(starting.__aexit__(None, None, None))
    return figures


def show(figures: Sequence[Figure]) -> None:
    """The table."""
    table = Table("figure", "value", "unit", "goal", "", "against")
    marks = {None: "", True: "reached", False: "[bold red]missed"}
    for figure in figures:
        value = f"{figure.value:,.2f}" if abs(figure.value) < 100 else f"{figure.value:,.0f}"
        table.add_row(figure.name, value, figure.unit, figure.goal or "", marks[figure.reached], figure.baseline or "")
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def main() -> int:
    """Run what the command line names; 1 when a goal was missed."""
    # What is measured logs as it does at work, but warnings and worse only, so that the table can be seen.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    figures = run(find(sys.argv[1:]))
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n", encoding="utf-8")
    show(figures)
    print(f"also in {OUTPUT}")
    return int(any(figure.reached is False for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
