"""What holds for the router whatever happens: found by random histories, checked against plain scans."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.agents import AgentRemoved
from schemas.assignments import OfferMade
from schemas.base import PRIORITIES
from schemas.cases import CaseAssigned, CaseOpened, MessageAdded
from schemas.commands import AcceptOffer, DeclineOffer, ResolveCase, SendReply, WaitForCustomer
from schemas.messages import Automatic
from schemas.topics import TOPIC_OF
from services.router.core.desk import Desk
from services.router.core.entities import Agent, Case
from services.router.core.router import RouterCore
from tests.properties.recovery import Recorded, assert_recovers
from tests.unit.router.scenario import NINE, agent, at, call, hung_up, message, policy, presence

AGENTS = ("thandi", "sipho", "anna", "botha")
SKILLS = (
    {"language:en": 5, "product:printer": 3},
    {"language:en": 2},
    {"language:ru": 4, "product:printer": 5},
    {"language:en": 1, "language:ru": 1, "product:printer": 2},
)
TEXTS = ("hello", "my printer", "outage", "не работает printer", "a human please")

agents = st.sampled_from(AGENTS)
WORDS = [
    "message",
    "message",
    "message",
    "message",
    "message",
    "call",
    "hang_up",
    "roster",
    "remove",
    "presence",
    "presence",
    "presence",
    "accept",
    "accept",
    "accept",
    "decline",
    "reply",
    "reply",
    "wait",
    "resolve",
    "resolve",
]
words = st.tuples(
    st.sampled_from(WORDS),
    st.integers(0, 15),
    st.integers(0, 4),
    st.sampled_from([0.0, 0.0, 0.0, 0.5, 0.5, 3.0, 20.0, 45.0]),
)
histories = st.lists(words, min_size=25, max_size=90)


class History:
    """Turns random words into commands that make sense often enough."""

    def __init__(self, *, present: bool = True) -> None:
        self.core = RouterCore(policy())
        self.recorded = Recorded(self.core)
        self.facts: list[Any] = []
        self.now = 0.0
        self._count = 0
        for n, name in enumerate(AGENTS):
            self._do(agent(name, "bot" if name == "botha" else "person", SKILLS[n], email=2, chat=1, phone=n % 2))
            if present:
                self._do(presence(name))

    def play(self, history: list[tuple[str, int, int, float]]) -> None:
        for word, a, b, pause in history:
            self.pass_time(pause)
            command = self.command(word, a, b)
            if command is not None:
                self._do(command)

    def pass_time(self, pause: float) -> None:
        until = self.now + pause
        while (deadline := self.core.next_deadline()) is not None and deadline <= at(until):
            facts = self.recorded.fire(deadline)
            self.now = max(self.now, (deadline - NINE).total_seconds())
            self.check(facts)
        self.now = until

    def _do(self, command: Any) -> None:
        self._count += 1
        cause = getattr(command, "message_id", f"cause-{self._count}")
        self.check(self.recorded.step(cause, command, at(self.now)))

    def command(self, word: str, a: int, b: int) -> Any:
        self._count += 1
        if word in {"message", "call", "hang_up"}:
            return self.of_customer(word, a, b)
        if word in {"roster", "remove", "presence"}:
            return self.of_roster(word, AGENTS[a % len(AGENTS)], b)
        cases = sorted(self.desk.cases.values(), key=lambda c: c.id)
        return self.of_holder(word, cases[a % len(cases)], AGENTS[b % len(AGENTS)]) if cases else None

    def of_customer(self, word: str, a: int, b: int) -> Any:
        message_id, number = f"m{self._count}", f"tel:+2782000000{a}"
        if word == "call":
            return call(message_id, f"CA{a}{b}", number)
        if word == "hang_up":
            return hung_up(message_id, f"CA{a}{b}", number)
        automatic = Automatic(kind="auto_reply", evidence="x") if (a, b) == (7, 4) else None
        identifiers = (f"email:c{a}@example.com", *(("handle:chat:shared",) if b == 3 else ()))
        channel, language = ("email", "chat")[a % 2], ("en", "ru")[b // 3]
        return message(message_id, TEXTS[b], *identifiers, channel=channel, language=language, automatic=automatic)

    @staticmethod
    def of_roster(word: str, name: str, b: int) -> Any:
        if word == "roster":
            return agent(
                name, "bot" if name == "botha" else "person", SKILLS[b % len(SKILLS)], email=b, chat=1, phone=1
            )
        if word == "remove":
            return AgentRemoved(desk="acme", at=NINE, agent_id=name) if b == 0 else None
        return presence(name, ("available", "available", "available", "away", "offline")[b])

    @staticmethod
    def of_holder(word: str, case: Case, otherwise: str) -> Any:
        common: dict[str, Any] = {"desk": "acme", "at": NINE, "agent_id": case.holder or otherwise, "case_id": case.id}
        offer_id = case.offer.id if case.offer else "none"
        return {
            "accept": AcceptOffer(**common, offer_id=offer_id),
            "decline": DeclineOffer(**common, offer_id=offer_id),
            "reply": SendReply(**common, text="hello"),
            "wait": WaitForCustomer(**common),
            "resolve": ResolveCase(**common),
        }[word]

    @property
    def desk(self) -> Desk:
        return self.core.desks["acme"]

    # --- what must hold after every step ---------------------------------------------------------------

    def check(self, facts: list[Any]) -> None:
        self.facts += [f for f in facts if type(f) in TOPIC_OF]
        desk = self.desk
        load: dict[str, dict[str, int]] = {name: {} for name in desk.agents}
        for case in desk.cases.values():
            assert (case.offer is not None) == (case.status == "offered")
            assert (case.agent_id is not None) == (case.status in {"assigned", "waiting"})
            holder = case.holder
            if holder is not None:
                assert holder in desk.agents
                assert case.id in desk.cases_of_agent[holder]
                if case.status != "waiting":
                    load[holder][case.channel] = load[holder].get(case.channel, 0) + 1
        for name, channels in load.items():
            assert desk.matching.load(name) == sum(channels.values())
        # Nobody with room is left without work that fits: the plain scan that the router never does.
        for case in desk.cases.values():
            if case.status == "queued":
                idle = [a.id for a in desk.agents.values() if self.could_take(a, case, load[a.id])]
                assert idle == [], f"{case.id} waits although {idle} could take it"
        for fact in facts:
            if isinstance(fact, OfferMade | CaseAssigned) and fact.case_id in desk.cases:
                case = desk.cases[fact.case_id]
                skills = desk.agents[fact.agent_id].skills
                if isinstance(fact, OfferMade):
                    assert all(skills.get(n.skill, 0) >= n.level for n in fact.needs)

    @staticmethod
    def could_take(who: Agent, case: Case, load: dict[str, int]) -> bool:
        return (
            who.state == "available"
            and not load.get("phone")
            and load.get(case.channel, 0) < who.capacity.get(case.channel, 0)
            and all(who.skills.get(n.skill, 0) >= n.level for n in case.needs)
            and who.id not in case.excluded
        )


@settings(max_examples=100, deadline=None)
@given(histories)
def test_work_is_conserved_and_every_case_has_one_holder(history) -> None:
    """After every step: one holder at most, loads add up, and no case waits beside somebody who could take it."""
    History().play(history)


@settings(max_examples=60, deadline=None)
@given(histories, words)
def test_restored_router_cannot_be_told_from_one_that_lived_on(history, word) -> None:
    """Live state == recovered state == state recovered from the compacted log, and they decide alike."""
    lived = History()
    lived.play(history)
    now = lived.now
    probes = [
        (f"probe-{n}", command, at(now + n))
        for n, name in enumerate(("message", "accept", "presence", "resolve", "call"))
        if (command := lived.command(name, word[1], word[2])) is not None
    ]

    assert_recovers(
        lambda: RouterCore(policy()),
        lived.recorded,
        state=lambda core: core.entities(),
        probes=probes,
        horizon=at(now + 200),
    )


@settings(max_examples=30, deadline=None)
@given(histories)
def test_every_message_is_in_exactly_one_case(history) -> None:
    """No message is lost, none is told twice."""
    lived = History()
    lived.play(history)

    told = [f.message_id for f in lived.facts if isinstance(f, CaseOpened | MessageAdded)]

    assert len(told) == len(set(told))


@settings(max_examples=30, deadline=None)
@given(histories)
def test_same_history_gives_the_same_facts(history) -> None:
    """Decisions depend on nothing but what is given."""
    one, other = History(), History()
    one.play(history)
    other.play(history)

    assert one.facts == other.facts


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=1, max_size=30), st.integers(0, 3))
def test_freed_agent_gets_what_a_plain_sort_would_give(messages, skills) -> None:
    """The choice among the heads of the queues equals sorting the whole queue by priority and age."""
    lived = History(present=False)
    for n, (customer, text) in enumerate(messages):
        lived.now = float(n)
        lived._do(message(f"q{n}", TEXTS[text], f"email:c{customer}@example.com", language=("en", "ru")[text // 3]))
    who = agent("thandi", skills=SKILLS[skills], email=1)
    lived._do(who)
    known = lived.desk.agents["thandi"]
    fitting = [c for c in lived.desk.cases.values() if all(known.skills.get(x.skill, 0) >= x.level for x in c.needs)]
    expected = min(fitting, key=lambda c: (PRIORITIES.index(c.priority), c.waiting_since, c.id), default=None)

    facts = lived.recorded.step("free", presence("thandi"), at(100))

    offered = [f.case_id for f in facts if isinstance(f, OfferMade)]
    assert offered == ([expected.id] if expected else [])
