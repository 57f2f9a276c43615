"""`switchboard why`: the story of one case, with the reasons of every decision."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from console.follow import Follower, Seen
from console.story import Line, tell
from runtime.refusal import Refusal
from runtime.settings import read_settings
from schemas.agents import AgentUpserted
from schemas.cases import CaseOpened
from schemas.topics import AGENTS, ASSIGNMENTS, CASES, SLA, UPDATES

_ORDER = {topic.name: n for n, topic in enumerate((CASES, ASSIGNMENTS, SLA, UPDATES))}
"""Of what happened in the same instant."""


def why(case: str) -> None:
    """Print the story of the case with this id or reference. Raises Refusal when there is none."""
    settings, kafka = read_settings()
    seen = asyncio.run(_read(lambda takers: Follower(settings.topics(), kafka, [takers], WANTED)))
    names = {s.event.agent_id: s.event.name for s in seen if isinstance(s.event, AgentUpserted)}
    opened = [
        s.event
        for s in seen
        if isinstance(s.event, CaseOpened) and case in {s.event.case_id, s.event.reference, s.event.message_id}
    ]
    if not opened:
        message = f"no case {case!r} on {settings.topics().name(CASES)} at {kafka.bootstrap_servers}"
        raise Refusal(message)
    case_id = opened[0].case_id
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(f"{opened[0].reference}  case {case_id}", style="bold"))
    about = [s for s in seen if getattr(s.event, "case_id", None) == case_id]
    about.sort(key=lambda s: (s.event.at, _ORDER[s.topic.name]))
    for one in about:
        line = tell(one.event, names)
        if line is not None:
            _print(console, line)


WANTED = (AGENTS, CASES, ASSIGNMENTS, SLA, UPDATES)


def _print(console: Console, line: Line) -> None:
    tone = {"good": "green", "bad": "red", "": ""}[line.tone]
    console.print(Text(f"{line.at.astimezone():%Y-%m-%d %H:%M:%S.%f}"[:-3] + "  "), Text(line.what, style=tone), sep="")
    for reason in line.why:
        console.print(Text(f"{'':25}because {reason}"))
    for more in line.more:
        for row in more.splitlines():
            console.print(Text(f"{'':25}{row}", style="dim"))


async def _read(make: Callable[[Callable[[Seen], None]], Follower]) -> list[Seen]:
    seen: list[Seen] = []
    follower = make(seen.append)
    await follower.start()
    try:
        await follower.read_to_the_end()
    finally:
        await follower.close()
    return seen
