"""Clocks under random histories, against an oracle that knows no deadlines: it counts every second."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.policy import Target
from schemas.sla import ClockBreached, ClockCancelled, ClockMet, ClockStarted, ClockWarned
from services.sla_watcher.core.watcher import Watcher
from tests.properties.recovery import Recorded, assert_recovers
from tests.unit.sla_watcher import scene
from tests.unit.sla_watcher.scene import POLICY, START, at, public

SLA = POLICY.desks["acme"].sla
LONGEST = 1000
"""Seconds of the longest target: so long after the last event every running clock is breached."""

EVENTS = {
    "opened": scene.opened,
    "opened by a machine": lambda second, case: scene.opened(second, case, automatic=True),
    "P1": lambda second, case: scene.prioritised(second, "P1", case),
    "P2": lambda second, case: scene.prioritised(second, "P2", case),
    "P3": lambda second, case: scene.prioritised(second, "P3", case),
    "P5": lambda second, case: scene.prioritised(second, "P5", case),
    "replied first": scene.replied,
    "replied": lambda second, case: scene.replied(second, case, first=False),
    "waiting": scene.waiting,
    "added": scene.added,
    "added by a machine": lambda second, case: scene.added(second, case, automatic=True),
    "resolved": scene.resolved,
    "resolved by nobody": lambda second, case: scene.resolved(second, case, agent=None),
    "abandoned": scene.abandoned,
    "merged": scene.merged,
}
# Weighted so that clocks live long enough to be moved about.
WORDS = st.sampled_from(
    ["opened", "P1", "P2", "P3", "P5", "replied first", "waiting", "waiting", "added", "added"] * 3 + list(EVENTS)
)


@dataclass(frozen=True)
class Happening:
    """Something that happens to a case."""

    second: int
    word: str
    case: str

    @property
    def event(self) -> Any:
        return EVENTS[self.word](self.second, self.case)


@st.composite
def histories(draw: st.DrawFn, shortest_gap: int = 0) -> list[Happening]:
    """Three cases that begin with an opening; then anything, seconds apart."""
    steps = draw(
        st.lists(
            st.tuples(st.integers(shortest_gap, 90), WORDS, st.sampled_from(["a", "b", "c"])), min_size=3, max_size=40
        )
    )
    second, history = 0, [Happening(0, "opened", case) for case in "abc"]
    for gap, word, case in steps:
        second += max(gap, shortest_gap)
        history.append(Happening(second, word, case))
    return history


def said(facts: Iterable[Any]) -> list[tuple[Any, ...]]:
    """What the oracle can say, too: by case and clock, when and how it warned, was breached and ended."""
    found: list[tuple[Any, ...]] = []
    for fact in public(list(facts)):
        of, second = (fact.case_id, fact.clock), (fact.at - START).total_seconds()
        match fact:
            case ClockWarned():
                found.append((*of, second, "warned"))
            case ClockBreached():
                found.append((*of, second, "breached", (fact.due_at - START).total_seconds()))
            case ClockMet():
                found.append((*of, second, "met", fact.elapsed_seconds, fact.late))
            case ClockCancelled():
                found.append((*of, second, "cancelled", fact.reason))
    return sorted(found)


def timeless(found: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The same without warnings, and without when it was said: what a watcher that was away can still know."""
    return sorted((case, clock, *rest) for case, clock, _, *rest in found if rest != ["warned"])


@dataclass
class Counter:
    """A clock as a child would do it: one more every second."""

    elapsed: int
    target: float
    running: bool = True
    warned: bool = False
    breached: bool = False


CANCELS = {"resolved by nobody": "automatic", "abandoned": "abandoned", "merged": "merged"}


class Oracle:
    """One case, second by second."""

    def __init__(self, case: str) -> None:
        self.case = case
        self.said: list[tuple[Any, ...]] = []
        self.forget()

    def forget(self) -> None:
        self.opened_at: int | None = None
        self.counters: dict[str, Counter] = {}

    def tick(self, second: int) -> None:
        for counter in self.counters.values():
            counter.elapsed += counter.running
        self.ring(second)

    def ring(self, second: int) -> None:
        for name, counter in self.counters.items():
            if counter.breached or not counter.running:
                continue
            if counter.elapsed >= counter.target:
                counter.breached = True
                self.said.append((self.case, name, second, "breached", second))
            elif counter.elapsed >= counter.target * 0.75 and not counter.warned:
                counter.warned = True
                self.said.append((self.case, name, second, "warned"))

    def hear(self, second: int, word: str) -> None:
        if self.opened_at is None:
            self.opened_at = second if word == "opened" else None
            return
        resolution = self.counters.get("resolution")
        if word in SLA.targets:
            self.promise(second - self.opened_at, SLA.targets[word])
        elif word in CANCELS:
            self.said += [(self.case, name, second, "cancelled", CANCELS[word]) for name in self.counters]
            self.forget()
        elif word == "resolved":
            self.end(second, list(self.counters))
            self.forget()
        elif word == "replied first":
            self.end(second, ["first_response"])
        elif resolution and word in {"waiting", "added"}:
            resolution.running = word == "added"
        self.ring(second)

    def promise(self, age: int, target: Target) -> None:
        if not self.counters:
            self.counters = {name: Counter(age, 0) for name in ("first_response", "resolution")}
        for name, counter in self.counters.items():
            counter.target = getattr(target, name)

    def end(self, second: int, names: list[str]) -> None:
        for name in names:
            if counter := self.counters.pop(name, None):
                self.said.append((self.case, name, second, "met", counter.elapsed, counter.breached))


