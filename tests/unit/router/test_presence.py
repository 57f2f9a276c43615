"""Presence is a lease."""

from __future__ import annotations

from schemas.agents import AgentRemoved
from schemas.assignments import OfferMade, Unassigned
from schemas.cases import CaseQueued, CaseReleased
from tests.unit.router.scenario import NINE, Scenario, agent, at, kinds, message, only, presence
from tests.unit.router.test_offers import accept, assigned, reply, wait


def test_vanished_agent_loses_unanswered_work_with_its_age_kept() -> None:
    """At the end of the lease the case goes back to the queue, as old as it is."""
    desk, offer = assigned()
    assert desk.time_passes(29.999) == []

    facts = desk.time_passes(30)

    assert kinds(facts) == ["Unassigned", "CaseReleased", "CaseQueued"]
    assert (facts[1].reason, facts[1].assigned, facts[1].at) == ("agent_lost", True, at(30))
    assert facts[2].waiting_since == NINE
    assert offer.case_id == facts[2].case_id


def test_renewed_lease_does_not_run_out() -> None:
    """An agent who is heard of keeps everything."""
    desk, _ = assigned()
    desk.when(presence(), 25)

    assert desk.time_passes(54.9) == []
    assert kinds(desk.time_passes(55)) == ["Unassigned", "CaseReleased", "CaseQueued"]


def test_vanished_agent_loses_an_open_offer() -> None:
    """An offer to somebody who is not there is withdrawn before it expires."""
    desk = Scenario().given(agent(), presence())
    offer = only(desk.when(message("m1"), 15), OfferMade)

    facts = desk.time_passes(30)

    assert kinds(facts) == ["OfferWithdrawn", "CaseReleased", "CaseQueued"]
    assert (facts[0].offer_id, facts[0].reason) == (offer.offer_id, "agent_lost")


def test_answered_work_stays_until_the_customer_writes_again() -> None:
    """The same person is preferred, but the customer does not wait for somebody who is gone."""
    desk, offer = assigned()
    desk.given(reply(offer.case_id), wait(offer.case_id))
    assert desk.time_passes(31) == []

    facts = desk.when(message("m2", "And now?"), 40)

    assert kinds(facts) == ["MessageAdded", "Unassigned", "CaseReleased", "CaseQueued"]
    assert only(facts, CaseQueued).waiting_since == at(40)


def test_agent_who_is_away_keeps_work_and_gets_no_more() -> None:
    """Away is not offline."""
    desk, _ = assigned()
    desk.when(presence(state="away"), 1)

    assert "OfferMade" not in kinds(desk.when(message("m2", "hi", "email:piet@example.com"), 2))
    assert kinds(desk.when(presence(), 3)) == ["OfferMade"]


def test_agent_who_says_goodbye_hands_back_at_once() -> None:
    """Offline ends the lease."""
    desk, _ = assigned()

    facts = desk.when(presence(state="offline"), 1)

    assert only(facts, Unassigned).reason == "agent_lost"
    assert only(facts, CaseReleased).decision.reasons[0].text == "Thandi went offline"


def test_removed_agent_hands_back_everything() -> None:
    """Waiting cases, too."""
    desk, offer = assigned()
    desk.given(reply(offer.case_id), wait(offer.case_id))

    facts = desk.when(AgentRemoved(desk="acme", at=NINE, agent_id="thandi"), 1)

    assert kinds(facts) == ["Unassigned", "CaseReleased", "CaseQueued"]
    assert desk.core.desks["acme"].agents == {}


def test_agent_who_learns_gets_what_was_waiting_for_the_skill() -> None:
    """A changed roster counts at once."""
    desk = Scenario().given(agent(skills={"language:en": 5}), presence(), message("m1", "printer"))

    assert kinds(desk.when(agent(skills={"language:en": 5, "product:printer": 2}))) == ["OfferMade"]


def test_changed_agent_keeps_presence_and_work() -> None:
    """A new roster does not send anybody home."""
    desk, offer = assigned()

    assert desk.when(agent(email=5)) == []
    assert desk.when(accept(offer)) == []  # still the holder
    assert desk.core.desks["acme"].agents["thandi"].state == "available"
