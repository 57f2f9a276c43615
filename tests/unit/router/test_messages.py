"""What customers send becomes cases."""

from __future__ import annotations

import pytest

from runtime.core import Undecided, step
from schemas.assignments import OfferMade, OfferWithdrawn
from schemas.base import Decision, Need, Reason, ReplyAddress
from schemas.cases import (
    CaseAssigned,
    CaseOpened,
    CasePrioritised,
    CaseQueued,
    CaseReleased,
    CaseResolved,
    MessageAdded,
)
from schemas.commands import AcceptOffer
from schemas.messages import Automatic
from tests.unit.router.scenario import NINE, Scenario, agent, at, call, hung_up, kinds, message, only, presence


def test_first_message_opens_prioritises_and_queues_a_case() -> None:
    """A first message becomes a case with its priority, its needs and the rules that gave them."""
    facts = Scenario().when(message("m1", "An outage of my printer"))

    case_id, reference = facts[0].case_id, facts[0].reference
    address = ReplyAddress(channel="email", provider="test", address="jan@example.com")
    needs = (Need(skill="language:en", level=1), Need(skill="product:printer", level=2))
    common = {"desk": "acme", "at": NINE, "case_id": case_id, "reference": reference}
    assert facts == [
        CaseOpened(
            **common, message_id="m1", customer_id=facts[0].customer_id, identifiers=("email:jan@example.com",),
            customer_name="Jan", channel="email", reply_to=address, language="en",
        ),
        CasePrioritised(
            **common, priority="P2", urgency="critical", impact="normal",
            decision=Decision(policy_version="test-1", reasons=(
                Reason(rule="outage", text="urgency critical: says “outage”"),
                Reason(rule="one-person", text="impact normal: nothing above applies"),
                Reason(rule="matrix", text="urgency critical x impact normal = P2"),
            )),
        ),
        CaseQueued(
            **common, channel="email", priority="P2", needs=needs, waiting_since=NINE,
            decision=Decision(policy_version="test-1", reasons=(
                Reason(rule="printers", text="needs product:printer at level 2: says “printer”"),
                Reason(rule="own-language", text="needs language:en at level 1: nothing above applies"),
            )),
        ),
    ]  # fmt: skip


def test_repeat_of_a_message_changes_nothing() -> None:
    """The same message id a second time is no second message."""
    desk = Scenario().given(message("m1"))

    assert desk.when(message("m1")) == []


def test_message_of_a_known_customer_joins_the_open_case() -> None:
    """A customer with an open case writes again: one case, not two."""
    desk = Scenario()
    opened = only(desk.when(message("m1")), CaseOpened)

    facts = desk.when(message("m2"), 5)

    assert kinds(facts) == ["MessageAdded"]
    assert (facts[0].case_id, facts[0].linked_by) == (opened.case_id, "identifier")


def test_another_channel_joins_by_a_shared_identifier() -> None:
    """A chat user whose mail address is known is the customer who mailed before."""
    desk = Scenario()
    opened = only(desk.when(message("m1")), CaseOpened)

    facts = desk.when(
        message("m2", "Me again", "handle:chat:u1", "email:jan@example.com", channel="chat", live=True), 5
    )

    assert only(facts, MessageAdded).case_id == opened.case_id
    assert only(facts, CaseQueued).channel == "chat"  # the answer goes where the customer is now


def test_customers_who_turn_out_to_be_one_are_merged() -> None:
    """A message that carries identifiers of two customers joins their cases' owner."""
    desk = Scenario().given(
        message("m1", "a", "email:jan@example.com"), message("m2", "b", "handle:chat:u1", channel="chat")
    )

    desk.given(message("m3", "c", "handle:chat:u1", "email:jan@example.com", channel="chat"))

    state = desk.core.desks["acme"]
    assert len(state.customers) == 1
    assert len({case.customer_id for case in state.cases.values()}) == 1
    assert kinds(desk.when(message("m4", "d", "email:jan@example.com")))[0] == "MessageAdded"


def test_reference_in_a_message_of_a_stranger_joins_the_case() -> None:
    """Whoever quotes the reference belongs to the case."""
    desk = Scenario()
    opened = only(desk.when(message("m1")), CaseOpened)

    facts = desk.when(message("m2", "About it", "tel:+27820000001", channel="social", case_reference=opened.reference))

    added = only(facts, MessageAdded)
    assert (added.case_id, added.linked_by) == (opened.case_id, "reference")


def test_reply_to_an_earlier_mail_joins_its_case() -> None:
    """A colleague who answers the same mail thread from another address joins the case."""
    desk = Scenario()
    opened = only(desk.when(message("m1")), CaseOpened)

    facts = desk.when(message("m2", "Same here", "email:piet@example.com", references=("<m1@example.com>",)))

    added = only(facts, MessageAdded)
    assert (added.case_id, added.linked_by) == (opened.case_id, "thread")


