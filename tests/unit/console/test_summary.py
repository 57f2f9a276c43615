"""The account of a run adds up."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from console.audit import Audit
from console.summary import show, summarise
from schemas.base import Event
from tests.unit.console.told import (
    added,
    assigned,
    delivered,
    message,
    opened,
    queued,
    requested,
    resolved,
    seen,
)

CONTRACT = {
    *("accepted", "refused", "channels", "cases", "assigned", "answered", "resolved", "waiting", "breached"),
    *("told", "lost", "doubled", "dead_letters"),
}

RUN = [
    *(message("m1"), message("m2", "social"), message("m3", "email"), message("m4", "email")),
    *(opened("c1", "m1"), queued("c1"), added("c1", "m2"), assigned("c1"), resolved("c1")),
    *(opened("c2", "m3"), queued("c2"), assigned("c2")),
    *(opened("c3", "m4"), queued("c3")),
    *(requested("u1"), delivered("u1")),
]


def audit(*events: Event) -> Audit:
    found = Audit()
    for event in events:
        found.take(seen(event))
    return found


def test_account_is_of_what_the_topics_hold() -> None:
    """Every message and every case is in it, once, with the names that programs rely on."""
    summary = summarise(audit(*RUN), answered={"m1"}, own_refusals={"forged": 1}, scraped_refusals={})
    document = summary.document(bootstrap="b", seconds=1.0)
    assert document.keys() >= CONTRACT | {"bootstrap", "seconds"}
    assert {name: document[name] for name in sorted(CONTRACT)} == {
        "accepted": 4,
        "answered": 0,
        "assigned": 2,
        "breached": 0,
        "cases": 3,
        "channels": {"email": 2, "chat": 1, "phone": 0, "social": 1},
        "dead_letters": 0,
        "doubled": 0,
        "lost": 0,
        "refused": {"forged": 1},
        "resolved": 1,
        "told": 1,
        "waiting": 1,
    }
    assert summary.in_hand + summary.resolved + summary.waiting + summary.abandoned == summary.cases
    assert summary.accounted_for


def test_of_each_reason_the_higher_count_is_nearest() -> None:
    """Metrics know of strangers' refusals, our own senders of those before a kill."""
    summary = summarise(
        Audit(), own_refusals={"forged": 2, "malformed": 1}, scraped_refusals={"forged": 1, "too_large": 3}
    )
    assert summary.refused == {"forged": 2, "malformed": 1, "too_large": 3}


@pytest.mark.parametrize(
    ("more", "lost", "doubled"), [([message("m9")], 1, 0), ([opened("c9", "m1")], 0, 1), ([assigned("c2")], 0, 1)]
)
def test_what_is_not_accounted_for_is_said(more: list[Event], lost: int, doubled: int) -> None:
    """A lost or doubled message turns the verdict, and is named."""
    summary = summarise(audit(*RUN, *more), own_refusals={}, scraped_refusals={})
    assert (summary.lost, summary.doubled, summary.accounted_for) == (lost, doubled, False)
    console = Console(file=io.StringIO(), width=80)
    show(console, summary, 61)
    text = console.file.getvalue()
    assert "NOT everything is accounted for." in text
    assert summary.faults[0] in text


def test_mail_that_arrived_twice_is_doubled() -> None:
    """What the mail server saw twice the customer saw twice, whatever the topics say."""
    summary = summarise(audit(*RUN), own_refusals={}, scraped_refusals={}, doubled_mails=1)
    assert (summary.doubled, summary.accounted_for) == (1, False)


def test_what_is_under_way_is_not_lost() -> None:
    """While the system runs a message may be on its way to its case."""
    summary = summarise(audit(message("m1")), answered={"m2"}, own_refusals={}, scraped_refusals={}, in_flight=True)
    assert (summary.accepted, summary.lost) == (1, 0)
