"""The clocks of one case, told in seconds: given what happened, when something happens, then this is said."""

from __future__ import annotations

import pytest

from runtime.core import Undecided, step
from tests.unit.sla_watcher.scene import (
    FIRST,
    RESOLUTION,
    Scene,
    abandoned,
    added,
    at,
    breached,
    cancelled,
    merged,
    met,
    opened,
    paused,
    prioritised,
    replied,
    resolved,
    resumed,
    running,
    started,
    waiting,
    warned,
)


def test_start() -> None:
    """The first priority starts both clocks, counted from the opening."""
    scene = Scene()
    assert scene.hears(opened(0)) == []
    assert scene.hears(prioritised(2, "P3")) == [
        started(2, FIRST, "P3", 100, due=100, warn=75),
        started(2, RESOLUTION, "P3", 400, due=400, warn=300),
    ]
    assert scene.watcher.next_deadline() == at(75)


def test_warned_then_breached() -> None:
    """Each clock warns once and is breached once, at its instants, and then says nothing more."""
    scene = running("P3")
    assert scene.waits_until(10_000) == [
        warned(75, FIRST, due=100),
        breached(100, FIRST, due=100),
        warned(300, RESOLUTION, due=400),
        breached(400, RESOLUTION, due=400),
    ]
    assert scene.watcher.next_deadline() is None


def test_instant_is_exact() -> None:
    """A microsecond before the instant there is nothing to say."""
    scene = running("P3")
    assert scene.wakes_at(74.999999) == []
    assert scene.wakes_at(75) == [warned(75, FIRST, due=100)]
    assert scene.wakes_at(99.999999) == []
    assert scene.wakes_at(100) == [breached(100, FIRST, due=100)]


def test_first_response_met() -> None:
    """The first reply meets the first response; the resolution runs on, and a second reply means nothing."""
    scene = running("P3")
    assert scene.hears(replied(60)) == [met(60, FIRST, 60)]
    assert scene.hears(replied(90, first=False)) == []
    assert scene.waits_until(399) == [warned(300, RESOLUTION, due=400)]


def test_met_late() -> None:
    """What happens after the breach is late."""
    scene = running("P3")
    scene.waits_until(100)
    assert scene.hears(replied(130)) == [met(130, FIRST, 130, late=True)]


@pytest.mark.parametrize(("second", "late"), [(99.999999, False), (100, True)])
def test_reply_at_the_instant(second: float, late: bool) -> None:
    """An answer at the very instant is too late, whichever of timer and answer is heard first."""
    scene = running("P3")
    scene.waits_until(80)
    said = scene.hears(replied(second))
    expected = met(second, FIRST, second, late=late)
    assert said == ([breached(second, FIRST, due=100), expected] if late else [expected])


def test_resolved() -> None:
    """Resolution meets both clocks when nobody replied before; then the case is forgotten."""
    scene = running("P3")
    assert scene.hears(resolved(50)) == [met(50, FIRST, 50), met(50, RESOLUTION, 50)]
    assert scene.watcher.cases == {}
    assert scene.waits_until(10_000) == []


def test_resolved_after_reply() -> None:
    """After a reply only the resolution is left to be met."""
    scene = running("P3")
    scene.hears(replied(10))
    assert scene.hears(resolved(50)) == [met(50, RESOLUTION, 50)]


def test_resolved_by_nobody() -> None:
    """A case that a rule settled leaves no promise, kept or broken."""
    assert running("P3").hears(resolved(1, agent=None)) == [
        cancelled(1, FIRST, "automatic"),
        cancelled(1, RESOLUTION, "automatic"),
    ]


def test_machine() -> None:
    """Nothing is promised to a machine."""
    scene = Scene()
    events = [opened(0, automatic=True), prioritised(0, "P1"), resolved(1, agent=None)]
    assert [scene.hears(event) for event in events] == [[], [], []]
    assert scene.watcher.cases == {}


def test_abandoned_and_merged() -> None:
    """When the customer leaves, or the case ends in another one, what still runs is cancelled."""
    assert running("P3").hears(abandoned(30)) == [
        cancelled(30, FIRST, "abandoned"),
        cancelled(30, RESOLUTION, "abandoned"),
    ]
    answered = running("P3")
    answered.hears(replied(10))
    assert answered.hears(merged(30)) == [cancelled(30, RESOLUTION, "merged")]
    assert answered.watcher.cases == {}