def test_repeated_contact_raises_the_urgency() -> None:
    """The third message of a customer makes the case urgent and moves it in the queue."""
    desk = Scenario().given(message("m1"), message("m2"))

    facts = desk.when(message("m3"))

    assert kinds(facts) == ["MessageAdded", "CasePrioritised", "CaseQueued"]
    assert (facts[1].priority, facts[1].previous, facts[2].priority) == ("P3", "P4", "P3")
    assert facts[1].decision.reasons[0].rule == "third-contact"


def test_calmer_message_does_not_calm_the_case() -> None:
    """Urgency that was found once stays."""
    desk = Scenario().given(message("m1", "Outage!"))

    assert kinds(desk.when(message("m2", "Thank you for looking"))) == ["MessageAdded"]


def test_gold_customer_has_more_impact() -> None:
    """The tier is found by the identifier, and the rule that used it is named."""
    facts = Scenario().when(message("m1", "Hello", "email:ceo@bigco.example"))

    assert only(facts, CaseOpened).tier == "gold"
    assert only(facts, CasePrioritised).decision.reasons[1].rule == "gold-customer"


def test_asking_for_a_person_takes_the_case_from_a_bot() -> None:
    """A human on demand: the bot loses the case at once, and the person who is there is offered it."""
    desk = Scenario().given(
        agent("botha", "bot", {"language:en": 3}, email=10), presence("botha"),
    )  # fmt: skip
    opened = desk.when(message("m1", "Hello"))
    assert only(opened, OfferMade).agent_id == "botha"
    desk.given(agent("thandi"), presence("thandi"))

    facts = desk.when(message("m2", "I want a human"), 5)

    assert kinds(facts) == ["MessageAdded", "OfferWithdrawn", "CaseReleased", "CaseQueued", "OfferMade"]
    assert only(facts, OfferWithdrawn).reason == "transferred"
    assert only(facts, CaseReleased).decision.reasons[0].rule == "person-on-demand"
    assert only(facts, OfferMade).agent_id == "thandi"


def test_wish_for_a_person_holds_for_good() -> None:
    """Asked for while a person has the case, it still keeps bots out when the case is released."""
    desk = Scenario().given(agent("thandi"), presence("thandi"))
    desk.given(
        message("m1"),
        message("m2", "a human please"),
        agent("botha", "bot", {"language:en": 3}, email=10),
        presence("botha"),
    )

    facts = desk.when(presence("thandi", "offline"), 5)

    assert Need(skill="kind:person", level=1) in only(facts, CaseQueued).needs
    assert "OfferMade" not in kinds(facts)


@pytest.mark.parametrize("kind", ["auto_reply", "bounce", "loop"])
def test_automatic_mail_is_registered_closed_and_never_acknowledged(kind: str) -> None:
    """A machine's answer is in a case of its own, which is over."""
    facts = Scenario().when(
        message("m1", "I am away", automatic=Automatic(kind=kind, evidence="Auto-Submitted: auto-replied"))
    )

    assert kinds(facts) == ["CaseOpened", "CasePrioritised", "CaseResolved"]
    assert (facts[0].automatic, facts[0].acknowledge, facts[2].agent_id) == (True, False, None)
    assert facts[2].decision.reasons[0].rule == "automatic-mail"


def test_monitor_alert_is_queued_but_not_acknowledged() -> None:
    """Mail of a machine that somebody should see goes the ordinary way, in silence."""
    facts = Scenario().when(
        message("m1", "Disk full", automatic=Automatic(kind="auto_generated", evidence="Auto-Submitted"))
    )

    assert kinds(facts) == ["CaseOpened", "CasePrioritised", "CaseQueued"]
    assert not facts[0].acknowledge


def test_automatic_answer_joins_its_case_and_moves_nothing() -> None:
    """An out-of-office in an open case neither wakes the agent nor counts as contact."""
    desk = Scenario().given(message("m1"), message("m2"))

    facts = desk.when(
        message("m3", "away", automatic=Automatic(kind="auto_reply", evidence="x"), references=("<m1@example.com>",))
    )

    assert kinds(facts) == ["MessageAdded"]
    assert facts[0].automatic


def test_acknowledgements_to_one_customer_are_limited() -> None:
    """Above the policy's limit a case is opened without telling: we are no spam relay."""
    desk = Scenario()
    acknowledged = []
    for n in range(4):
        facts = desk.when(message(f"m{n}", "hi", automatic=None), n)
        acknowledged.append(only(facts, CaseOpened).acknowledge)
        case = desk.core.desks["acme"].cases[facts[0].case_id]
        desk.core.evolve(CaseResolved(desk="acme", at=at(n), case_id=case.id, reference=case.reference))

    later = only(desk.when(message("m9"), 3700), CaseOpened)

    assert acknowledged == [True, True, False, False]
    assert later.acknowledge


