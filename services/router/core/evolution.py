"""Fact to state: the only change, used when deciding live. Recovery loads what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from schemas.assignments import HistoryEntry, OfferMade
from schemas.cases import (
    AgentReplied,
    CaseAbandoned,
    CaseAssigned,
    CaseOpened,
    CasePrioritised,
    CaseQueued,
    CaseReleased,
    CaseResolved,
    CaseWaiting,
    MessageAdded,
)
from services.router.core.desk import Desk
from services.router.core.entities import (
    HISTORY_CHARACTERS,
    HISTORY_ENTRIES,
    THREADS,
    Agent,
    Case,
    Customer,
    Offer,
    Seen,
)
from services.router.core.facts import (
    AgentForgotten,
    AgentKnown,
    AgentWentOffline,
    ContactClosed,
    CustomerForgotten,
    CustomerSeen,
    CustomersMerged,
    ExclusionEnds,
    ExclusionLifted,
    IdForgotten,
    IdRemembered,
    MessageTold,
    NeedsFound,
    OfferRanOut,
    PresenceRenewed,
)

_HOUR: Final = timedelta(hours=1)


def _case_opened(desk: Desk, fact: CaseOpened) -> None:
    case = Case(
        id=fact.case_id,
        reference=fact.reference,
        customer_id=fact.customer_id,
        customer_name=fact.customer_name,
        opened_at=fact.at,
        channel=fact.channel,
        reply_to=fact.reply_to,
        subject=fact.subject,
        language=fact.language,
        tier=fact.tier,
        active_at=fact.at,
        waiting_since=fact.at,
        contacts=0 if fact.automatic else 1,
    )
    desk.add_case(case)
    desk.keep(case)
    customer = desk.customers[fact.customer_id]
    for openings in (customer.opened, desk.acknowledged):
        openings.append(fact.at)
        while openings[0] <= fact.at - _HOUR:
            del openings[0]
    desk.keep(customer)


def _message_added(desk: Desk, fact: MessageAdded) -> None:
    case = desk.cases[fact.case_id]
    if not fact.automatic:
        desk.move(case, fact.channel)
        case.reply_to = fact.reply_to
        case.language = fact.language
        case.active_at = fact.at
        case.contacts += 1
        case.awaiting_answer = True
        if case.status == "waiting":
            assert case.agent_id is not None
            case.status = "assigned"
            desk.matching.occupy(case.agent_id, case.channel, 1)
    desk.keep(case)


def _message_told(desk: Desk, fact: MessageTold) -> None:
    case, message = desk.cases[fact.case_id], fact.message
    case.only_live &= message.live
    if message.text:
        _tell(case, HistoryEntry(
            at=message.at, by="customer", name=message.sender.name, channel=message.channel,
            text=message.text[:HISTORY_CHARACTERS],
        ))  # fmt: skip
    for thread in (message.provider_message_id, message.reply_to.thread):
        if thread and thread not in case.threads:
            case.threads.append(thread)
            desk.case_by_thread[thread] = case.id
    for outdated in case.threads[:-THREADS]:
        desk.case_by_thread.pop(outdated, None)
    del case.threads[:-THREADS]
    if fact.live and message.contact:
        case.live_contacts.append(message.contact)
        case.contact_ids.append(message.contact)
        desk.case_by_contact[message.contact] = case.id
    desk.keep(case)


def _tell(case: Case, entry: HistoryEntry) -> None:
    case.history.append(entry)
    del case.history[:-HISTORY_ENTRIES]


def _needs_found(desk: Desk, fact: NeedsFound) -> None:
    case = desk.cases[fact.case_id]
    case.needs = fact.needs
    desk.keep(case)


def _contact_closed(desk: Desk, fact: ContactClosed) -> None:
    case = desk.cases[fact.case_id]
    case.live_contacts.remove(fact.contact)
    desk.keep(case)


def _case_prioritised(desk: Desk, fact: CasePrioritised) -> None:
    case = desk.cases[fact.case_id]
    case.urgency, case.impact, case.priority = fact.urgency, fact.impact, fact.priority
    desk.keep(case)


def _case_queued(desk: Desk, fact: CaseQueued) -> None:
    case = desk.cases[fact.case_id]
    case.status = "queued"
    case.channel, case.needs, case.priority = fact.channel, fact.needs, fact.priority
    case.waiting_since = fact.waiting_since
    desk.enqueue(case)
    desk.keep(case)


def _offer_made(desk: Desk, fact: OfferMade) -> None:
    case = desk.cases[fact.case_id]
    desk.matching.dequeue(case.id)
    case.status = "offered"
    case.offer = Offer(fact.offer_id, fact.agent_id, fact.expires_at)
    case.offers_made += 1
    desk.hold(fact.agent_id, case)
    desk.at(fact.expires_at, OfferRanOut(desk.id, case.id, fact.offer_id))
    desk.keep(case)


def _case_assigned(desk: Desk, fact: CaseAssigned) -> None:
    case, agent = desk.cases[fact.case_id], desk.agents[fact.agent_id]
    agent.assigned_at = fact.at
    if case.offer is None:  # given without asking, straight from the queue
        desk.matching.dequeue(case.id)
        case.offers_made += 1
        case.status = "assigned"
        desk.hold(agent.id, case)
    else:
        case.status = "assigned"
        desk.matching.rank(agent.id)
    case.offer, case.agent_id, case.accepted_offer = None, agent.id, fact.offer_id
    desk.keep(case)
    desk.keep(agent)


def _case_released(desk: Desk, fact: CaseReleased) -> None:
    case = desk.cases[fact.case_id]
    desk.let_go(fact.agent_id, case)
    case.offer = case.agent_id = case.accepted_offer = None
    case.status = "queued"
    case.awaiting_answer = True
    if fact.reason in {"declined", "offer_expired"}:
        until = fact.at + timedelta(seconds=desk.policy.offers.again_after)
        case.excluded[fact.agent_id] = until
        desk.at(until, ExclusionEnds(desk.id, case.id, fact.agent_id))
    desk.keep(case)


def _agent_replied(desk: Desk, fact: AgentReplied) -> None:
    case, agent = desk.cases[fact.case_id], desk.agents[fact.agent_id]
    case.answered = True
    case.awaiting_answer = False
    _tell(case, HistoryEntry(
        at=fact.at, by="agent", name=agent.name, channel=case.channel, text=fact.text[:HISTORY_CHARACTERS]
    ))  # fmt: skip
    desk.keep(case)


def _case_waiting(desk: Desk, fact: CaseWaiting) -> None:
    case = desk.cases[fact.case_id]
    desk.matching.occupy(fact.agent_id, case.channel, -1)
    case.status = "waiting"
    case.awaiting_answer = False
    desk.keep(case)


def _case_ended(desk: Desk, fact: CaseResolved | CaseAbandoned) -> None:
    case = desk.cases[fact.case_id]
    if case.holder is not None:
        desk.let_go(case.holder, case)
    desk.remove_case(case)


def _customer_seen(desk: Desk, fact: CustomerSeen) -> None:
    customer = desk.customers.get(fact.customer_id)
    if customer is None:
        customer = Customer(fact.customer_id, [], fact.name, fact.at)
    customer.identifiers += (i for i in fact.identifiers if i not in customer.identifiers)
    customer.name = fact.name or customer.name
    customer.seen_at = fact.at
    desk.add_customer(customer)
    desk.keep(customer)


def _customers_merged(desk: Desk, fact: CustomersMerged) -> None:
    into, merged = desk.customers[fact.into], desk.customers[fact.merged]
    into.identifiers += (i for i in merged.identifiers if i not in into.identifiers)
    into.opened = sorted(into.opened + merged.opened)
    for case_id in desk.cases_of_customer.pop(merged.id, set()):
        case = desk.cases[case_id]
        case.customer_id = into.id
        desk.cases_of_customer.setdefault(into.id, set()).add(case_id)
        desk.keep(case)
    desk.remove_customer(merged)
    desk.add_customer(into)
    desk.keep(into)


def _customer_forgotten(desk: Desk, fact: CustomerForgotten) -> None:
    desk.remove_customer(desk.customers[fact.customer_id])


def _id_remembered(desk: Desk, fact: IdRemembered) -> None:
    seen = Seen(fact.id, fact.until)
    desk.remember(seen)
    desk.keep(seen)


def _id_forgotten(desk: Desk, fact: IdForgotten) -> None:
    desk.drop(desk.seen.pop(fact.id))


def _agent_known(desk: Desk, fact: AgentKnown) -> None:
    told, before = fact.agent, desk.agents.get(fact.agent.agent_id)
    agent = Agent(
        id=told.agent_id,
        name=told.name,
        kind=told.agent_kind,
        skills={**told.skills, f"kind:{told.agent_kind}": 5},
        capacity=told.capacity,
    )
    if before is not None:
        agent.state, agent.lease_until, agent.assigned_at = before.state, before.lease_until, before.assigned_at
    desk.add_agent(agent)
    desk.keep(agent)


def _agent_forgotten(desk: Desk, fact: AgentForgotten) -> None:
    desk.remove_agent(desk.agents[fact.agent_id])


def _presence_renewed(desk: Desk, fact: PresenceRenewed) -> None:
    agent = desk.agents[fact.agent_id]
    changed = agent.state != fact.state
    agent.state, agent.lease_until = fact.state, fact.until  # type: ignore[assignment]
    desk.watch_lease(agent)
    if changed:
        desk.matching.rank(agent.id)
    desk.keep(agent)


def _agent_went_offline(desk: Desk, fact: AgentWentOffline) -> None:
    agent = desk.agents[fact.agent_id]
    agent.state, agent.lease_until = "offline", None
    desk.matching.rank(agent.id)
    desk.keep(agent)


def _exclusion_lifted(desk: Desk, fact: ExclusionLifted) -> None:
    case = desk.cases[fact.case_id]
    del case.excluded[fact.agent_id]
    if case.status == "queued":
        desk.enqueue(case)
    desk.keep(case)


_EVOLVE: Final[dict[type[Any], Callable[[Desk, Any], None]]] = {
    CaseOpened: _case_opened,
    MessageAdded: _message_added,
    MessageTold: _message_told,
    NeedsFound: _needs_found,
    ContactClosed: _contact_closed,
    CasePrioritised: _case_prioritised,
    CaseQueued: _case_queued,
    OfferMade: _offer_made,
    CaseAssigned: _case_assigned,
    CaseReleased: _case_released,
    AgentReplied: _agent_replied,
    CaseWaiting: _case_waiting,
    CaseResolved: _case_ended,
    CaseAbandoned: _case_ended,
    CustomerSeen: _customer_seen,
    CustomersMerged: _customers_merged,
    CustomerForgotten: _customer_forgotten,
    IdRemembered: _id_remembered,
    IdForgotten: _id_forgotten,
    AgentKnown: _agent_known,
    AgentForgotten: _agent_forgotten,
    PresenceRenewed: _presence_renewed,
    AgentWentOffline: _agent_went_offline,
    ExclusionLifted: _exclusion_lifted,
}


def evolve(desk: Desk, fact: Any) -> None:
    """Make `fact` part of the desk's state. Facts that only tell others (Assigned) change nothing."""
    change = _EVOLVE.get(type(fact))
    if change is not None:
        change(desk, fact)