def test_abandoned_before_priority() -> None:
    """A case that ends before it has a priority is forgotten without a word."""
    scene = Scene()
    scene.hears(opened(0))
    assert scene.hears(abandoned(1)) == []
    assert scene.watcher.cases == {}


def test_pause_and_resume() -> None:
    """While the customer has to move the resolution stands still, and its deadline moves by as much."""
    scene = running("P3")
    scene.hears(replied(10))
    assert scene.hears(waiting(100)) == [paused(100, remaining=300)]
    assert scene.waits_until(5_000) == []
    assert scene.hears(added(5_000)) == [resumed(5_000, due=5_300, warn=5_200)]
    assert scene.waits_until(5_250) == [warned(5_200, RESOLUTION, due=5_300)]
    assert scene.hears(resolved(5_280)) == [met(5_280, RESOLUTION, 380)]


def test_paused_twice() -> None:
    """Pauses add up."""
    scene = running("P3")
    scene.hears(replied(10))
    scene.hears(waiting(100))
    scene.hears(added(200))
    assert scene.hears(waiting(300)) == [paused(300, remaining=200)]
    assert scene.hears(resolved(900)) == [met(900, RESOLUTION, 200)]


def test_first_response_is_not_paused() -> None:
    """Waiting for the customer does not answer him."""
    scene = running("P3")
    scene.hears(waiting(10))
    assert scene.waits_until(1_000) == [warned(75, FIRST, due=100), breached(100, FIRST, due=100)]


def test_what_does_not_resume() -> None:
    """A machine's note and a message from before the pause are no move of the customer's."""
    scene = running("P3")
    scene.hears(replied(10))
    scene.hears(waiting(100))
    assert scene.hears(added(150, automatic=True)) == []
    assert scene.hears(added(99), now=151) == []


def test_what_does_not_pause() -> None:
    """Waiting when the case waits already, and hearing of an earlier wait again, mean nothing."""
    scene = running("P3")
    scene.hears(replied(10))
    scene.hears(waiting(100))
    assert scene.hears(waiting(120)) == []
    scene.hears(added(150))
    assert scene.hears(waiting(100), now=160) == []


def test_pause_of_a_breached_clock() -> None:
    """A breached clock still counts how long it took; by how much it is over is below zero."""
    scene = running("P1")
    scene.hears(replied(10))
    scene.waits_until(60)
    assert scene.hears(waiting(70)) == [paused(70, remaining=-10)]
    assert scene.hears(added(170)) == [resumed(170, due=160, warn=145)]
    assert scene.waits_until(1_000) == []
    assert scene.hears(resolved(180)) == [met(180, RESOLUTION, 80, late=True)]


def test_raised() -> None:
    """A higher priority promises more, from the same start."""
    scene = running("P4")
    assert scene.hears(prioritised(30, "P3")) == [
        started(30, FIRST, "P3", 100, due=100, warn=75),
        started(30, RESOLUTION, "P3", 400, due=400, warn=300),
    ]
    assert scene.waits_until(100) == [warned(75, FIRST, due=100), breached(100, FIRST, due=100)]


def test_raised_too_late() -> None:
    """A target that passed before it was promised is missed at the moment of the promise, not before it."""
    scene = running("P4")
    assert scene.hears(prioritised(30, "P1")) == [
        started(30, FIRST, "P1", 20, due=30, warn=15),
        started(30, RESOLUTION, "P1", 60, due=60, warn=45),
    ]
    assert scene.wakes_at(30) == [breached(30, FIRST, due=30, priority="P1")]


def test_lowered() -> None:
    """A lower priority gives more time; a clock that warned does not warn again."""
    scene = running("P3")
    assert scene.waits_until(80) == [warned(75, FIRST, due=100)]
    assert scene.hears(prioritised(80, "P4")) == [
        started(80, FIRST, "P4", 200, due=200, warn=150),
        started(80, RESOLUTION, "P4", 800, due=800, warn=600),
    ]
    assert scene.waits_until(200) == [breached(200, FIRST, due=200, priority="P4")]


def test_breach_is_for_good() -> None:
    """No new priority mends a broken promise."""
    scene = running("P3")
    scene.waits_until(100)
    assert scene.hears(prioritised(110, "P5")) == [started(110, RESOLUTION, "P5", 1000, due=1000, warn=750)]
    assert scene.hears(replied(120)) == [met(120, FIRST, 120, late=True)]


