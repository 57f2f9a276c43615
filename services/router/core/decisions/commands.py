"""What agents do with their cases. Whatever cannot be carried out is rejected, with what to do instead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from schemas.assignments import CommandRejected, RejectionReason, Unassigned
from schemas.base import Command, Decision, Reason
from schemas.cases import AgentReplied, CaseResolved, CaseWaiting
from schemas.commands import AcceptOffer, DeclineOffer, ResolveCase, SendReply, WaitForCustomer
from services.router.core.decisions.matching import assign
from services.router.core.decisions.releasing import release
from services.router.core.desk import Desk
from services.router.core.entities import Case
from services.router.core.facts import IdRemembered


def accept_offer(desk: Desk, cause: str, command: AcceptOffer, now: datetime) -> Sequence[Any]:
    """The agent takes the case."""
    case = desk.cases.get(command.case_id)
    agent = desk.agents.get(command.agent_id)
    if agent is None:
        return [unknown_agent(desk, cause, command, now)]
    if case is None:
        return [_no_case(desk, cause, command, now)]
    if case.agent_id == agent.id and case.accepted_offer == command.offer_id:
        return ()  # a repeat
    if case.offer is None or case.offer.id != command.offer_id or case.offer.agent_id != agent.id:
        return [_offer_gone(desk, cause, command, now)]
    why = Reason(rule="accepted", text=f"{agent.name} accepted the offer")
    decision = Decision(policy_version=desk.policy_version, reasons=(why,))
    return assign(desk, case, agent, command.offer_id, decision, now)


def decline_offer(desk: Desk, cause: str, command: DeclineOffer, now: datetime) -> Sequence[Any]:
    """The agent does not take the case."""
    case = desk.cases.get(command.case_id)
    if case is None:
        return [_no_case(desk, cause, command, now)]
    if case.offer is None or case.offer.id != command.offer_id or case.offer.agent_id != command.agent_id:
        return [_offer_gone(desk, cause, command, now)]
    said = f": {command.reason}" if command.reason else ""
    return release(desk, case, "declined", [Reason(rule="declined", text=f"{command.agent_id} declined{said}")], now)


def send_reply(desk: Desk, cause: str, command: SendReply, now: datetime) -> Sequence[Any]:
    """The agent answers the customer."""
    if cause in desk.seen:
        return ()  # a repeat must not be sent twice
    held = _held(desk, cause, command, now)
    if isinstance(held, CommandRejected):
        return [held]
    return [
        IdRemembered(desk.id, cause, now + timedelta(seconds=desk.policy.remember_messages)),
        AgentReplied(
            desk=desk.id,
            at=now,
            case_id=held.id,
            reference=held.reference,
            agent_id=command.agent_id,
            reply_id=cause,
            text=command.text,
            reply_to=held.reply_to,
            first=not held.answered,
        ),
    ]


def wait_for_customer(desk: Desk, cause: str, command: WaitForCustomer, now: datetime) -> Sequence[Any]:
    """The next move is the customer's."""
    held = _held(desk, cause, command, now)
    if isinstance(held, CommandRejected):
        return [held]
    if held.status == "waiting":
        return ()
    return [
        CaseWaiting(
            desk=desk.id,
            at=now,
            case_id=held.id,
            reference=held.reference,
            agent_id=command.agent_id,
            note=command.note,
        )
    ]


def resolve_case(desk: Desk, cause: str, command: ResolveCase, now: datetime) -> Sequence[Any]:
    """The matter is settled."""
    held = _held(desk, cause, command, now)
    if isinstance(held, CommandRejected):
        return [held]
    return [
        CaseResolved(
            desk=desk.id,
            at=now,
            case_id=held.id,
            reference=held.reference,
            agent_id=command.agent_id,
            resolution=command.resolution,
        ),
        Unassigned(desk=desk.id, at=now, agent_id=command.agent_id, case_id=held.id, reason="resolved"),
    ]


def not_available(desk: Desk, cause: str, command: Command, now: datetime) -> Sequence[Any]:
    """A command of the contract that this release does not carry out."""
    detail = f"{command.kind} is not carried out by this release; nothing was changed"
    return [_reject(desk, cause, command, "not_available", detail, now)]


def _held(desk: Desk, cause: str, command: Any, now: datetime) -> Case | CommandRejected:
    """The case, if the agent holds it; otherwise what to answer."""
    case = desk.cases.get(command.case_id)
    if command.agent_id not in desk.agents:
        return unknown_agent(desk, cause, command, now)
    if case is None:
        return _no_case(desk, cause, command, now)
    if case.agent_id != command.agent_id:
        offered = case.offer is not None and case.offer.agent_id == command.agent_id
        detail = (
            "the case is offered to you: accept the offer first"
            if offered
            else "another agent holds the case, or it is in the queue; you will get it by an offer"
        )
        return _reject(desk, cause, command, "not_the_holder", detail, now)
    return case


def unknown_agent(desk: Desk, cause: str, command: Any, now: datetime) -> CommandRejected:
    """The answer to somebody who is not on the roster."""
    detail = "no such agent at this desk; publish the roster first (switchboard agents apply)"
    return _reject(desk, cause, command, "unknown_agent", detail, now)


def _no_case(desk: Desk, cause: str, command: Any, now: datetime) -> CommandRejected:
    detail = "no such open case at this desk; it may have been resolved or abandoned"
    return _reject(desk, cause, command, "unknown_case", detail, now)


def _offer_gone(desk: Desk, cause: str, command: Any, now: datetime) -> CommandRejected:
    detail = "the offer no longer stands: it expired, was withdrawn or was answered; wait for another"
    return _reject(desk, cause, command, "offer_gone", detail, now)


def _reject(
    desk: Desk, cause: str, command: Any, reason: RejectionReason, detail: str, now: datetime
) -> CommandRejected:
    return CommandRejected(
        desk=desk.id,
        at=now,
        agent_id=command.agent_id,
        command_id=cause,
        command=command.kind,
        case_id=getattr(command, "case_id", None),
        reason=reason,
        detail=detail,
    )
