"""Offers, assignments and what agents do with them."""

from __future__ import annotations

import pytest

from schemas.assignments import Assigned, CommandRejected, HistoryEntry, OfferMade, OfferWithdrawn, Unassigned
from schemas.base import Decision, Need, Reason
from schemas.cases import AgentReplied, CaseAssigned, CaseQueued, CaseReleased, CaseResolved, CaseWaiting
from schemas.commands import (
    AcceptOffer,
    DeclineOffer,
    EscalateCase,
    ResolveCase,
    SendReply,
    WaitForCustomer,
)
from tests.unit.router.scenario import NINE, Scenario, agent, at, kinds, message, only, presence


def accept(offer: OfferMade, agent_id: str | None = None) -> AcceptOffer:
    return AcceptOffer(
        desk="acme", at=NINE, agent_id=agent_id or offer.agent_id, offer_id=offer.offer_id, case_id=offer.case_id
    )


def decline(offer: OfferMade) -> DeclineOffer:
    return DeclineOffer(desk="acme", at=NINE, agent_id=offer.agent_id, offer_id=offer.offer_id, case_id=offer.case_id)


def reply(case_id: str, agent_id: str = "thandi", text: str = "On it") -> SendReply:
    return SendReply(desk="acme", at=NINE, agent_id=agent_id, case_id=case_id, text=text)


def wait(case_id: str, agent_id: str = "thandi") -> WaitForCustomer:
    return WaitForCustomer(desk="acme", at=NINE, agent_id=agent_id, case_id=case_id)


def resolve(case_id: str, agent_id: str = "thandi") -> ResolveCase:
    return ResolveCase(desk="acme", at=NINE, agent_id=agent_id, case_id=case_id, resolution="Fixed")


def assigned() -> tuple[Scenario, OfferMade]:
    """Thandi has Jan's case."""
    desk = Scenario().given(agent(), presence())
    offer = only(desk.when(message("m1", "My printer")), OfferMade)
    desk.given(accept(offer))
    return desk, offer


def test_offer_says_what_why_and_until_when() -> None:
    """An offer carries what an agent decides by, and the decision behind it."""
    desk = Scenario().given(agent(), presence())

    offer = only(desk.when(message("m1", "My printer", subject="Printer"), 1), OfferMade)

    assert offer == OfferMade(
        desk="acme", at=at(1), agent_id="thandi", offer_id=offer.offer_id, case_id=offer.case_id,
        reference=offer.reference, channel="email", priority="P4", language="en", subject="Printer",
        excerpt="My printer", needs=(Need(skill="language:en", level=1), Need(skill="product:printer", level=2)),
        expires_at=at(21),
        decision=Decision(policy_version="test-1", reasons=(
            Reason(rule="least-loaded", text="Thandi has the skills and, of 1 with room, the most of it"),
            Reason(rule="needs-met", text="language:en 5 (needs 1), product:printer 3 (needs 2)"),
        )),
    )  # fmt: skip


def test_accepting_assigns_with_the_history() -> None:
    """The agent gets the case with all that was said."""
    desk = Scenario().given(agent(), presence())
    offer = only(desk.when(message("m1", "My printer")), OfferMade)

    facts = desk.when(accept(offer), 7)

    assert kinds(facts) == ["CaseAssigned", "Assigned"]
    assert only(facts, CaseAssigned).waited_seconds == 7.0
    assert only(facts, Assigned).history == (
        HistoryEntry(at=NINE, by="customer", name="Jan", channel="email", text="My printer"),
    )


def test_accepting_twice_is_no_second_assignment() -> None:
    """A desktop that sends again is not an error."""
    desk, offer = assigned()

    assert desk.when(accept(offer)) == []


