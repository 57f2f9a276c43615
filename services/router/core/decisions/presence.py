"""Who the agents are, and whether they are there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from schemas.agents import AgentRemoved, AgentUpserted
from schemas.base import Reason
from schemas.commands import RenewPresence
from services.router.core.decisions.commands import unknown_agent
from services.router.core.decisions.releasing import release
from services.router.core.desk import Desk
from services.router.core.entities import Agent
from services.router.core.facts import AgentForgotten, AgentKnown, AgentWentOffline, LeaseRanOut, PresenceRenewed


def agent_upserted(desk: Desk, _: str, event: AgentUpserted, __: datetime) -> Sequence[Any]:
    """An agent joined or changed."""
    return [AgentKnown(desk.id, event)]


def agent_removed(desk: Desk, _: str, event: AgentRemoved, now: datetime) -> Sequence[Any]:
    """An agent left for good; everything goes back to the queue."""
    agent = desk.agents.get(event.agent_id)
    if agent is None:
        return ()
    return [*_lose(desk, agent, f"{agent.name} left the desk", now, everything=True), AgentForgotten(desk.id, agent.id)]


def renew_presence(desk: Desk, cause: str, command: RenewPresence, now: datetime) -> Sequence[Any]:
    """The agent is there, or says goodbye."""
    agent = desk.agents.get(command.agent_id)
    if agent is None:
        return [unknown_agent(desk, cause, command, now)]
    if command.state == "offline":
        return _lose(desk, agent, f"{agent.name} went offline", now)
    until = now + timedelta(seconds=desk.policy.presence.lease)
    return [PresenceRenewed(desk.id, agent.id, command.state, until)]


def lease_ran_out(desk: Desk, _: str, command: LeaseRanOut, now: datetime) -> Sequence[Any]:
    """The agent vanished: unanswered work goes back to the queue."""
    agent = desk.agents[command.agent_id]
    if agent.lease_until is None or agent.lease_until > now:
        return ()
    return _lose(desk, agent, f"{agent.name} was not heard of for {desk.policy.presence.lease:.0f} s", now)


def _lose(desk: Desk, agent: Agent, why: str, now: datetime, *, everything: bool = False) -> list[Any]:
    """The agent is gone. Answered cases stay: the customer will be answered by the same person."""
    reason = Reason(rule="agent-lost", text=why)
    facts: list[Any] = [AgentWentOffline(desk.id, agent.id)]
    for case in desk.held_by(agent.id):
        if everything or case.offer is not None or case.awaiting_answer:
            facts += release(desk, case, "agent_lost", [reason], now)
    return facts
