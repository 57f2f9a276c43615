"""What follows when a time is over, leases apart (see presence)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from schemas.base import Reason
from services.router.core.decisions.releasing import release
from services.router.core.desk import Desk
from services.router.core.facts import (
    CustomerForgotten,
    ExclusionEnds,
    ExclusionLifted,
    ForgetCustomer,
    ForgetId,
    IdForgotten,
    OfferRanOut,
)


def offer_ran_out(desk: Desk, _: str, command: OfferRanOut, now: datetime) -> Sequence[Any]:
    """The agent did not answer the offer: it goes to somebody else."""
    case = desk.cases[command.case_id]
    assert case.offer is not None
    text = f"{case.offer.agent_id} did not answer within {desk.policy.offers.expire:.0f} s"
    return release(desk, case, "offer_expired", [Reason(rule="offer-expired", text=text)], now)


def exclusion_ends(desk: Desk, _: str, command: ExclusionEnds, __: datetime) -> Sequence[Any]:
    """The agent may be asked again."""
    return [ExclusionLifted(desk.id, command.case_id, command.agent_id)]


def forget_id(desk: Desk, _: str, command: ForgetId, __: datetime) -> Sequence[Any]:
    """No repeat is expected any more."""
    return [IdForgotten(desk.id, command.id)]


def forget_customer(desk: Desk, _: str, command: ForgetCustomer, __: datetime) -> Sequence[Any]:
    """The identifiers of a customer who was silent for long are dropped."""
    return [CustomerForgotten(desk.id, command.customer_id)]
