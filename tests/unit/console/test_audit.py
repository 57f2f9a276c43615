"""The audit finds what is lost and what is doubled, and nothing else."""

from __future__ import annotations

import pytest

from console.audit import Audit
from schemas.base import Event
from schemas.messages import ContactEnded, Sender
from tests.unit.console.told import (
    T0,
    added,
    assigned,
    delivered,
    message,
    opened,
    prioritised,
    queued,
    released,
    requested,
    resolved,
    seen,
)

GOOD = [
    message("m1"),
    message("m2", "social"),
    message("m1"),  # a provider's repeat
    opened("c1", "m1"),
    prioritised("c1"),
    queued("c1"),
    added("c1", "m2"),
    released("c1", "bob", had_it=False),
    assigned("c1", "anna"),
    released("c1", "anna"),
    assigned("c1", "bob"),
    requested("u1"),
    delivered("u1"),
    resolved("c1"),
]


def audit(*events: Event) -> Audit:
    found = Audit()
    for event in events:
        found.take(seen(event))
    return found


def test_nothing_is_found_where_all_is_well() -> None:
    """A case that changes hands, and a repeat of a provider, are no faults."""
    found = audit(*GOOD)
    assert (found.lost({"m1", "m2"}), found.doubled()) == ([], [])
    assert found.accepted == {"m1": "chat", "m2": "social"}
    assert found.cases == {"c1": "resolved"}
    assert found.assigned == {"c1"}
    assert not found.unsettled_updates


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ([opened("c2", "m1")], "message m1 is in 2 cases"),
        ([added("c1", "m2")], "message m2 is in 2 cases"),
        ([assigned("c1", "anna"), assigned("c1", "bob")], "case c1 had two holders at a time"),
        ([delivered("u1")], "update u1 was delivered 2 times"),
        ([requested("u2")], "case c1 was acknowledged twice"),
    ],
)
def test_what_is_there_twice_is_found(more: list[Event], fault: str) -> None:
    """Each kind of doubling is named."""
    assert audit(*GOOD, *more).doubled() == [fault]


def test_event_that_is_on_its_topic_twice_is_found() -> None:
    """A transaction that was done twice shows by its ids; the same id on another topic is another service's."""
    found = Audit()
    for event in (opened("c1", "m1"), requested("u1")):
        found.take(seen(event, "e1"))
    assert found.doubled() == []
    found.take(seen(assigned("c1"), "e1"))
    assert found.doubled() == ["event e1 is on its topic twice"]


def test_what_is_missing_is_found() -> None:
    """A message in no case, and one that was answered with 2xx and is nowhere."""
    found = audit(*GOOD, message("m3"))
    assert found.lost({"m1", "m4"}) == [
        "message m4 was answered with 2xx and is not on the topic",
        "message m3 is on the topic and in no case",
    ]


def test_end_of_a_call_needs_no_case() -> None:
    """It is accepted, but it is no message."""
    ended = ContactEnded(
        desk="acme",
        at=T0,
        message_id="x1",
        channel="phone",
        provider="twilio",
        contact="CA1",
        sender=Sender(identifiers=("tel:+27821234567",)),
        reason="hung_up",
    )
    found = audit(ended)
    assert (found.lost({"x1"}), found.ended, found.accepted) == ([], {"x1"}, {})


def test_what_was_there_before_the_run_counts_only_as_known() -> None:
    """A repeat of a message whose case is older than the run is not lost, and its case is not of the run."""
    found = Audit()
    for event in (message("m1"), opened("c1", "m1"), assigned("c1")):
        found.take(seen(event, fresh=False))
    assert (found.accepted, found.cases, found.assigned) == ({}, {}, set())
    found.take(seen(message("m1")))
    assert found.lost({"m1"}) == []
