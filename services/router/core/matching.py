"""Who fits what, at a cost that does not grow with the queue or with the number of agents.

Distinct needs on a channel are interned as *requirement sets*. Each has

- queues: one heap by age for each priority, and apart from them the cases that some agents must not
  be offered for now (a *variant* for each such group of agents), and
- candidates: a heap of agents with room, the one to be asked next on top.

An agent's skills come to a bit mask over the sets, so that work for an agent is looked for among the
heads of the queues of compatible sets that are not empty: O(compatible sets). Heaps are cleaned
lazily: an entry counts when it is the latest of its case or agent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heapify, heappop, heappush
from typing import Final

from schemas.base import PRIORITIES, Channel, Need, Priority
from services.router.core.entities import Agent

EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")
_RANK: Final[dict[Priority, int]] = {priority: rank for rank, priority in enumerate(PRIORITIES)}
_SPARE_ENTRIES: Final = 64
ALTERNATIVES: Final = 3
"""How many others a decision names."""

Requirement = tuple[Channel, tuple[Need, ...]]
Excluded = frozenset[str]
Ticket = tuple[int, datetime, str]
"""Priority's rank, waiting since, case: what the queue is ordered by."""
Standing = tuple[float, datetime, str]
"""Share of capacity in use, last given a case, agent: who is asked first."""


@dataclass(slots=True)
class _RequirementSet:
    index: int
    channel: Channel
    needs: tuple[Need, ...]
    waiting: int = 0
    variants: dict[Excluded, list[list[Ticket]]] = field(default_factory=dict)
    sizes: dict[Excluded, int] = field(default_factory=dict)
    candidates: list[Standing] = field(default_factory=list)

    def suits(self, agent: Agent) -> bool:
        """Whether the agent has the skills and handles the channel at all."""
        return agent.capacity.get(self.channel, 0) > 0 and all(
            agent.skills.get(need.skill, 0) >= need.level for need in self.needs
        )


@dataclass(slots=True)
class _Seat:
    """An agent as matching sees one."""

    agent: Agent
    load: dict[Channel, int] = field(default_factory=dict)
    mask: int = 0
    standing: Standing | None = None
    open_channels: frozenset[Channel] = frozenset()


