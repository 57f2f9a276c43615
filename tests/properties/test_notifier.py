"""Telling under random histories: never twice, never to a machine, and restored as it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.cases import CaseAbandoned, CaseMerged, CaseOpened, CaseReleased, CaseReopened, CaseResolved
from schemas.updates import UpdateFailed, UpdateRequested
from services.notifier.core.core import REMEMBER
from tests.properties.recovery import Recorded, assert_recovers
from tests.unit.notifier import scene
from tests.unit.notifier.scene import CHAT, MAIL, NOON, WHY, at

EVENTS: dict[str, Callable[..., Any]] = {
    "opened": scene.opened,
    "opened in chat": lambda **more: scene.opened(reply_to=CHAT, language="af", **more),
    "opened by a machine": lambda **more: scene.opened(automatic=True, **more),
    "opened above the limits": lambda **more: scene.opened(acknowledge=False, **more),
    "wrote in chat": scene.message,
    "wrote a mail": lambda **more: scene.message(reply_to=MAIL, language="en", **more),
    "out of office": lambda **more: scene.message(automatic=True, **more),
    "to thandi": scene.assigned,
    "to pieter": lambda **more: scene.assigned("pieter", "Pieter Smit", **more),
    "lost": lambda **more: CaseReleased(agent_id="thandi", reason="agent_lost", assigned=True, decision=WHY, **more),
    "replied": scene.replied,
    "replied again": lambda **more: scene.replied("And now?", **{**more, "reply_id": "r-2"}),
    "warned": scene.warned,
    "resolved": scene.resolved,
    "resolved by nobody": lambda **more: scene.resolved(agent_id=None, **more),
    "abandoned": lambda **more: CaseAbandoned(channel="chat", waited_seconds=1.0, **more),
    "merged": lambda **more: CaseMerged(into="c", **more),
    "reopened": lambda **more: CaseReopened(message_id="m-9", **more),
}
HAPPENINGS = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from(["a", "b"]), st.sampled_from([*EVENTS, "outcome", "time"])),
    max_size=30,
)
FIRST = st.sampled_from([name for name in EVENTS if name.startswith("opened")])


def event(name: str, case: str, minute: int) -> Any:
    return EVENTS[name](**{**scene.CASE, "case_id": case, "at": at(minute)})


def play(first: str, happenings: list[tuple[int, str, str]]) -> tuple[Recorded, list[Any], list[Any], int]:
    """The recorded core, every input, every fact, and the minute at which it ends."""
    core = Recorded(scene.core())
    minute = 0
    inputs = [event(first, case, 0) for case in "ab"]
    facts = [fact for given in inputs for fact in core.step(f"first-{given.case_id}", given, at(0))]
    for number, (gap, case, name) in enumerate(happenings):
        minute += gap
        facts += core.fire(at(minute))
        if name == "time":
            continue
        if name == "outcome":
            known = core.core.cases.get(case)  # type: ignore[attr-defined]
            if known is None or not known.outstanding:
                continue
            given = scene.delivered(next(iter(known.outstanding.values())), at=at(minute))
        else:
            given = event(name, case, minute)
        inputs.append(given)
        facts += core.step(f"event-{number}", given, at(minute))
    return core, inputs, facts, minute


@given(FIRST, HAPPENINGS)
@settings(max_examples=150, deadline=None)
def test_never_twice(first: str, happenings: list[tuple[int, str, str]]) -> None:
    """Of each update there is one first attempt; repeats are of webhooks, in order, and bounded; and each occasion
    is told once.
    """
    _, inputs, facts, _ = play(first, happenings)
    requests = [fact for fact in facts if isinstance(fact, UpdateRequested)]
    attempts: dict[str, list[int]] = {}
    for request in requests:
        attempts.setdefault(request.update_id, []).append(request.attempt)
        assert request.attempt == 1 or request.reply_to.channel != "email"
    assert all(tried == list(range(1, len(tried) + 1)) and len(tried) <= 3 for tried in attempts.values())
    assert max(Counter(f.update_id for f in facts if isinstance(f, UpdateFailed)).values(), default=0) <= 1
    for case in "ab":
        kinds = Counter(r.update_kind for r in requests if r.case_id == case and r.attempt == 1)
        assert kinds["acknowledged"] <= 1
        assert kinds["progress"] <= 1
        assert kinds["assigned"] <= 2
        assert kinds["reply"] <= 2
        assert kinds["resolved"] <= sum(isinstance(i, CaseResolved) and i.case_id == case for i in inputs)


@given(FIRST, HAPPENINGS)
@settings(max_examples=150, deadline=None)
def test_machines_are_told_nothing(first: str, happenings: list[tuple[int, str, str]]) -> None:
    """As long as only machines wrote, nothing but an agent's own words goes out."""
    human = {"wrote in chat", "wrote a mail"}
    only_machines = [h for h in happenings if h[2] not in human and not h[2].startswith("opened")]
    _, _, facts, _ = play("opened by a machine", only_machines)
    assert {f.update_kind for f in facts if isinstance(f, UpdateRequested)} <= {"reply"}
    _, inputs, facts, _ = play(first, [h for h in happenings if h[2] not in human])
    unacknowledged = {
        i.case_id
        for i in reversed(inputs)
        if isinstance(i, CaseOpened) and (i.automatic or not i.acknowledge) and inputs.index(i) < 2
    }
    told = {f.case_id for f in facts if isinstance(f, UpdateRequested) and f.update_kind == "acknowledged"}
    assert not told & unacknowledged


@given(FIRST, HAPPENINGS)
@settings(max_examples=100, deadline=None)
def test_every_update_is_settled(first: str, happenings: list[tuple[int, str, str]]) -> None:
    """Whatever happens, in the end nothing is outstanding, and what ended is forgotten."""
    core, _, _, minute = play(first, happenings)
    for hours in (1, 2, 3, 24 * 30):
        core.fire(at(minute + hours * 60))
    left: dict[str, Any] = core.core.cases  # type: ignore[attr-defined]
    assert all(case.outstanding == {} and case.ended_at is None for case in left.values())


@given(FIRST, HAPPENINGS)
@settings(max_examples=100, deadline=None)
def test_recovers(first: str, happenings: list[tuple[int, str, str]]) -> None:
    """Live state == recovered state == state recovered from the compacted log; and they go on alike."""
    core, _, _, minute = play(first, happenings)
    later = at(minute + 1)
    assert_recovers(
        scene.core,
        core,
        state=lambda one: one.cases,
        probes=[
            (f"probe-{name}-{case}", event(name, case, minute + 1), later)
            for case in "ab"
            for name in ("warned", "to thandi", "replied", "resolved", "opened")
        ],
        horizon=NOON + timedelta(minutes=minute) + REMEMBER * 2,
    )