def test_declined_case_goes_to_the_next_with_its_age() -> None:
    """A decline is not the customer's loss: the next agent is asked, the age counts."""
    desk = Scenario().given(agent("thandi"), presence("thandi"), agent("sipho"), presence("sipho"))
    offer = only(desk.when(message("m1")), OfferMade)

    facts = desk.when(decline(offer), 5)

    assert kinds(facts) == ["OfferWithdrawn", "CaseReleased", "CaseQueued", "OfferMade"]
    assert (only(facts, CaseReleased).reason, only(facts, CaseReleased).assigned) == ("declined", False)
    assert only(facts, CaseQueued).waiting_since == NINE
    assert only(facts, OfferMade).agent_id != offer.agent_id


def test_agent_who_declined_is_asked_again_only_after_a_while() -> None:
    """With nobody else there, the same agent is asked again when the policy's time is over."""
    desk = Scenario().given(agent(), presence())
    offer = only(desk.when(message("m1")), OfferMade)
    assert "OfferMade" not in kinds(desk.when(decline(offer), 5))
    for seconds in (20, 40, 60):
        assert desk.when(presence(), seconds) == []

    facts = desk.time_passes(65)

    assert kinds(facts) == ["OfferMade"]
    assert (facts[0].agent_id, facts[0].at) == ("thandi", at(65))


def test_offer_expires_at_its_instant() -> None:
    """An unanswered offer is withdrawn exactly when it said so."""
    desk = Scenario().given(agent("thandi"), presence("thandi"), agent("sipho"), presence("sipho"))
    offer = only(desk.when(message("m1")), OfferMade)
    assert desk.time_passes(19.999) == []

    facts = desk.time_passes(20)

    assert kinds(facts) == ["OfferWithdrawn", "CaseReleased", "CaseQueued", "OfferMade"]
    assert facts[0] == OfferWithdrawn(
        desk="acme",
        at=at(20),
        agent_id=offer.agent_id,
        offer_id=offer.offer_id,
        case_id=offer.case_id,
        reason="expired",
    )


def test_accepting_an_offer_that_is_gone_is_rejected() -> None:
    """Too late: the agent hears why and what to do."""
    desk = Scenario().given(agent(), presence())
    offer = only(desk.when(message("m1")), OfferMade)
    desk.time_passes(20)

    facts = desk.when(accept(offer), 21, cause="cmd-7")

    assert facts == [
        CommandRejected(
            desk="acme", at=at(21), agent_id="thandi", command_id="cmd-7", command="accept_offer", case_id=offer.case_id,
            reason="offer_gone", detail="the offer no longer stands: it expired, was withdrawn or was answered; wait for another",
        )
    ]  # fmt: skip


@pytest.mark.parametrize("command", [reply, wait, resolve])
def test_only_the_holder_may_work_on_a_case(command) -> None:
    """Whoever does not hold the case is told so, and nothing happens."""
    desk, offer = assigned()
    desk.given(agent("sipho"), presence("sipho"))

    facts = desk.when(command(offer.case_id, "sipho"))

    assert [(type(f), f.reason) for f in facts] == [(CommandRejected, "not_the_holder")]


def test_offered_case_must_be_accepted_first() -> None:
    """An agent who answers before accepting is told to accept."""
    desk = Scenario().given(agent(), presence())
    offer = only(desk.when(message("m1")), OfferMade)

    assert "accept the offer first" in only(desk.when(reply(offer.case_id)), CommandRejected).detail


@pytest.mark.parametrize("command", [reply, wait, resolve])
def test_command_for_no_case_is_rejected(command) -> None:
    """A case that is not there, or no longer, is said to be unknown."""
    desk = Scenario().given(agent(), presence())

    assert only(desk.when(command("nothing")), CommandRejected).reason == "unknown_case"


def test_stranger_is_told_to_be_on_the_roster() -> None:
    """Commands of somebody who is no agent are rejected, presence included."""
    desk, offer = assigned()

    assert only(desk.when(presence("nobody")), CommandRejected).reason == "unknown_agent"
    assert only(desk.when(reply(offer.case_id, "nobody")), CommandRejected).reason == "unknown_agent"