def test_priority_while_paused() -> None:
    """A paused clock gets its new target and stays paused, and what was used up stays used up."""
    scene = running("P3")
    scene.hears(replied(10))
    scene.hears(waiting(100))
    assert scene.hears(prioritised(150, "P4")) == [
        started(150, RESOLUTION, "P4", 800, due=800, warn=600),
        paused(150, remaining=700),
    ]
    assert scene.hears(added(200)) == [resumed(200, due=900, warn=700)]


def test_raised_while_paused() -> None:
    """A target that the used-up time exceeds already breaks when the clock goes on, not while it stands."""
    scene = running("P3")
    scene.hears(replied(10))
    scene.hears(waiting(100))
    assert scene.hears(prioritised(150, "P1")) == [
        started(150, RESOLUTION, "P1", 60, due=100, warn=45),
        paused(150, remaining=0),
    ]
    assert scene.waits_until(1_000) == []
    assert scene.hears(added(1_000)) == [resumed(1_000, due=1_000, warn=945)]
    assert scene.wakes_at(1_000) == [breached(1_000, RESOLUTION, due=1_000, priority="P1")]


def test_same_priority_again() -> None:
    """The same priority promises nothing new, and an earlier one that is heard again is out of date."""
    scene = running("P3")
    assert scene.hears(prioritised(10, "P3")) == []
    scene.hears(prioritised(20, "P2"))
    assert scene.hears(prioritised(10, "P3"), now=30) == []


def test_away_at_the_instant() -> None:
    """A watcher that was away tells the breach once, late, with the true instant; the warning is too late to help."""
    scene = running("P3")
    assert scene.wakes_at(5_000) == [breached(5_000, FIRST, due=100), breached(5_000, RESOLUTION, due=400)]
    assert scene.wakes_at(6_000) == []


def test_late_news_of_a_reply_in_time() -> None:
    """A reply that was given in time is in time, however late the watcher hears of it."""
    scene = running("P3")
    assert scene.hears(replied(60), now=5_000) == [met(5_000, FIRST, 60)]


def test_late_news_of_a_late_reply() -> None:
    """Of a late reply the breach is told first, though no timer rang, and it is told once."""
    scene = running("P3")
    assert scene.hears(replied(130), now=5_000) == [breached(5_000, FIRST, due=100), met(5_000, FIRST, 130, late=True)]


def test_late_news_of_a_pause() -> None:
    """A pause that began in time stops the clock then, however late the watcher hears of it."""
    scene = running("P3")
    scene.hears(replied(10))
    assert scene.hears(waiting(150), now=5_000) == [paused(5_000, remaining=250)]
    assert scene.wakes_at(6_000) == []


def test_heard_again() -> None:
    """Everything that is heard a second time means nothing."""
    scene = running("P3")
    said = [
        scene.hears(event, now=120)
        for event in (opened(0), prioritised(0, "P3"), replied(60), opened(0), prioritised(0, "P3"), replied(60))
    ]
    assert said == [[], [], [met(120, FIRST, 60)], [], [], []]


def test_unknown_case() -> None:
    """Of a case that it never heard of the watcher says nothing."""
    scene = Scene()
    events = [prioritised(0, "P1"), replied(1), waiting(2), added(3), resolved(4), abandoned(5), merged(6)]
    assert [scene.hears(event) for event in events] == [[]] * 7


def test_unknown_desk() -> None:
    """A desk that the policy lost is not passed over: the event is to be dead-lettered."""
    scene = Scene()
    scene.hears(opened(0, desk="gone"))
    with pytest.raises(Undecided, match="the policy v7 has no desk gone"):
        step(scene.watcher, "an-event", prioritised(1, "P1", desk="gone"), at(1))


def test_ids_of_deadlines() -> None:
    """The same deadline has the same id in every life of the watcher, and no two share one."""

    def ids() -> list[str]:
        scene, found = running("P3"), []
        while (instant := scene.watcher.next_deadline()) is not None:
            due = scene.watcher.take_due(instant)
            found.append(due.id)
            step(scene.watcher, due.id, due.command, instant)
        return found

    assert ids() == ids()
    assert len(set(ids())) == 4
