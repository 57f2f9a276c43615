"""The account of a run: what came in and what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from console.audit import Audit
from console.view import duration
from schemas.base import CHANNELS


@dataclass(frozen=True)
class Summary:
    """The figures, the same for people and for programs."""

    accepted: int
    """Distinct messages on the topic since the run began, whoever sent them."""
    refused: dict[str, int]
    """Inputs that ingest turned down, by reason."""
    channels: dict[str, int]
    """`accepted` by channel."""
    ended: int
    """Calls and chats that ended: accepted too, but no messages."""
    cases: int
    assigned: int
    """Cases that somebody had at least once."""
    answered: int
    """Cases that an agent answered."""
    resolved: int
    waiting: int
    """Cases in the queue at the end."""
    in_hand: int
    """Cases with an agent, or waiting for their customer, at the end."""
    abandoned: int
    breached: int
    """Clocks that ran over their time."""
    told: int
    """Updates that were delivered."""
    not_told: int
    """Updates that failed."""
    lost: int
    doubled: int
    dead_letters: int
    faults: tuple[str, ...]
    """Each thing that is lost or doubled, in words."""

    @property
    def accounted_for(self) -> bool:
        """Whether nothing was lost and nothing doubled."""
        return not self.lost and not self.doubled

    def document(self, **more: Any) -> dict[str, Any]:
        """What programs read; `more` is what the run knows beside the topics."""
        figures = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return figures | {"accounted_for": self.accounted_for} | more


def summarise(
    audit: Audit,
    *,
    answered: Collection[str] = (),
    own_refusals: Mapping[str, int],
    scraped_refusals: Mapping[str, int],
    doubled_mails: int = 0,
    dead_letters: int = 0,
    in_flight: bool = False,
) -> Summary:
    """The account of what the audit has read.

    `answered` are ids that ingest has answered with 2xx. Own senders know of every refusal of theirs,
    but of nobody else's; ingest's metrics know of everybody's, but forget what came right before a
    kill: of each reason the higher count is nearest. `in_flight` is given while the system runs: what
    has not reached its case yet is then not called lost.
    """
    standing = Counter(audit.cases.values())
    channels = Counter(audit.accepted.values())
    lost = [] if in_flight else audit.lost(set(answered))
    doubled = audit.doubled()
    if doubled_mails:
        doubled.append(f"{doubled_mails} mails reached the mail server twice")
    reasons = sorted(own_refusals.keys() | scraped_refusals.keys())
    return Summary(
        accepted=len(audit.accepted),
        refused={r: max(own_refusals.get(r, 0), scraped_refusals.get(r, 0)) for r in reasons},
        channels={channel: channels[channel] for channel in CHANNELS},
        ended=len(audit.ended),
        cases=len(audit.cases),
        assigned=len(audit.assigned),
        answered=len(audit.answered),
        resolved=standing["resolved"],
        waiting=standing["queued"],
        in_hand=standing["assigned"] + standing["with customer"],
        abandoned=standing["abandoned"],
        breached=len(audit.breached),
        told=len(audit.delivered),
        not_told=len(audit.failed),
        lost=len(lost),
        doubled=len(doubled),
        dead_letters=dead_letters,
        faults=(*lost, *doubled),
    )


def show(console: Console, summary: Summary, seconds: float, notes: Sequence[str] = ()) -> None:
    """The account for people."""
    table = Table(
        "", "", "", box=None, show_header=False, title=f"What happened in {duration(seconds)}", padding=(0, 1)
    )
    table.title_justify, table.title_style = "left", "bold"
    table.columns[1].justify = "right"
    channels = ", ".join(f"{channel} {count}" for channel, count in summary.channels.items())
    refused = ", ".join(f"{reason} {count}" for reason, count in summary.refused.items())
    rest = f"resolved {summary.resolved}, in hand {summary.in_hand}, waiting {summary.waiting}"
    rest += f", abandoned {summary.abandoned}"
    rows: list[tuple[str, int, str]] = [
        ("accepted", summary.accepted, f"messages: {channels}; and the end of {summary.ended} calls and chats"),
        ("refused", sum(summary.refused.values()), refused),
        ("cases", summary.cases, rest),
        ("assigned", summary.assigned, "cases that somebody had"),
        ("answered", summary.answered, "cases that an agent answered"),
        ("breached", summary.breached, "clocks that ran over their time"),
        ("told", summary.told, f"updates that reached their customer; {summary.not_told} did not"),
        ("dead letters", summary.dead_letters, ""),
        ("lost", summary.lost, "read from the topics: every accepted message is in a case"),
        ("doubled", summary.doubled, "and in no second one; one holder for a case; each update once"),
    ]
    for name, count, what in rows:
        bad = count and name in {"lost", "doubled", "dead letters"}
        table.add_row(f"[{'red' if bad else 'bold'}]{name}[/]", str(count), what)
    console.print(table)
    for fault in summary.faults[:20]:
        console.print(f"  ! {fault}", style="red", markup=False)
    for note in notes:
        console.print(note, markup=False, soft_wrap=True)
    verdict = (
        "Everything that was accepted is accounted for."
        if summary.accounted_for
        else "NOT everything is accounted for."
    )
    console.print(verdict, style="bold green" if summary.accounted_for else "bold red")