def counted(history: list[Happening]) -> list[tuple[Any, ...]]:
    """What the oracle says of a history."""
    found: list[tuple[Any, ...]] = []
    for case in "abc":
        oracle, todo = Oracle(case), [h for h in history if h.case == case]
        for second in range(history[-1].second + LONGEST + 1):
            oracle.tick(second)
            while todo and todo[0].second == second:
                oracle.hear(second, todo.pop(0).word)
        found += oracle.said
    return sorted(found)


def play(history: list[Happening]) -> tuple[Recorded, list[Any]]:
    """A watcher that hears everything at once and whose timers ring on time; and all its facts."""
    recorded, facts = Recorded(Watcher(POLICY)), []
    for n, happening in enumerate(history):
        facts += wait(recorded, happening.second)
        facts += recorded.step(f"cause-{n}", happening.event, at(happening.second))
        facts += recorded.fire(at(happening.second))
    return recorded, facts


def wait(recorded: Recorded, until: int) -> list[Any]:
    """What the timers say up to a second, each at its own instant."""
    facts: list[Any] = []
    while (instant := recorded.core.next_deadline()) is not None and instant <= at(until):
        facts += recorded.fire(instant)
    return facts


@given(histories())
@settings(deadline=None, max_examples=200)
def test_counts_like_the_oracle(history: list[Happening]) -> None:
    """Warnings, breaches and ends come at the very seconds at which counting comes to them."""
    recorded, facts = play(history)
    facts += wait(recorded, history[-1].second + LONGEST)
    assert said(facts) == counted(history)


@given(histories())
@settings(deadline=None, max_examples=200)
def test_heard_late(history: list[Happening]) -> None:
    """A watcher that hears the whole history at its end finds the same breaches and the same ends."""
    recorded, facts = Recorded(Watcher(POLICY)), []
    late = history[-1].second + LONGEST
    for n, happening in enumerate(history):
        facts += recorded.step(f"cause-{n}", happening.event, at(late))
    facts += recorded.fire(at(late))
    assert timeless(said(facts)) == timeless(counted(history))


@given(histories())
@settings(deadline=None, max_examples=200)
def test_one_end(history: list[Happening]) -> None:
    """Of each clock: at most one warning, before at most one breach, before at most one end; late only after a breach."""
    recorded, facts = play(history)
    facts += wait(recorded, history[-1].second + LONGEST)
    lives: dict[tuple[str, str], str] = {}
    for fact in public(facts):
        key = (fact.case_id, fact.clock)
        life = lives.get(key, "")
        match fact:
            case ClockWarned():
                assert "w" not in life
                assert "b" not in life
                life += "w"
            case ClockBreached():
                assert "b" not in life
                life += "b"
            case ClockMet():
                assert fact.late == ("b" in life)
                life = ""
            case ClockCancelled():
                life = ""
            case ClockStarted():
                assert "b" not in life, "no new target mends a breach"
                assert fact.due_at >= fact.started_at
        lives[key] = life


@given(histories(shortest_gap=1), st.data())
@settings(deadline=None, max_examples=100)
def test_heard_again(history: list[Happening], data: st.DataObject) -> None:
    """Whatever is heard again while its case lives says nothing and changes nothing."""
    recorded = Recorded(Watcher(POLICY))
    heard: dict[str, list[Any]] = {case: [] for case in "abc"}
    for n, happening in enumerate(history):
        wait(recorded, happening.second)
        recorded.step(f"cause-{n}", happening.event, at(happening.second))
        recorded.fire(at(happening.second))
        case = recorded.core.cases.get(happening.case)
        if case is None or case.priority is None:
            # A case has a priority from its opening on: what comes between the two is not of this world.
            heard[happening.case].clear()
            continue
        heard[happening.case].append(happening.event)
        again = data.draw(st.sampled_from(heard[happening.case]))
        before = dict(recorded.core.cases)
        assert recorded.step("again", again, at(happening.second)) == []
        assert recorded.core.cases == before


@given(histories(), histories())
@settings(deadline=None, max_examples=100)
def test_recovers(history: list[Happening], after: list[Happening]) -> None:
    """A watcher that was restored cannot be told from one that lived on."""
    recorded, _ = play(history)
    end = history[-1].second
    probes = [(f"probe-{n}", EVENTS[h.word](end + h.second, h.case), at(end + h.second)) for n, h in enumerate(after)]
    assert_recovers(
        lambda: Watcher(POLICY), recorded, state=lambda core: core.cases, probes=probes, horizon=at(end + LONGEST)
    )


@given(histories())
@settings(deadline=None, max_examples=50)
def test_deterministic(history: list[Happening]) -> None:
    """The same history gives the same facts and the same changelog."""
    (one, facts), (other, same) = play(history), play(history)
    assert facts == same
    assert one.log == other.log
