"""Somebody for a case, or a case for somebody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from schemas.assignments import Assigned, OfferMade
from schemas.base import Decision, Reason
from schemas.cases import CaseAssigned
from schemas.codec import derive_id
from services.router.core.desk import Desk
from services.router.core.entities import Agent, Case
from services.router.core.facts import MatchAgent, MatchCase

EXCERPT_CHARACTERS = 200


def match_case(desk: Desk, cause: str, command: MatchCase, now: datetime) -> Sequence[Any]:
    """Offer a queued case to the best agent who has room; nothing when there is none."""
    case = desk.cases.get(command.case_id)
    if case is None or case.status != "queued":
        return ()
    able = desk.matching.candidates(case.channel, case.needs, frozenset(case.excluded))
    if not able:
        return ()
    best, *others = able
    text = f"{desk.agents[best].name} has the skills and, of {_all(able)} with room, the most of it"
    return _put(desk, cause, case, desk.agents[best], Reason(rule="least-loaded", text=text), tuple(others), now)


def match_agent(desk: Desk, cause: str, command: MatchAgent, now: datetime) -> Sequence[Any]:
    """Offer the agent the most urgent, then oldest, case that fits; nothing when none does."""
    case_id = desk.matching.work_for(command.agent_id)
    if case_id is None:
        return ()
    case, agent = desk.cases[case_id], desk.agents[command.agent_id]
    text = f"{agent.name} has room, and of what fits this is the most urgent and has waited longest"
    return _put(desk, cause, case, agent, Reason(rule="highest-priority-then-oldest", text=text), (), now)


def _all(able: list[str]) -> str:
    # No more are looked at than are named.
    return str(len(able)) if len(able) <= 3 else "several"  # noqa: PLR2004 - matching.ALTERNATIVES


def _put(
    desk: Desk, cause: str, case: Case, agent: Agent, reason: Reason, others: tuple[str, ...], now: datetime
) -> list[Any]:
    """An offer; or the assignment itself, on channels where the policy does not ask."""
    skills = ", ".join(f"{n.skill} {agent.skills.get(n.skill, 0)} (needs {n.level})" for n in case.needs)
    reasons = (reason, Reason(rule="needs-met", text=skills)) if skills else (reason,)
    decision = Decision(policy_version=desk.policy_version, reasons=reasons, considered=others)
    offer_id = derive_id(cause, "offer", case.id, case.offers_made)
    if case.channel in desk.policy.offers.automatic:
        return assign(desk, case, agent, offer_id, decision, now)
    last = case.history[-1].text if case.history else ""
    return [
        OfferMade(
            desk=desk.id,
            at=now,
            agent_id=agent.id,
            offer_id=offer_id,
            case_id=case.id,
            reference=case.reference,
            channel=case.channel,
            priority=case.priority,
            language=case.language,
            subject=case.subject,
            excerpt=last[:EXCERPT_CHARACTERS],
            needs=case.needs,
            expires_at=now + timedelta(seconds=desk.policy.offers.expire),
            decision=decision,
        )
    ]


def assign(desk: Desk, case: Case, agent: Agent, offer_id: str, decision: Decision, now: datetime) -> list[Any]:
    """The facts by which the agent has the case."""
    return [
        CaseAssigned(
            desk=desk.id,
            at=now,
            case_id=case.id,
            reference=case.reference,
            agent_id=agent.id,
            agent_name=agent.name,
            channel=case.channel,
            priority=case.priority,
            offer_id=offer_id,
            waited_seconds=(now - case.waiting_since).total_seconds(),
            decision=decision,
        ),
        Assigned(
            desk=desk.id,
            at=now,
            agent_id=agent.id,
            offer_id=offer_id,
            case_id=case.id,
            reference=case.reference,
            channel=case.channel,
            priority=case.priority,
            language=case.language,
            customer_name=case.customer_name,
            subject=case.subject,
            history=tuple(case.history),
            decision=decision,
        ),
    ]
