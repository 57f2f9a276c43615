"""`switchboard play`: recorded inputs to a running ingest, and a count of what was answered how."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from console.atomic import write_json
from local.placing import Input, Unplaced, place
from local.sample import POLICY
from local.sending import Answer, Sender, desk_secrets
from runtime.policy_file import read_policy
from runtime.refusal import Refusal
from runtime.settings import PORTS, read_settings

REACH_SECONDS = 5.0


def play(path: Path, *, desk: str | None, rate: float, url: str | None, json_file: Path | None) -> None:
    """Send everything under `path` and show the answers. Raises Refusal when there is nothing to send,
    the desk or a secret is missing, or ingest cannot be reached at all.
    """
    settings, _ = read_settings()
    policy = read_policy(settings.policy or POLICY)
    desk = desk or next(iter(policy.desks))
    secrets = desk_secrets(policy, desk)
    inputs, unplaced = sort_out(path, secrets)
    base = url or settings.public_url or f"http://127.0.0.1:{PORTS['ingest']}"
    _must_answer(base)
    console = Console(highlight=False)
    answers = asyncio.run(_send(console, inputs, Sender(base, desk, secrets), rate))
    show(console, answers, unplaced)
    if json_file is not None:
        write_json(json_file, report(answers, unplaced))


def _must_answer(url: str) -> None:
    """Raise Refusal when nobody listens there, nor after a moment, in which a restart may be over:
    repeating every single input for a minute would help nobody.
    """
    until = time.monotonic() + REACH_SECONDS
    while True:
        try:
            httpx.get(f"{url}/livez", timeout=REACH_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if time.monotonic() > until:
                message = f"{url} cannot be reached ({error}); is ingest running there? --url names another address"
                raise Refusal(message) from error
            time.sleep(REACH_SECONDS / 20)
        else:
            return


def sort_out(path: Path, secrets: Mapping[str, str]) -> tuple[list[Input], list[Unplaced]]:
    """What can be sent with these secrets, and what cannot. Raises Refusal when nothing can."""
    inputs: list[Input] = []
    unplaced: list[Unplaced] = []
    for entry in place(path):
        if isinstance(entry, Unplaced):
            unplaced.append(entry)
        elif entry.way not in secrets:
            unplaced.append(Unplaced(entry.path, f"the desk's policy has no intake {entry.way}"))
        else:
            inputs.append(entry)
    if not inputs:
        reasons = "".join(f"\n  {entry.path}: {entry.reason}" for entry in unplaced[:5])
        message = f"{path}: nothing in it can be sent{reasons}"
        raise Refusal(message)
    return inputs, unplaced


def report(answers: Sequence[Answer], unplaced: Sequence[Unplaced]) -> dict[str, Any]:
    """What programs read: `sent`, `answers` by status, `unplaced`, and `files` one by one."""
    placed = [
        {
            "path": answer.input.path,
            "provider": answer.input.way,
            "status": answer.status,
            "reason": answer.reason or None,
            "detail": answer.detail or None,
            "message_ids": answer.message_ids,
        }
        for answer in sorted(answers, key=lambda answer: answer.input.path)
    ]
    left = [{"path": entry.path, "provider": None, "status": None, "reason": entry.reason} for entry in unplaced]
    return {
        "sent": len(answers),
        "answers": dict(sorted(Counter(str(answer.status or "unreachable") for answer in answers).items())),
        "unplaced": [entry.path for entry in unplaced],
        "files": placed + left,
    }


def show(console: Console, answers: Sequence[Answer], unplaced: Sequence[Unplaced]) -> None:
    """The answers by provider and reason, and what could not be placed and why."""
    table = Table("provider", "answer", "reason", "inputs", title="What ingest answered", title_justify="left")
    table.columns[3].justify = "right"
    counts = Counter((a.input.way, str(a.status or "-"), a.reason or "accepted") for a in answers)
    for (way, status, reason), count in sorted(counts.items()):
        table.add_row(way, f"[{'green' if reason == 'accepted' else 'yellow'}]{status}[/]", reason, str(count))
    console.print(table)
    for line in unplaced_lines(unplaced):
        console.print(line, soft_wrap=True, markup=False)


def unplaced_lines(unplaced: Sequence[Unplaced]) -> Iterator[str]:
    """What could not be placed, by reason, with examples."""
    if unplaced:
        yield f"{len(unplaced)} could not be placed:"
    for reason, count in Counter(entry.reason for entry in unplaced).most_common():
        names = [entry.path for entry in unplaced if entry.reason == reason]
        more = f" and {count - 3} more" if count > 3 else ""  # noqa: PLR2004 - three examples are enough
        yield f"  {count} x {reason}: {', '.join(names[:3])}{more}"


async def _send(console: Console, inputs: Sequence[Input], sender: Sender, rate: float) -> list[Answer]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    answers: list[Answer] = []
    async with sender:
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            task = progress.add_task("sending", total=len(inputs))
            async for answer in sender.send_all(inputs, rate):
                answers.append(answer)
                progress.advance(task)
                if not answer.accepted:
                    shown = json.dumps(answer.detail, ensure_ascii=False) if answer.detail else ""
                    progress.console.print(
                        f"{answer.input.path}: {answer.status or 'no answer'} {answer.reason} {shown}",
                        soft_wrap=True,
                        markup=False,
                    )
    return answers
