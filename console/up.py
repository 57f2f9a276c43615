"""`switchboard up`: everything on this machine, at work, until it is stopped; then the account of it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from rich.console import Console

from console.run import Options, Run
from console.show import say
from console.signals import stop_on_signals
from console.summary import Summary, show
from local.run_folder import RunFolder
from local.system import System, running_system
from runtime import logs


def up(options: Options) -> int:
    """Run; the exit code. Raises Refusal when something that is needed is not there."""
    return asyncio.run(_up(options))


async def _up(options: Options) -> int:
    console = Console(highlight=False)
    asked = stop_on_signals()
    folder = RunFolder.make()
    _log_to(folder.log("up"))
    run = Run(options, console, folder)
    run.tell(f"this run's folder: {folder.path}")
    starting = asyncio.create_task(_work(run, asked))
    stopping = asyncio.create_task(asked.wait())
    # Asked to stop before everything runs, there is nothing to account for; later, the run hears of it itself.
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not run.working:
        starting.cancel()
    try:
        system, summary = await starting
    except asyncio.CancelledError:
        say(console, "stopped before everything was running")
        return 1
    finally:
        stopping.cancel()
    run.keep(system, summary, running=False)
    show(console, summary, run.seconds, run.notes(system))
    return 0 if summary.accounted_for else 1


async def _work(run: Run, asked: asyncio.Event) -> tuple[System, Summary]:
    async with running_system(run.folder, run.tell) as system:
        summary = await run.work(system, asked)
        say(run.console, "stopping ...")
    return system, summary


def _log_to(file: Path) -> None:
    """Our own log lines, and those of the libraries, away from the view."""
    logs.configure("up")
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(file.open("a", encoding="utf-8"))
