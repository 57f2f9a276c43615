"""A customer wrote, called, or went away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, Literal

from schemas.base import Decision, Reason, Reference
from schemas.cases import CaseAbandoned, CaseOpened, CasePrioritised, CaseQueued, CaseResolved, MessageAdded
from schemas.codec import derive_id
from schemas.messages import ContactEnded, MessageReceived
from services.router.core.decisions.releasing import release, withdraw
from services.router.core.desk import Desk
from services.router.core.entities import Case
from services.router.core.facts import (
    ContactClosed,
    CustomerSeen,
    CustomersMerged,
    IdRemembered,
    MessageTold,
    NeedsFound,
)
from services.router.core.rules import Assessment, Signals

HOUR: Final = timedelta(hours=1)
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: none is taken for another
_REFERENCE_LENGTH: Final = 7


def message_received(desk: Desk, _: str, message: MessageReceived, now: datetime) -> Sequence[Any]:
    """Open a case, or join the one that the message belongs to. A repeat changes nothing."""
    if message.message_id in desk.seen:
        return ()
    facts: list[Any] = [_remember(desk, message.message_id, now)]
    customer_id, known = _recognise(desk, message, now)
    facts += known
    case, linked_by = _open_case(
        desk, message, customer_id, [f.merged for f in known if isinstance(f, CustomersMerged)]
    )
    live = message.live and (message.contact is None or _ended(message.contact) not in desk.seen)
    if case is None or linked_by is None:
        return [*facts, *_open(desk, message, customer_id, now, live=live)]
    return [*facts, *_join(desk, case, linked_by, message, now, live=live)]


def contact_ended(desk: Desk, _: str, ended: ContactEnded, now: datetime) -> Sequence[Any]:
    """Close the contact; abandon the case when nobody had answered and nothing is left to answer."""
    if ended.message_id in desk.seen:
        return ()
    # Providers deliver in any order: a call that is over before it is known must not wait for an agent.
    facts: list[Any] = [_remember(desk, ended.message_id, now), _remember(desk, _ended(ended.contact), now)]
    case = desk.cases.get(desk.case_by_contact.get(ended.contact, ""))
    if case is None or ended.contact not in case.live_contacts:
        return facts
    facts.append(ContactClosed(desk.id, case.id, ended.contact))
    if case.live_contacts == [ended.contact] and case.only_live and case.status in {"queued", "offered"}:
        if case.offer is not None:
            facts.append(withdraw(desk, case, case.offer, "abandoned", now))
        waited = (now - case.waiting_since).total_seconds()
        facts.append(
            CaseAbandoned(
                desk=desk.id,
                at=now,
                case_id=case.id,
                reference=case.reference,
                channel=case.channel,
                waited_seconds=waited,
            )
        )
    return facts


def _recognise(desk: Desk, message: MessageReceived, now: datetime) -> tuple[str, list[Any]]:
    """The customer, by any identifier; several known ones turn out to be the same person."""
    identifiers = message.sender.identifiers
    known = dict.fromkeys(c for i in identifiers if (c := desk.customer_by_identifier.get(i)) is not None)
    customer_id, *others = known or [derive_id(message.message_id, "customer")]
    facts: list[Any] = [CustomerSeen(desk.id, customer_id, identifiers, message.sender.name, now)]
    facts += (CustomersMerged(desk.id, customer_id, other) for other in others)
    return customer_id, facts


LinkedBy = Literal["identifier", "reference", "thread"]


def _open_case(
    desk: Desk, message: MessageReceived, customer_id: str, merged: list[str]
) -> tuple[Case | None, LinkedBy | None]:
    """The open case that the message belongs to, and how that was recognised."""
    # From the end: References list the oldest first.
    for reference in reversed(message.references):
        if (case := desk.cases.get(desk.case_by_thread.get(reference, ""))) is not None:
            return case, "thread"
    if message.case_reference and (case := desk.cases.get(desk.case_by_reference.get(message.case_reference, ""))):
        return case, "reference"
    cases = [c for owner in (customer_id, *merged) if (c := desk.open_case_of(owner)) is not None]
    if cases:
        return max(cases, key=lambda c: (c.active_at, c.id)), "identifier"
    return None, None


def _open(desk: Desk, message: MessageReceived, customer_id: str, now: datetime, *, live: bool) -> list[Any]:
    case_id = derive_id(message.message_id, "case")
    reference = _reference(desk, case_id)
    tier = desk.rules.tier(message.sender.identifiers)
    language = message.language or desk.policy.languages[0]
    automatic = message.automatic
    signals = _signals(desk, message, language, tier, contacts=1, live=live)
    found = desk.rules.assess(signals)
    needs, why_needs = desk.rules.needs(signals)
    opened = CaseOpened(
        desk=desk.id,
        at=now,
        case_id=case_id,
        reference=reference,
        message_id=message.message_id,
        customer_id=customer_id,
        identifiers=message.sender.identifiers,
        customer_name=message.sender.name,
        channel=message.channel,
        reply_to=message.reply_to,
        subject=message.subject,
        language=language,
        tier=tier,
        verified=message.verified,
        automatic=automatic is not None,
        acknowledge=automatic is None and _may_acknowledge(desk, customer_id, now),
        live=live,
    )
    facts: list[Any] = [
        opened,
        MessageTold(desk.id, case_id, message, live),
        _prioritised(desk, case_id, reference, found, None, now),
    ]
    ended_before = message.live and not live and not message.text.strip()
    if automatic is not None and automatic.kind in desk.policy.automatic_mail.close:
        why = Reason(
            rule="automatic-mail", text=f"{automatic.kind}: registered, nothing to answer ({automatic.evidence})"
        )
        facts.append(
            CaseResolved(
                desk=desk.id,
                at=now,
                case_id=case_id,
                reference=reference,
                decision=Decision(policy_version=desk.policy_version, reasons=(why,)),
            )
        )
    elif ended_before:
        facts.append(
            CaseAbandoned(
                desk=desk.id, at=now, case_id=case_id, reference=reference, channel=message.channel, waited_seconds=0.0
            )
        )
    else:
        facts.append(
            CaseQueued(
                desk=desk.id,
                at=now,
                case_id=case_id,
                reference=reference,
                channel=message.channel,
                priority=found.priority,
                needs=needs,
                waiting_since=now,
                decision=why_needs,
            )
        )
    return facts


def _join(
    desk: Desk, case: Case, linked_by: LinkedBy, message: MessageReceived, now: datetime, *, live: bool
) -> list[Any]:
    automatic = message.automatic is not None
    language = case.language if automatic else message.language or case.language
    added = MessageAdded(
        desk=desk.id,
        at=now,
        case_id=case.id,
        reference=case.reference,
        message_id=message.message_id,
        channel=case.channel if automatic else message.channel,
        reply_to=case.reply_to if automatic else message.reply_to,
        language=language,
        linked_by=linked_by,
        automatic=automatic,
        live=live,
        agent_id=case.agent_id,
    )
    facts: list[Any] = [added, MessageTold(desk.id, case.id, message, live)]
    if automatic:
        return facts
    signals = _signals(desk, message, language, case.tier, contacts=case.contacts + 1, live=live)
    found = desk.rules.assess(signals, case.urgency, case.impact)
    needs, why_needs = desk.rules.needs(signals, case.needs)
    if (found.urgency, found.impact, found.priority) != (case.urgency, case.impact, case.priority):
        facts.append(_prioritised(desk, case.id, case.reference, found, case.priority, now))
    back = _back_to_queue(desk, case, message, live=live, persons_only=_for_persons(needs))
    if back is not None:
        reason, why = back
        facts += release(
            desk, case, reason, (why, *why_needs.reasons), now,
            channel=message.channel, needs=needs, priority=found.priority, since=now if case.answered else case.waiting_since,
        )  # fmt: skip
    elif case.status == "queued" and (message.channel, needs, found.priority) != (
        case.channel,
        case.needs,
        case.priority,
    ):
        facts.append(
            CaseQueued(
                desk=desk.id,
                at=now,
                case_id=case.id,
                reference=case.reference,
                channel=message.channel,
                priority=found.priority,
                needs=needs,
                waiting_since=case.waiting_since,
                decision=why_needs,
            )
        )
    elif needs != case.needs:
        facts.append(NeedsFound(desk.id, case.id, needs))
    return facts


def _back_to_queue(
    desk: Desk, case: Case, message: MessageReceived, *, live: bool, persons_only: bool
) -> tuple[Literal["agent_lost", "transferred"], Reason] | None:
    """Whether this message takes the case from whoever has it, and why."""
    holder = desk.agents.get(case.holder or "")
    if case.status == "queued":
        return None
    if holder is None or holder.state == "offline":
        return "agent_lost", Reason(rule="agent-lost", text="the customer wrote again and the agent is not there")
    if persons_only and holder.kind == "bot":
        return "transferred", Reason(rule="person-on-demand", text="the customer asked for a person")
    calls = live and message.channel in desk.policy.exclusive and message.channel != case.channel
    if calls and not desk.matching.has_room(holder.id, message.channel):
        text = f"the customer is on the {message.channel} and the agent has no room there"
        return "transferred", Reason(rule="live-contact", text=text)
    return None


def _for_persons(needs: Sequence[Any]) -> bool:
    return any(need.skill == "kind:person" for need in needs)


def _signals(
    desk: Desk, message: MessageReceived, language: str, tier: str | None, *, contacts: int, live: bool
) -> Signals:
    return Signals(
        channel=message.channel,
        provider=message.provider,
        language=language if language in desk.policy.languages else desk.policy.languages[0],
        tier=tier,
        said=desk.rules.said(message.subject, message.text),
        contacts=contacts,
        live=live,
        automatic=message.automatic is not None,
    )


def _prioritised(
    desk: Desk, case_id: str, reference: Reference, found: Assessment, previous: Any, now: datetime
) -> CasePrioritised:
    return CasePrioritised(
        desk=desk.id,
        at=now,
        case_id=case_id,
        reference=reference,
        priority=found.priority,
        urgency=found.urgency,
        impact=found.impact,
        previous=previous,
        decision=found.decision,
    )


def _may_acknowledge(desk: Desk, customer_id: str, now: datetime) -> bool:
    """Within the limits that keep us from being used as a spam relay."""
    limits = desk.policy.updates
    customer = desk.customers.get(customer_id)
    recent = sum(at > now - HOUR for at in customer.opened) if customer else 0
    if recent >= limits.per_customer_per_hour:
        return False
    opened = desk.acknowledged
    return len(opened) < limits.per_hour or opened[-limits.per_hour] <= now - HOUR


def _reference(desk: Desk, case_id: str) -> Reference:
    """A short reference that cannot be guessed: whoever quotes it joins the case."""
    for attempt in range(100):
        number = int.from_bytes(blake2b(f"{desk.id}/{case_id}/{attempt}".encode(), digest_size=8).digest())
        letters = "".join(_ALPHABET[(number >> 5 * i) & 31] for i in range(_REFERENCE_LENGTH))
        reference = f"{desk.policy.reference_prefix}-{letters}"
        if reference not in desk.case_by_reference:
            return reference
    raise RuntimeError("no free reference in a hundred attempts")


def _remember(desk: Desk, seen_id: str, now: datetime) -> IdRemembered:
    return IdRemembered(desk.id, seen_id, now + timedelta(seconds=desk.policy.remember_messages))


def _ended(contact: str) -> str:
    """The remembered id of a contact's end."""
    return f"ended {contact}"
