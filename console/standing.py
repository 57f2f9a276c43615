"""How a case stands after an event."""

from __future__ import annotations

from typing import Final, Literal

from schemas.cases import (
    AgentReplied,
    CaseAbandoned,
    CaseAssigned,
    CaseEvent,
    CaseMerged,
    CaseQueued,
    CaseReleased,
    CaseReopened,
    CaseResolved,
    CaseWaiting,
    MessageAdded,
)

Standing = Literal["queued", "assigned", "with customer", "resolved", "abandoned", "merged"]

_AFTER: Final[dict[type[CaseEvent], Standing]] = {
    CaseQueued: "queued",
    CaseAssigned: "assigned",
    CaseReleased: "queued",
    AgentReplied: "assigned",
    CaseWaiting: "with customer",
    CaseResolved: "resolved",
    CaseReopened: "queued",
    CaseAbandoned: "abandoned",
    CaseMerged: "merged",
}


def after(before: Standing, event: CaseEvent) -> Standing:
    """How the case stands when `event` has happened."""
    if isinstance(event, MessageAdded) and before == "with customer" and not event.automatic:
        return "assigned"
    return _AFTER.get(type(event), before)
