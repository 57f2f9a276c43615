"""What is requested stays outstanding until its outcome comes in or its time is up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runtime.core import Due, step
from schemas.codec import derive_id
from schemas.updates import UpdateFailed
from services.notifier.core.core import REMEMBER
from services.notifier.core.facts import Forgotten, OutcomeMissing, Settled
from tests.unit.notifier.scene import (
    CHAT,
    NOON,
    assigned,
    at,
    core,
    delivered,
    message,
    opened,
    policy,
    replied,
    resolved,
    tick,
    told,
)


def test_an_outcome_settles() -> None:
    """The outcome ends the wait: no deadline is left."""
    one = core()
    (request,) = told(one, opened())
    outcome = delivered(request)
    assert step(one, "event", outcome, at(1)) == [Settled(request, outcome)]
    assert tick(one, 60) == []
    assert one.cases["case-1"].outstanding == {}


def test_an_outcome_settles_once() -> None:
    """A sender that repeats an outcome after a crash says nothing new."""
    one = core()
    (request,) = told(one, opened())
    step(one, "event", delivered(request), at(1))
    assert step(one, "event", delivered(request), at(2)) == []


def test_own_requests_come_back_unheard() -> None:
    """The core reads the topic that it writes, and its own requests mean nothing to it."""
    one = core()
    (request,) = told(one, opened())
    assert step(one, "event", request, at(1)) == []


def test_outcome_of_a_case_that_is_not_there() -> None:
    """An outcome for nobody is nobody's."""
    (request,) = told(core(), opened())
    assert step(core(), "event", delivered(request), at(1)) == []


def test_mail_is_never_repeated() -> None:
    """Mail without an outcome is in doubt, once, and is not requested again."""
    one = core()
    (request,) = told(one, opened())
    assert tick(one, 10.9) == []
    assert tick(one, 11) == [
        UpdateFailed(
            desk="acme",
            at=at(11),
            update_id=request.update_id,
            case_id="case-1",
            reference="AC-7K3Q9XM",
            update_kind="acknowledged",
            channel="email",
            provider="mime",
            attempts=1,
            reason="in_doubt",
            detail="no sender told what came of it; it may have been sent, so it is not sent again",
        )
    ]
    assert tick(one, 600) == []


def test_webhooks_are_repeated_under_the_same_id() -> None:
    """A webhook without an outcome is requested again, with the next attempt, and in the end in doubt."""
    one = core()
    (request,) = told(one, opened(reply_to=CHAT))
    assert tick(one, 11) == [request.model_copy(update={"attempt": 2, "at": at(11)})]
    assert tick(one, 22) == [request.model_copy(update={"attempt": 3, "at": at(22)})]
    (failed,) = tick(one, 33)
    assert (failed.kind, failed.reason, failed.attempts) == ("update_failed", "in_doubt", 3)
    assert tick(one, 600) == []


def test_an_outcome_between_attempts_ends_them() -> None:
    """An outcome of any attempt is the update's."""
    one = core()
    (request,) = told(one, opened(reply_to=CHAT))
    tick(one, 11)
    step(one, "event", delivered(request), at(12))
    assert tick(one, 600) == []


@pytest.mark.parametrize("sending", [{}, {"email": {"url": "smtp://h", "sender": "a@b.example"}}])
def test_without_a_webhook_nothing_is_repeated(sending: dict[str, object]) -> None:
    """What cannot be repeated under a key is not."""
    one = core(policy(sending=sending))
    told(one, opened(reply_to=CHAT))
    assert [type(fact) for fact in tick(one, 11)] == [UpdateFailed]


def test_deadlines_have_ids_of_their_own() -> None:
    """What follows from a deadline derives from the update and its attempt, also when it is decided again."""
    one = core()
    (request,) = told(one, opened())
    assert one.next_deadline() == at(11)
    assert one.take_due(at(11)) == Due(
        derive_id(request.update_id, "outcome-missing", 1), OutcomeMissing("case-1", request.update_id, 1)
    )
    assert one.take_due(at(11)) is None


def test_an_ended_case_is_forgotten() -> None:
    """A week after its end nothing is left of a case, in memory and in the changelog."""
    one = core()
    told(one, opened(acknowledge=False, automatic=True), resolved(agent_id=None))
    list(one.take_changes())
    ended = at(4) + REMEMBER
    assert tick(one, (ended - NOON) / timedelta(minutes=1) - 1) == []
    assert tick(one, (ended - NOON) / timedelta(minutes=1)) == [Forgotten("case-1")]
    assert one.cases == {}
    assert list(one.take_changes()) == [("case-1", None)]


def test_a_case_that_goes_on_is_kept() -> None:
    """A customer who writes again within the week is still known."""
    one = core()
    told(one, opened(acknowledge=False), resolved(agent_id=None), message(at=at(60)))
    assert tick(one, 60 * 24 * 8) == []
    assert [u.update_kind for u in told(one, assigned(at=at(60 * 24 * 8)))] == ["assigned"]


def test_the_week_counts_from_the_last_end() -> None:
    """A case that ended twice is kept for a week from the second time on."""
    one = core()
    again = message(at=at(60)), resolved(agent_id=None, at=at(24 * 60))
    told(one, opened(acknowledge=False), resolved(agent_id=None), *again)
    assert tick(one, 8 * 24 * 60 - 1) == []
    assert tick(one, 8 * 24 * 60) == [Forgotten("case-1")]


def test_a_case_waits_for_its_last_outcome() -> None:
    """What was told just before the week is over is settled before the case is forgotten."""
    one = core()
    week = 4 + 7 * 24 * 60
    told(one, opened(acknowledge=False), resolved(agent_id=None), replied(at=at(week - 1)))
    assert tick(one, week) == []
    assert [type(fact) for fact in tick(one, week + 10)] == [UpdateFailed]
    assert tick(one, week + 10.1) == [Forgotten("case-1")]