def test_command_that_this_release_lacks_is_rejected() -> None:
    """Escalation is in the contract and not carried out yet: said plainly."""
    desk, offer = assigned()

    facts = desk.when(EscalateCase(desk="acme", at=NINE, agent_id="thandi", case_id=offer.case_id, note="help"))

    assert only(facts, CommandRejected).reason == "not_available"


def test_reply_goes_where_the_customer_wrote() -> None:
    """The first answer is marked as such; it leaves by the channel of the latest message."""
    desk, offer = assigned()

    facts = desk.when(reply(offer.case_id), 9, cause="cmd-1")

    assert kinds(facts) == ["AgentReplied"]
    assert (facts[0].reply_id, facts[0].first, facts[0].reply_to.address) == ("cmd-1", True, "jan@example.com")
    assert not only(desk.when(reply(offer.case_id), 10, cause="cmd-2"), AgentReplied).first


def test_repeated_reply_is_sent_once() -> None:
    """The same command a second time does not tell the customer twice."""
    desk, offer = assigned()
    desk.when(reply(offer.case_id), cause="cmd-1")

    assert desk.when(reply(offer.case_id), cause="cmd-1") == []


def test_resolving_ends_the_case_and_frees_the_agent() -> None:
    """The next case in the queue is offered at once."""
    desk = Scenario().given(agent(email=1), presence())
    offer = only(desk.when(message("m1")), OfferMade)
    desk.given(accept(offer), message("m2", "Hello", "email:piet@example.com"))

    facts = desk.when(resolve(offer.case_id), 30)

    assert kinds(facts) == ["CaseResolved", "Unassigned", "OfferMade"]
    assert only(facts, CaseResolved).resolution == "Fixed"
    assert only(facts, Unassigned).reason == "resolved"


def test_waiting_case_takes_no_capacity_and_comes_back_with_the_customer() -> None:
    """While the customer thinks, the agent works on; the answer finds the same agent."""
    desk = Scenario().given(agent(email=1), presence())
    offer = only(desk.when(message("m1")), OfferMade)
    desk.given(accept(offer), reply(offer.case_id), message("m2", "Hello", "email:piet@example.com"))

    facts = desk.when(wait(offer.case_id))
    assert kinds(facts) == ["CaseWaiting", "OfferMade"]
    assert only(facts, CaseWaiting).agent_id == "thandi"
    back = desk.when(message("m3", "Here is the number"), 60)

    assert kinds(back) == ["MessageAdded"]
    assert back[0].agent_id == "thandi"
    assert desk.core.desks["acme"].cases[offer.case_id].status == "assigned"


def test_least_loaded_agent_is_asked_first() -> None:
    """Of two who can, the one with more room gets it, and the other is named."""
    desk = Scenario().given(agent("thandi"), presence("thandi"))
    desk.given(message("m1", "hi", "email:a@example.com"), agent("sipho"), presence("sipho"))

    offer = only(desk.when(message("m2", "hi", "email:b@example.com")), OfferMade)

    assert (offer.agent_id, offer.decision.considered) == ("sipho", ("thandi",))


def test_agent_without_the_skill_is_never_asked() -> None:
    """Needs are needs."""
    desk = Scenario().given(agent(skills={"language:en": 5, "product:printer": 1}), presence())

    assert "OfferMade" not in kinds(desk.when(message("m1", "printer")))


def test_freed_agent_gets_the_most_urgent_then_the_oldest() -> None:
    """Priority before age, age before the rest."""
    desk = Scenario().given(agent(email=1))
    desk.given(
        message("m1", "hi", "email:a@example.com"),
        message("m2", "outage", "email:b@example.com"),
        message("m3", "outage", "email:c@example.com"),
    )
    cases = {c.reply_to.address: c.id for c in desk.core.desks["acme"].cases.values()}

    facts = desk.when(presence(), 5)

    assert only(facts, OfferMade).case_id == min(cases["b@example.com"], cases["c@example.com"])