class Matching:
    """Queues and candidates of one desk."""

    def __init__(self, exclusive: tuple[Channel, ...]) -> None:
        """`exclusive` channels take an agent's whole attention."""
        self._exclusive = exclusive
        self._sets: list[_RequirementSet] = []
        self._interned: dict[Requirement, _RequirementSet] = {}
        self._nonempty = 0
        self._places: dict[str, tuple[_RequirementSet, Excluded, Ticket]] = {}
        self._seats: dict[str, _Seat] = {}

    # --- the queue ----------------------------------------------------------------------------------

    def enqueue(
        self,
        case_id: str,
        channel: Channel,
        needs: tuple[Need, ...],
        priority: Priority,
        since: datetime,
        excluded: Excluded,
    ) -> None:
        """Put a case into the queue, or move it to where it now belongs."""
        self.dequeue(case_id)
        wanted = self._intern(channel, needs)
        ticket = (_RANK[priority], since, case_id)
        heaps = wanted.variants.get(excluded)
        if heaps is None:
            heaps = wanted.variants[excluded] = [[] for _ in PRIORITIES]
            wanted.sizes[excluded] = 0
        heappush(heaps[ticket[0]], ticket)
        wanted.sizes[excluded] += 1
        wanted.waiting += 1
        self._nonempty |= 1 << wanted.index
        self._places[case_id] = (wanted, excluded, ticket)

    def dequeue(self, case_id: str) -> None:
        """Take a case out of the queue, if it is there."""
        place = self._places.pop(case_id, None)
        if place is None:
            return
        wanted, excluded, _ = place
        wanted.waiting -= 1
        wanted.sizes[excluded] -= 1
        if wanted.sizes[excluded] == 0:
            del wanted.variants[excluded], wanted.sizes[excluded]
        if wanted.waiting == 0:
            self._nonempty &= ~(1 << wanted.index)

    def work_for(self, agent_id: str) -> str | None:
        """The case that the agent should have next: highest priority, then oldest. None when nothing
        fits or the agent has no room.
        """
        seat = self._seats.get(agent_id)
        if seat is None or seat.standing is None:
            return None
        best: Ticket | None = None
        for wanted in self._each(seat.mask & self._nonempty):
            if wanted.channel not in seat.open_channels:
                continue
            for excluded, heaps in wanted.variants.items():
                if agent_id in excluded:
                    continue
                head = self._head(wanted, excluded, heaps)
                if head is not None and (best is None or head < best):
                    best = head
        return None if best is None else best[2]

    def _head(self, wanted: _RequirementSet, excluded: Excluded, heaps: list[list[Ticket]]) -> Ticket | None:
        for heap in heaps:
            while heap:
                place = self._places.get(heap[0][2])
                if place is not None and place[2] is heap[0] and place[0] is wanted and place[1] == excluded:
                    return heap[0]
                heappop(heap)
        return None

    # --- agents -------------------------------------------------------------------------------------

    def seat(self, agent: Agent) -> None:
        """Take note of an agent who is new or has other skills, capacity or presence."""
        seat = self._seats.get(agent.id)
        if seat is None:
            seat = self._seats[agent.id] = _Seat(agent)
        seat.agent = agent
        seat.mask = sum(1 << wanted.index for wanted in self._sets if wanted.suits(agent))
        self.rank(agent.id)

    def unseat(self, agent_id: str) -> None:
        """Forget an agent."""
        self._seats.pop(agent_id, None)

    def occupy(self, agent_id: str, channel: Channel, cases: int) -> None:
        """Add `cases` (or take away, when negative) to what the agent has in hand on a channel."""
        seat = self._seats.get(agent_id)
        if seat is not None:
            seat.load[channel] = seat.load.get(channel, 0) + cases
            self.rank(agent_id)

    def load(self, agent_id: str) -> int:
        """How many cases and offers the agent has in hand."""
        seat = self._seats.get(agent_id)
        return sum(seat.load.values()) if seat else 0

    def has_room(self, agent_id: str, channel: Channel) -> bool:
        """Whether the agent can take one more case on the channel now."""
        seat = self._seats.get(agent_id)
        return seat is not None and channel in seat.open_channels

    def rank(self, agent_id: str) -> None:
        """Work out anew where the agent stands, and stand as candidate where there is room."""
        seat = self._seats[agent_id]
        agent, load = seat.agent, seat.load
        if agent.state != "available" or any(load.get(c, 0) for c in self._exclusive):
            seat.open_channels = frozenset()
        else:
            seat.open_channels = frozenset(c for c, most in agent.capacity.items() if load.get(c, 0) < most)
        if not seat.open_channels:
            seat.standing = None
            return
        used = sum(load.values()) / sum(agent.capacity.values())
        seat.standing = (used, agent.assigned_at or EPOCH, agent.id)
        for wanted in self._each(seat.mask):
            if wanted.channel in seat.open_channels:
                self._stand(wanted, seat.standing)

    def candidates(self, channel: Channel, needs: tuple[Need, ...], excluded: Excluded) -> list[str]:
        """Who could take such a case now, the best first, with at most three others."""
        wanted = self._intern(channel, needs)
        heap = wanted.candidates
        popped: list[Standing] = []
        found: list[str] = []
        while heap and len(found) <= ALTERNATIVES:
            standing = heappop(heap)
            if popped and popped[-1] is standing:
                continue
            seat = self._seats.get(standing[2])
            if seat is None or seat.standing is not standing or channel not in seat.open_channels:
                continue
            popped.append(standing)
            if standing[2] not in excluded:
                found.append(standing[2])
        for standing in popped:
            heappush(heap, standing)
        return found

    # --- requirement sets -----------------------------------------------------------------------------

    def _intern(self, channel: Channel, needs: tuple[Need, ...]) -> _RequirementSet:
        """The set for these needs. Walks the agents once for needs that were never seen before."""
        wanted = self._interned.get((channel, needs))
        if wanted is None:
            wanted = self._interned[channel, needs] = _RequirementSet(len(self._sets), channel, needs)
            self._sets.append(wanted)
            for seat in self._seats.values():
                if wanted.suits(seat.agent):
                    seat.mask |= 1 << wanted.index
                    if seat.standing is not None and channel in seat.open_channels:
                        self._stand(wanted, seat.standing)
        return wanted

    def _stand(self, wanted: _RequirementSet, standing: Standing) -> None:
        heap = wanted.candidates
        heappush(heap, standing)
        if len(heap) > 2 * len(self._seats) + _SPARE_ENTRIES:  # mostly outdated: amortised O(1)
            heap[:] = {s[2]: s for s in heap if (at := self._seats.get(s[2])) and at.standing is s}.values()
            heapify(heap)

    def _each(self, mask: int) -> Iterator[_RequirementSet]:
        """The sets whose bits are in `mask`."""
        while mask:
            lowest = mask & -mask
            yield self._sets[lowest.bit_length() - 1]
            mask ^= lowest
