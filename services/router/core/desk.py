"""The state of one desk: entities, the indexes over them, and the timers.

Only `evolution` calls what changes something here. Everything but the entities can be rebuilt from
them, which is what recovery does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from heapq import heappush
from typing import Any

from schemas.base import Channel
from schemas.policy import DeskPolicy
from services.router.core.entities import Agent, Case, Customer, Entity, Seen, key_of
from services.router.core.facts import Deadline, ExclusionEnds, ForgetCustomer, ForgetId, LeaseRanOut, OfferRanOut
from services.router.core.matching import Matching
from services.router.core.rules import Rules

Timer = tuple[datetime, str, Deadline]
"""When, the name of the command's type, and the command to decide then."""


class Desk:
    """One support organisation, as its one writer sees it."""

    def __init__(
        self,
        desk_id: str,
        policy: DeskPolicy,
        policy_version: str,
        timers: list[Timer],
        dirty: dict[str, Entity | None],
    ) -> None:
        """`timers` and `dirty` are shared with the other desks of the partition."""
        self.id = desk_id
        self.policy = policy
        self.policy_version = policy_version
        self.rules = Rules(policy, policy_version)
        self.cases: dict[str, Case] = {}
        self.customers: dict[str, Customer] = {}
        self.agents: dict[str, Agent] = {}
        self.seen: dict[str, Seen] = {}
        self.matching = Matching(policy.exclusive)
        self.customer_by_identifier: dict[str, str] = {}
        self.case_by_reference: dict[str, str] = {}
        self.case_by_thread: dict[str, str] = {}
        self.case_by_contact: dict[str, str] = {}
        self.cases_of_customer: dict[str, set[str]] = {}
        self.cases_of_agent: dict[str, set[str]] = {}
        self.acknowledged: list[datetime] = []
        """Openings of the last hour, oldest first: acknowledgements are limited in all, too."""
        self._timers = timers
        self._dirty = dirty
        self._due: dict[type[Deadline], Callable[[datetime, Any], bool]] = {
            OfferRanOut: self._offer_due,
            ExclusionEnds: self._exclusion_due,
            LeaseRanOut: self._lease_due,
            ForgetId: self._id_due,
            ForgetCustomer: self._customer_due,
        }
        self._leased: set[str] = set()
        self._watched: set[str] = set()

    # --- writing down ---------------------------------------------------------------------------------

    def keep(self, entity: Entity) -> None:
        """The entity changed: it goes into the changelog."""
        self._dirty[key_of(self.id, entity)] = entity

    def drop(self, entity: Entity) -> None:
        """The entity is gone: a tombstone goes into the changelog."""
        self._dirty[key_of(self.id, entity)] = None

    # --- cases ------------------------------------------------------------------------------------------

    def add_case(self, case: Case) -> None:
        """Index a case, new or restored, and put it where it belongs."""
        self.cases[case.id] = case
        self.case_by_reference[case.reference] = case.id
        self.cases_of_customer.setdefault(case.customer_id, set()).add(case.id)
        for thread in case.threads:
            self.case_by_thread[thread] = case.id
        for contact in case.contact_ids:
            self.case_by_contact[contact] = case.id
        for agent_id, until in case.excluded.items():
            self.at(until, ExclusionEnds(self.id, case.id, agent_id))
        if case.offer is not None:
            self.at(case.offer.expires_at, OfferRanOut(self.id, case.id, case.offer.id))
        if case.holder is not None:
            self.hold(case.holder, case)

    def remove_case(self, case: Case) -> None:
        """The case ended."""
        del self.cases[case.id]
        self.case_by_reference.pop(case.reference, None)
        for index, keys in ((self.case_by_thread, case.threads), (self.case_by_contact, case.contact_ids)):
            for key in keys:
                if index.get(key) == case.id:
                    del index[key]
        cases = self.cases_of_customer[case.customer_id]
        cases.discard(case.id)
        if not cases:
            del self.cases_of_customer[case.customer_id]
        self.matching.dequeue(case.id)
        self.drop(case)

    def enqueue(self, case: Case) -> None:
        """Put the case where it belongs in the queue."""
        self.matching.enqueue(
            case.id, case.channel, case.needs, case.priority, case.waiting_since, frozenset(case.excluded)
        )

    def hold(self, agent_id: str, case: Case) -> None:
        """The agent has the case, or its offer."""
        self.cases_of_agent.setdefault(agent_id, set()).add(case.id)
        if case.status != "waiting":
            self.matching.occupy(agent_id, case.channel, 1)

    def let_go(self, agent_id: str, case: Case) -> None:
        """The agent no longer has it."""
        self.cases_of_agent.get(agent_id, set()).discard(case.id)
        if case.status != "waiting":
            self.matching.occupy(agent_id, case.channel, -1)

    def move(self, case: Case, channel: Channel) -> None:
        """The case goes on, on another channel."""
        if case.holder is not None and case.status != "waiting" and channel != case.channel:
            self.matching.occupy(case.holder, case.channel, -1)
            self.matching.occupy(case.holder, channel, 1)
        case.channel = channel

    def held_by(self, agent_id: str) -> list[Case]:
        """The cases, and offers, that an agent has; in an order that is always the same."""
        return [self.cases[i] for i in sorted(self.cases_of_agent.get(agent_id, ()))]

    def open_case_of(self, customer_id: str) -> Case | None:
        """The open case in which the customer wrote last."""
        cases = [self.cases[i] for i in self.cases_of_customer.get(customer_id, ())]
        return max(cases, key=lambda c: (c.active_at, c.id), default=None)

    # --- customers, agents, ids ---------------------------------------------------------------------------

    def add_customer(self, customer: Customer) -> None:
        """Index a customer, new or restored."""
        self.customers[customer.id] = customer
        for identifier in customer.identifiers:
            self.customer_by_identifier[identifier] = customer.id
        if customer.id not in self._watched:  # one timer each; it is set anew when it comes too early
            self._watched.add(customer.id)
            self.at(self.forget_at(customer), ForgetCustomer(self.id, customer.id))

    def remove_customer(self, customer: Customer) -> None:
        """The customer is no longer known, or is known as another."""
        del self.customers[customer.id]
        for identifier in customer.identifiers:
            if self.customer_by_identifier.get(identifier) == customer.id:
                del self.customer_by_identifier[identifier]
        self.drop(customer)

    def forget_at(self, customer: Customer) -> datetime:
        """When a silent customer is forgotten."""
        return customer.seen_at + timedelta(seconds=self.policy.remember_customers)

    def add_agent(self, agent: Agent) -> None:
        """Index an agent, new, changed or restored."""
        known = agent.id in self.agents
        self.agents[agent.id] = agent
        self.matching.seat(agent)
        if not known:
            for case in self.held_by(agent.id):
                if case.status != "waiting":
                    self.matching.occupy(agent.id, case.channel, 1)
        self.watch_lease(agent)

    def remove_agent(self, agent: Agent) -> None:
        """The agent left."""
        del self.agents[agent.id]
        self.matching.unseat(agent.id)
        self.drop(agent)

    def watch_lease(self, agent: Agent) -> None:
        """Have one timer for the agent's lease; it is set anew when it comes too early."""
        if agent.lease_until is not None and agent.id not in self._leased:
            self._leased.add(agent.id)
            self.at(agent.lease_until, LeaseRanOut(self.id, agent.id))

    def remember(self, seen: Seen) -> None:
        """Recognise an id from now on."""
        self.seen[seen.id] = seen
        self.at(seen.until, ForgetId(self.id, seen.id))

    # --- timers -----------------------------------------------------------------------------------------

    def at(self, when: datetime, command: Deadline) -> None:
        """Have `command` decided at that time."""
        heappush(self._timers, (when, type(command).__name__, command))

    def is_due(self, when: datetime, command: Deadline) -> bool:
        """Whether a timer still means anything. One that came too early is set anew here."""
        return self._due[type(command)](when, command)

    def _offer_due(self, _: datetime, command: OfferRanOut) -> bool:
        case = self.cases.get(command.case_id)
        return case is not None and case.offer is not None and case.offer.id == command.offer_id

    def _exclusion_due(self, when: datetime, command: ExclusionEnds) -> bool:
        case = self.cases.get(command.case_id)
        return case is not None and case.excluded.get(command.agent_id) == when

    def _lease_due(self, when: datetime, command: LeaseRanOut) -> bool:
        self._leased.discard(command.agent_id)
        agent = self.agents.get(command.agent_id)
        if agent is None or agent.lease_until is None:
            return False
        if agent.lease_until > when:
            self.watch_lease(agent)
            return False
        return True

    def _id_due(self, when: datetime, command: ForgetId) -> bool:
        seen = self.seen.get(command.id)
        return seen is not None and seen.until == when

    def _customer_due(self, when: datetime, command: ForgetCustomer) -> bool:
        customer = self.customers.get(command.customer_id)
        again = None if customer is None else self.forget_at(customer)
        if again is not None and again <= when and command.customer_id in self.cases_of_customer:
            again = when + timedelta(days=1)  # not while a case is open
        if again is not None and again > when:
            self.at(again, command)
            return False
        self._watched.discard(command.customer_id)
        return customer is not None

    # --- figures ------------------------------------------------------------------------------------------

    def agent_states(self) -> Iterable[str]:
        """For each agent: available, busy (no room), away or offline."""
        for agent in self.agents.values():
            full = agent.state == "available" and not any(self.matching.has_room(agent.id, c) for c in agent.capacity)
            yield "busy" if full else agent.state