def test_call_is_assigned_at_once_where_the_policy_does_not_ask() -> None:
    """A ringing phone goes straight to an agent with room on the phone."""
    desk = Scenario().given(agent(), presence())

    facts = desk.when(call("m1", "CA1"))

    assert kinds(facts) == ["CaseOpened", "CasePrioritised", "CaseQueued", "CaseAssigned", "Assigned"]


def test_agent_on_the_phone_gets_nothing_else() -> None:
    """An exclusive channel takes the whole attention."""
    desk = Scenario().given(agent(), presence(), call("m1", "CA1"))

    assert "OfferMade" not in kinds(desk.when(message("m2", "Hello", "email:piet@example.com")))


def test_caller_who_hangs_up_in_the_queue_abandons_the_case() -> None:
    """Nobody answered and nothing is left to answer."""
    desk = Scenario().given(call("m1", "CA1"))

    facts = desk.when(hung_up("m2", "CA1"), 42)

    assert kinds(facts) == ["CaseAbandoned"]
    assert facts[0].waited_seconds == 42.0
    assert desk.core.desks["acme"].cases == {}


def test_hanging_up_after_the_answer_changes_nothing_for_others() -> None:
    """The call is over, the case is the agent's until it is resolved."""
    desk = Scenario().given(agent(), presence(), call("m1", "CA1"))

    assert desk.when(hung_up("m2", "CA1"), 60) == []
    assert len(desk.core.desks["acme"].cases) == 1


def test_caller_who_also_wrote_is_not_abandoned() -> None:
    """A hang-up leaves the mail of the same case to be answered."""
    desk = Scenario().given(message("m1", "hi", "tel:+27821234567", channel="social"), call("m2", "CA1"))

    assert desk.when(hung_up("m3", "CA1"), 5) == []


def test_call_that_ended_before_it_was_known_waits_for_nobody() -> None:
    """Providers deliver in any order."""
    desk = Scenario().given(agent(), presence(), hung_up("m2", "CA1"))

    assert kinds(desk.when(call("m1", "CA1"))) == ["CaseOpened", "CasePrioritised", "CaseAbandoned"]


def test_abandoned_offer_is_withdrawn_and_the_agent_gets_other_work() -> None:
    """When the customer leaves, the agent who was asked is free again."""
    desk = Scenario().given(agent(email=1, chat=1), presence())
    offer = only(desk.when(message("m1", "hi", "handle:chat:u", channel="chat", live=True, contact="S1")), OfferMade)
    waiting = message("m2", "hi", "handle:chat:v", channel="chat", live=True, contact="S2")
    assert "OfferMade" not in kinds(desk.when(waiting))

    ended = hung_up("m3", "S1", "handle:chat:u").model_copy(update={"channel": "chat"})
    facts = desk.when(ended, 5)

    assert kinds(facts) == ["OfferWithdrawn", "CaseAbandoned", "OfferMade"]
    assert only(facts, OfferWithdrawn).offer_id == offer.offer_id


def test_live_call_of_a_busy_holder_goes_to_somebody_with_room() -> None:
    """The customer with an open mail case calls, and its holder is on the phone already."""
    desk = Scenario().given(
        agent("thandi"), presence("thandi"), message("m1", "hi", "tel:+27821234567", channel="social")
    )
    state = desk.core.desks["acme"]
    (case,) = state.cases.values()
    desk.given(AcceptOffer(desk="acme", at=NINE, agent_id="thandi", offer_id=case.offer.id, case_id=case.id))
    desk.given(call("m2", "CA1", "tel:+27820000009"))
    desk.given(agent("sipho"), presence("sipho"))

    facts = desk.when(call("m3", "CA2"), 5)

    assert only(facts, CaseReleased).decision.reasons[0].rule == "live-contact"
    assert only(facts, CaseAssigned).agent_id == "sipho"


def test_unknown_desk_is_undecided() -> None:
    """A message for a desk that the policy does not have goes to the dead letters, not into thin air."""
    desk = Scenario()

    with pytest.raises(Undecided, match="no desk 'zzz'"):
        step(desk.core, "c", message("m1").model_copy(update={"desk": "zzz"}), NINE)


def test_references_of_a_desk_are_distinct_and_cannot_be_guessed_from_each_other() -> None:
    """Two thousand references: all different, none in sequence."""
    desk = Scenario()
    references = {
        only(desk.when(message(f"m{n}", "hi", f"email:c{n}@example.com")), CaseOpened).reference for n in range(2000)
    }

    assert len(references) == 2000
    assert len({reference[:5] for reference in references}) > 500
