"""What happened, as metrics. Called with facts after their commit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, get_args

from runtime.metrics import PROMISES, UPDATES
from schemas.base import CHANNELS
from schemas.policy import Policy
from schemas.updates import UpdateFailed, UpdateKind, UpdateRequested
from services.notifier.core.facts import Settled

OUTCOMES: Final = ("requested", "delivered", "failed")


def begin(policy: Policy) -> None:
    """Every label set at zero, so that rates exist before the first event.

    No text promises a time, so promises stay at zero until one does.
    """
    for desk in policy.desks:
        for outcome in OUTCOMES:
            for channel in CHANNELS:
                for kind in get_args(UpdateKind):
                    UPDATES.labels(desk, channel, kind, outcome)
        for outcome in ("kept", "broken"):
            PROMISES.labels(desk, outcome)


def observe(facts: Iterable[Any]) -> None:
    """Count each update once when it is requested, once when it is settled."""
    for fact in facts:
        match fact:
            case UpdateRequested(attempt=1):
                UPDATES.labels(fact.desk, fact.reply_to.channel, fact.update_kind, "requested").inc()
            case UpdateFailed():
                UPDATES.labels(fact.desk, fact.channel, fact.update_kind, "failed").inc()
            case Settled(request, outcome):
                came = "failed" if isinstance(outcome, UpdateFailed) else "delivered"
                UPDATES.labels(request.desk, request.reply_to.channel, request.update_kind, came).inc()
