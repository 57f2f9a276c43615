"""`switchboard watch`: the live view of a system that runs elsewhere, from its topics."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from rich.console import Console

from console.audit import Audit
from console.follow import Follower, Seen
from console.picture import Picture
from console.show import show
from console.signals import stop_on_signals
from console.summary import summarise
from console.view import Figures
from local.sample import POLICY
from runtime.policy_file import read_policy
from runtime.settings import read_settings


def watch(seconds: float | None) -> None:
    """Show until stopped, or for `seconds`. Raises Refusal for bad settings."""
    asyncio.run(_watch(seconds))


async def _watch(seconds: float | None) -> None:
    settings, kafka = read_settings()
    desk = next(iter(read_policy(settings.policy or POLICY).desks.values()))
    asked = stop_on_signals()
    audit, picture = Audit(), Picture(desk.presence.lease)
    began = time.monotonic()

    def take(seen: Seen) -> None:
        audit.take(replace(seen, fresh=True))  # all that the topics hold is of interest here

    follower = Follower(settings.topics(), kafka, (take, picture.take))

    def figures() -> Figures:
        summary = summarise(audit, own_refusals={}, scraped_refusals={}, in_flight=True)
        return Figures(
            title=f"Switchboard at {kafka.bootstrap_servers}",
            seconds=time.monotonic() - began,
            accepted=summary.accepted,
            channels=summary.channels,
            cases=summary.cases,
            resolved=summary.resolved,
            told=summary.told,
            dead_letters=follower.dead_letters,
            notice="Ctrl-C stops watching.  The story of a case:  switchboard why REFERENCE",
        )

    await follower.start()
    try:
        async with asyncio.TaskGroup() as tasks:
            working = [
                tasks.create_task(follower.run()),
                tasks.create_task(show(Console(highlight=False), picture, figures)),
            ]
            try:
                async with asyncio.timeout(seconds):
                    await asked.wait()
            except TimeoutError:
                pass  # as long as was asked for
            for task in working:
                task.cancel()
    finally:
        await follower.close()
