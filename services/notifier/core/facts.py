"""What the core decides beside the public events: its private facts and its deadlines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from schemas.base import ReplyAddress
from schemas.updates import UpdateDelivered, UpdateFailed, UpdateRequested
from services.notifier.core.case import Case


@dataclass(frozen=True, slots=True)
class Known:
    """A case came into sight."""

    case: Case


@dataclass(frozen=True, slots=True)
class CustomerWrote:
    """A person wrote again: answers go there, in that language, and the case is open."""

    case_id: str
    reply_to: ReplyAddress
    language: str


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds the case now; None for nobody."""

    case_id: str
    agent_id: str | None = None
    agent_name: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """An agent has answered."""

    case_id: str


@dataclass(frozen=True, slots=True)
class Reopened:
    """An ended case is open again."""

    case_id: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more is expected in the case."""

    case_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """A sender told what came of an update."""

    request: UpdateRequested
    outcome: UpdateDelivered | UpdateFailed


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The case ended long ago: its state goes."""

    case_id: str


@dataclass(frozen=True, slots=True)
class OutcomeMissing:
    """Deadline: no sender told what came of this attempt."""

    case_id: str
    update_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class RetentionOver:
    """Deadline: the case ended so long ago that nothing will come of it."""

    case_id: str
