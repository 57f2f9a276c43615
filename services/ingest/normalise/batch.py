"""Several mails in one request, of which one may be past reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog

from schemas.messages import MessageReceived
from services.ingest.provider import Rejected

log = structlog.get_logger(__name__)

Item = TypeVar("Item")


def each(items: Iterable[Item], read: Callable[[Item], MessageReceived]) -> list[MessageReceived]:
    """The messages of all items that can be read. Raises Rejected when there are items but none can.

    A request is answered as a whole: if one mail without an author turned it down, the provider would bring
    its neighbours again and again, and then drop them all.
    """
    messages: list[MessageReceived] = []
    refusals: list[Rejected] = []
    for item in items:
        try:
            messages.append(read(item))
        except Rejected as rejected:
            refusals.append(rejected)
    if refusals and not messages:
        raise refusals[0]
    for refusal in refusals:
        log.warning("a mail was left out of its batch", reason=refusal.reason)
    return messages
