"""`switchboard policy check`."""

from __future__ import annotations

from pathlib import Path

import typer

from runtime.policy_file import read_policy


def check(file: Path) -> None:
    """Say what the policy holds. Raises Refusal with file, line, field and reason of each fault."""
    policy = read_policy(file)
    typer.echo(f"{file}: valid, version {policy.version}")
    for desk_id, desk in policy.desks.items():
        ways_in = ", ".join(f"{source.channel}/{source.provider}" for source in desk.intake) or "none"
        rules = len(desk.urgency) + len(desk.impact) + len(desk.needs)
        typer.echo(f"  {desk_id} ({desk.name}): {rules} rules, {'/'.join(desk.languages)}, ways in: {ways_in}")
