"""Taking a case, or the offer of it, from an agent and putting it back into the queue, its age kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from schemas.assignments import OfferWithdrawn, Unassigned
from schemas.base import Channel, Decision, Need, Priority, Reason
from schemas.cases import CaseQueued, CaseReleased, ReleaseReason
from services.router.core.desk import Desk
from services.router.core.entities import Case, Offer

WithdrawalReason = Literal["expired", "declined", "agent_lost", "transferred", "abandoned"]
_WITHDRAWN: dict[ReleaseReason, WithdrawalReason] = {
    "declined": "declined",
    "offer_expired": "expired",
    "agent_lost": "agent_lost",
    "transferred": "transferred",
}


def withdraw(desk: Desk, case: Case, offer: Offer, reason: WithdrawalReason, now: datetime) -> OfferWithdrawn:
    """The offer no longer stands."""
    return OfferWithdrawn(
        desk=desk.id, at=now, agent_id=offer.agent_id, offer_id=offer.id, case_id=case.id, reason=reason
    )


def release(
    desk: Desk,
    case: Case,
    reason: ReleaseReason,
    why: Sequence[Reason],
    now: datetime,
    *,
    channel: Channel | None = None,
    needs: tuple[Need, ...] | None = None,
    priority: Priority | None = None,
    since: datetime | None = None,
) -> list[Any]:
    """Facts that take the case from whoever holds it, or its offer, and queue it again.

    What is not given stays as it is; the age is always kept unless `since` says that a new wait began.
    """
    decision = Decision(policy_version=desk.policy_version, reasons=tuple(why))
    facts: list[Any] = []
    if case.offer is not None:
        agent_id = case.offer.agent_id
        facts.append(withdraw(desk, case, case.offer, _WITHDRAWN[reason], now))
    else:
        assert case.agent_id is not None
        agent_id = case.agent_id
        lost: Literal["agent_lost", "transferred"] = "transferred" if reason == "transferred" else "agent_lost"
        facts.append(Unassigned(desk=desk.id, at=now, agent_id=agent_id, case_id=case.id, reason=lost))
    facts.append(
        CaseReleased(
            desk=desk.id,
            at=now,
            case_id=case.id,
            reference=case.reference,
            agent_id=agent_id,
            reason=reason,
            assigned=case.offer is None,
            decision=decision,
        )
    )
    facts.append(
        CaseQueued(
            desk=desk.id,
            at=now,
            case_id=case.id,
            reference=case.reference,
            channel=channel or case.channel,
            priority=priority or case.priority,
            needs=case.needs if needs is None else needs,
            waiting_since=since or case.waiting_since,
            decision=decision,
        )
    )
    return facts
