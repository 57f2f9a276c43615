"""The picture of a desk, from events alone."""

from __future__ import annotations

from console.picture import Picture, Queue
from schemas.agents import AgentUpserted
from schemas.assignments import OfferMade, OfferWithdrawn
from schemas.base import Event
from schemas.commands import RenewPresence
from schemas.sla import ClockBreached, ClockMet, ClockPaused, ClockResumed, ClockStarted, ClockWarned
from schemas.updates import UpdateFailed
from tests.unit.console.told import (
    DECISION,
    T0,
    added,
    assigned,
    at,
    case,
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

ANNA = AgentUpserted(
    desk="acme", at=T0, agent_id="anna", name="Anna", skills={"language:en": 5}, capacity={"chat": 2, "email": 3}
)


def picture(*events: Event) -> Picture:
    found = Picture(lease_seconds=15)
    for event in events:
        found.take(seen(event))
    return found


def renewed(seconds: float, state: str = "available") -> RenewPresence:
    return RenewPresence(desk="acme", at=at(seconds), agent_id="anna", state=state)


def clock(name: str, due: float) -> ClockStarted:
    return ClockStarted(
        **case(name),
        clock="first_response",
        priority="P2",
        started_at=T0,
        due_at=at(due),
        warn_at=at(due * 0.75),
        target_seconds=due,
        policy_version="1",
    )


def test_queue_counts_who_waits_and_since_when() -> None:
    """The oldest counts from when it began to wait; whoever is in hand or done does not wait."""
    found = picture(
        *(opened("c1", "m1"), prioritised("c1"), queued("c1", seconds=2)),
        *(opened("c2", "m2"), prioritised("c2"), queued("c2", seconds=5)),
        *(opened("c3", "m3"), prioritised("c3"), queued("c3"), assigned("c3")),
        *(opened("c4", "m4"), prioritised("c4"), queued("c4"), assigned("c4"), resolved("c4")),
    )
    queues = {queue.priority: queue for queue in found.queues(at(12))}
    assert list(queues) == ["P1", "P2", "P3", "P4", "P5"]
    assert queues["P2"] == Queue("P2", 2, 10.0, 1)
    assert queues["P1"] == Queue("P1", 0, None, 0)


def test_case_that_comes_back_waits_again() -> None:
    """A lost agent's case is in the queue, and no longer the agent's."""
    found = picture(
        ANNA, opened("c1", "m1"), prioritised("c1"), queued("c1"), assigned("c1"), released("c1"), queued("c1")
    )
    assert found.queues(at(3))[1] == Queue("P2", 1, 3.0, 0)
    assert found.persons(at(3))[0].holds == ()


def test_person_is_there_as_long_as_the_lease() -> None:
    """Never seen is offline, seen is as told, silent for longer than the lease is gone."""
    states = [
        picture(ANNA).persons(at(0))[0].state,
        picture(ANNA, renewed(0)).persons(at(15))[0].state,
        picture(ANNA, renewed(0, "away")).persons(at(15))[0].state,
        picture(ANNA, renewed(0)).persons(at(15.1))[0].state,
        picture(ANNA, renewed(0, "offline")).persons(at(1))[0].state,
    ]
    assert states == ["offline", "available", "away", "gone", "offline"]


def test_person_has_cases_and_offers() -> None:
    """An offer shows with a question mark until it is taken or withdrawn."""
    offer = OfferMade(
        **case("c2"),
        agent_id="anna",
        offer_id="o-c2",
        channel="chat",
        priority="P2",
        language="en",
        excerpt="Hi",
        needs=(),
        expires_at=at(20),
        decision=DECISION,
    )
    gone = {key: value for key, value in case("c2").items() if key != "reference"}
    withdrawn = OfferWithdrawn(**gone, agent_id="anna", offer_id="o-c2", reason="expired")
    events = [ANNA, opened("c1", "m1"), prioritised("c1"), queued("c1"), assigned("c1"), offer]
    assert picture(*events).persons(T0)[0].holds == ("AC-00000C1", "AC-00000C2?")
    assert picture(*events, withdrawn).persons(T0)[0].holds == ("AC-00000C1",)
    assert picture(*events).persons(T0)[0].capacity == 5


def test_clocks_come_in_the_order_in_which_they_end() -> None:
    """A breached one is last; one that stands still, or is met, is not there."""
    stopped = {**case("c3"), "clock": "first_response"}
    found = picture(
        clock("c1", 30),
        clock("c2", 10),
        clock("c3", 5),
        clock("c4", 1),
        ClockPaused(**stopped, remaining_seconds=4.0),
        ClockMet(**case("c4"), clock="first_response", elapsed_seconds=0.5, late=False),
        ClockBreached(**case("c2"), clock="first_response", priority="P2", due_at=at(10)),
        ClockWarned(**case("c1"), clock="first_response", priority="P2", due_at=at(30)),
    )
    near = found.clocks_near_their_end(at(12), 5)
    assert [(c.reference, c.warned, c.breached, left) for c, left in near] == [
        ("AC-00000C1", True, False, 18.0),
        ("AC-00000C2", True, True, -2.0),
    ]
    found.take(seen(ClockResumed(**stopped, due_at=at(14), warn_at=at(13))))
    assert found.clocks_near_their_end(at(12), 1)[0][0].reference == "AC-00000C3"


def test_decisions_carry_their_reasons() -> None:
    """What was decided, why, and in the words of the policy's rules."""
    found = picture(opened("c1", "m1"), prioritised("c1"), queued("c1"), assigned("c1"), added("c1", "m2"))
    assert [(line.what, line.why) for line in found.decisions] == [
        ("P2: urgency high, impact high", ("least-loaded: 1 of 3 in use",)),
        ("P2 to Anna after 1.5 s", ("least-loaded: 1 of 3 in use",)),
        ("another message by social, known by identifier", ()),
    ]


def test_what_customers_were_told_has_its_words() -> None:
    """What was delivered shows with its text, what was not with the reason."""
    failed = UpdateFailed(
        **case("c1"),
        update_id="u2",
        update_kind="reply",
        channel="chat",
        provider="standard",
        attempts=3,
        reason="unreachable",
        detail="no answer",
    )
    found = picture(requested("u1", text="We\n have it."), delivered("u1"), requested("u2", kind="reply"), failed)
    assert [(line.what, line.why, line.tone) for line in found.told] == [
        ("acknowledged by chat", ("We have it.",), "good"),
        ("not told by chat: reply, unreachable", (), "bad"),
    ]


def test_rate_is_of_the_last_minute() -> None:
    """What is older than a minute no longer counts."""
    found = picture(message("m1"), message("m2"))
    assert found.rate(found.received, at(60)) == 2
    assert found.rate(found.received, at(61)) == 0
