"""The router's core: all desks of one partition, driven by the shell (runtime.core)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from heapq import heappop
from typing import Any, Final

from runtime.core import Due
from schemas import agents, commands, messages
from schemas.assignments import OfferMade, OfferWithdrawn, Unassigned
from schemas.cases import CaseAssigned, CaseQueued, CaseWaiting, MessageAdded
from schemas.codec import derive_id
from schemas.policy import Policy
from services.router.core import facts
from services.router.core.decisions import commands as on_commands
from services.router.core.decisions import deadlines, matching, presence
from services.router.core.decisions import messages as on_messages
from services.router.core.desk import Desk, Timer
from services.router.core.entities import Agent, Case, Customer, Entity, Seen, key_of, restore, snapshot
from services.router.core.evolution import evolve

Decide = Callable[[Desk, str, Any, datetime], Sequence[Any]]

_DECIDE: Final[dict[type[Any], Decide]] = {
    messages.MessageReceived: on_messages.message_received,
    messages.ContactEnded: on_messages.contact_ended,
    agents.AgentUpserted: presence.agent_upserted,
    agents.AgentRemoved: presence.agent_removed,
    commands.RenewPresence: presence.renew_presence,
    commands.AcceptOffer: on_commands.accept_offer,
    commands.DeclineOffer: on_commands.decline_offer,
    commands.SendReply: on_commands.send_reply,
    commands.WaitForCustomer: on_commands.wait_for_customer,
    commands.ResolveCase: on_commands.resolve_case,
    commands.TransferCase: on_commands.not_available,
    commands.EscalateCase: on_commands.not_available,
    commands.SetPriority: on_commands.not_available,
    commands.MergeCases: on_commands.not_available,
    facts.MatchCase: matching.match_case,
    facts.MatchAgent: matching.match_agent,
    facts.LeaseRanOut: presence.lease_ran_out,
    facts.OfferRanOut: deadlines.offer_ran_out,
    facts.ExclusionEnds: deadlines.exclusion_ends,
    facts.ForgetId: deadlines.forget_id,
    facts.ForgetCustomer: deadlines.forget_customer,
}


def _look_for_agent(fact: Any) -> facts.MatchCase:
    return facts.MatchCase(fact.desk, fact.case_id)


def _look_for_work(fact: Any) -> facts.MatchAgent:
    return facts.MatchAgent(fact.desk, fact.agent_id)


_FOLLOW_UPS: Final[dict[type[Any], Callable[[Any], facts.MatchCase | facts.MatchAgent]]] = {
    CaseQueued: _look_for_agent,
    facts.ExclusionLifted: _look_for_agent,
    OfferMade: _look_for_work,
    OfferWithdrawn: _look_for_work,
    CaseAssigned: _look_for_work,
    Unassigned: _look_for_work,
    CaseWaiting: _look_for_work,
    facts.PresenceRenewed: _look_for_work,
    facts.AgentKnown: lambda fact: facts.MatchAgent(fact.desk, fact.agent.agent_id),
}
"""What to look at next: a queued case wants an agent, an agent with room wants work."""


class UnknownDesk(LookupError):
    """The policy has no such desk. To do: dead-letter the record; add the desk and play it again."""


class RouterCore:
    """Decisions and state of one partition."""

    def __init__(self, policy: Policy) -> None:
        """Start empty, under `policy`."""
        self._policy = policy
        self._timers: list[Timer] = []
        self._dirty: dict[str, Entity | None] = {}
        self.desks: dict[str, Desk] = {}
        self._loaded: list[tuple[Desk, Entity]] = []

    def decide(self, cause: str, command: Any, now: datetime) -> Sequence[Any]:
        """Facts that follow from `command`. Raises UnknownDesk."""
        return _DECIDE[type(command)](self._desk(command.desk), cause, command, now)

    def evolve(self, fact: Any) -> None:
        """Make `fact` part of the state."""
        evolve(self._desk(fact.desk), fact)

    def follow_ups(self, fact: Any) -> Iterable[Any]:
        """What to look at next: a queued case wants an agent, an agent with room wants work."""
        follow = _FOLLOW_UPS.get(type(fact))
        if follow is not None:
            return (follow(fact),)
        if type(fact) is MessageAdded:
            # The customer may have changed the channel, which frees the holder's room on the former one.
            holder = self._desk(fact.desk).cases[fact.case_id].holder
            return () if holder is None else (facts.MatchAgent(fact.desk, holder),)
        return ()

    def next_deadline(self) -> datetime | None:
        """The earliest timer, which may no longer mean anything."""
        return self._timers[0][0] if self._timers else None

    def take_due(self, now: datetime) -> Due | None:
        """The earliest deadline that has come and still means something."""
        while self._timers and self._timers[0][0] <= now:
            when, name, command = heappop(self._timers)
            if self._desk(command.desk).is_due(when, command):
                return Due(derive_id(name, when.isoformat(), *command), command)
        return None

    def take_changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Changelog records of what changed since the last call."""
        dirty = dict(self._dirty)
        self._dirty.clear()
        for key, entity in dirty.items():
            yield key, None if entity is None else snapshot(entity)

    def load(self, key: str, value: bytes) -> None:
        """Put an entity back. One of a desk that the policy no longer has is left alone."""
        desk_id, entity = restore(key, value)
        if desk_id in self._policy.desks:
            self._loaded.append((self._desk(desk_id), entity))

    def loaded(self) -> None:
        """Rebuild indexes, queues and timers."""
        for desk, entity in self._loaded:
            match entity:
                case Agent():
                    desk.add_agent(entity)
                case Customer():
                    desk.add_customer(entity)
                    desk.acknowledged += entity.opened
                case Case():
                    desk.add_case(entity)
                case Seen():
                    desk.remember(entity)
        self._loaded = []
        for desk in self.desks.values():
            desk.acknowledged.sort()
            for case in desk.cases.values():
                if case.status == "queued":
                    desk.enqueue(case)

    def entities(self) -> dict[str, Entity]:
        """All that would be written down: two cores that are equal here decide alike."""
        return {
            key_of(desk.id, entity): entity
            for desk in self.desks.values()
            for kind in (desk.cases, desk.customers, desk.agents, desk.seen)
            for entity in kind.values()
        }

    def _desk(self, desk_id: str) -> Desk:
        desk = self.desks.get(desk_id)
        if desk is None:
            policy = self._policy.desks.get(desk_id)
            if policy is None:
                raise UnknownDesk(f"the policy {self._policy.version} has no desk {desk_id!r}")
            desk = self.desks[desk_id] = Desk(desk_id, policy, self._policy.version, self._timers, self._dirty)
        return desk
