"""Handing one update over: tried until it is taken, refused, or its time is up; and the event that says so.

A sender's `Attempt` makes one try and raises what came of it: NotNow, Refused or InDoubt.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, Literal

import stamina
import structlog

from runtime.clock import Clock
from runtime.metrics import DELIVERY_SECONDS
from schemas.updates import UpdateDelivered, UpdateFailed, UpdateRequested

log = structlog.get_logger(__name__)

ANSWERED_ATTEMPTS: Final = 5
"""Of a server that answers, but not now: it must not hold up what waits behind. One that does not answer
at all is tried until the time is up.
"""

Attempt = Callable[[], Awaitable[str | None]]
"""Hands the update over; returns what the other side calls it, when it says."""
Outcome = UpdateDelivered | UpdateFailed
Reason = Literal["refused", "unreachable", "no_sender", "in_doubt"]


class NotNow(Exception):
    """It was not handed over, and that is certain. To do: try again."""

    def __init__(self, detail: str, *, answered: bool = False) -> None:
        super().__init__(detail)
        self.answered = answered


class Refused(Exception):
    """The other side will not take it. To do: tell; trying again gives the same."""


class InDoubt(Exception):
    """It may have been handed over. To do: tell; never try again."""


class NotOurs(Exception):
    """Somebody else sends it, now or after our end. To do: drop it without a word."""


async def hand_over(update: UpdateRequested, attempt: Attempt, *, within: timedelta, clock: Clock) -> Outcome | None:
    """The outcome of `update`, tried until `within` after its request.

    None when that time was over before the first try: the core's ledger tells of it. Raises NotOurs.
    """
    left = (update.at + within - clock()).total_seconds()
    if left <= 0:
        return None
    tries = 0
    try:
        async for again in stamina.retry_context(
            on=NotNow, attempts=None, timeout=left, wait_initial=0.2, wait_max=10.0, wait_jitter=0.5
        ):
            with again:
                tries = again.num
                taken_as = await _once(update, attempt, tries)
    except NotNow as error:
        return failed(update, clock, tries, "unreachable", str(error))
    except Refused as error:
        return failed(update, clock, tries, "refused", str(error))
    except InDoubt as error:
        return failed(update, clock, tries, "in_doubt", str(error))
    return UpdateDelivered(
        desk=update.desk,
        at=clock(),
        update_id=update.update_id,
        case_id=update.case_id,
        reference=update.reference,
        update_kind=update.update_kind,
        channel=update.reply_to.channel,
        provider=update.reply_to.provider,
        attempts=tries,
        provider_message_id=taken_as,
    )


async def _once(update: UpdateRequested, attempt: Attempt, number: int) -> str | None:
    with DELIVERY_SECONDS.labels(update.reply_to.channel).time():
        try:
            return await attempt()
        except NotNow as error:
            log.info("an update could not be handed over", update_id=update.update_id, attempt=number, desk=update.desk)
            if error.answered and number >= ANSWERED_ATTEMPTS:
                raise Refused(f"put off {number} times: {error}") from error
            raise


def failed(update: UpdateRequested, clock: Clock, tries: int, reason: Reason, detail: str) -> UpdateFailed:
    """The event that says that `update` did not get through."""
    return UpdateFailed(
        desk=update.desk,
        at=clock(),
        update_id=update.update_id,
        case_id=update.case_id,
        reference=update.reference,
        update_kind=update.update_kind,
        channel=update.reply_to.channel,
        provider=update.reply_to.provider,
        attempts=tries,
        reason=reason,
        detail=detail[:500],
    )
