"""Mail from mailboxes: polled, published, and put away only when Kafka has it.

Killed in between, the mail is taken once more and has the same event id. Of several processes the one that
reads a desk's partition of the raw topic polls the desk's mailbox: the group that shares out the partitions
shares out the mailboxes too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from runtime import metrics
from runtime.processor.failures import describe
from runtime.settings import Settings
from services.ingest.accepting import Accepting
from services.ingest.doors import Door, Doors
from services.ingest.mailbox import Address, Mailbox, Unreachable
from services.ingest.provider import REASONS, Reason, Rejected, Request

log = structlog.get_logger(__name__)

NAME: Final = "imap"
LONGEST_PAUSE_SECONDS: Final = 300.0
"""Between two attempts to reach a server; those that are asked too often shut us out."""


class MailboxPolling:
    """All mailboxes of the policy. One for each process."""

    def __init__(self, doors: Doors, accepting: Accepting, ours: Callable[[str], bool], settings: Settings) -> None:
        """`ours` says of a desk whether its mailbox is this process's to poll."""
        self._doors = [d for d in doors.values() if (d.provider.channel, d.provider.name) == ("email", NAME)]
        self._accepting = accepting
        self._ours = ours
        self._every = settings.imap_poll_seconds
        self._limit = settings.max_body_bytes
        if self._doors:
            for reason in REASONS:
                metrics.MESSAGES_REJECTED.labels(NAME, reason)

    async def run(self, stopping: asyncio.Event) -> None:
        """Poll until told to stop; then finish the mail that is under way."""
        async with asyncio.TaskGroup() as group:
            for door in self._doors:
                group.create_task(self._poll(door, stopping), name=f"mailbox of {door.desk}")

    async def _poll(self, door: Door, stopping: asyncio.Event) -> None:
        mailbox = Mailbox([Address.read(secret) for secret in door.secrets])
        told: str | None = None
        pause = self._every
        while not stopping.is_set():
            try:
                if self._ours(door.desk):
                    await self._empty(door, mailbox, stopping)
                else:
                    await asyncio.to_thread(mailbox.close)
                why, pause = None, self._every
            except Unreachable as error:
                await asyncio.to_thread(mailbox.close)
                why, pause = str(error), min(pause * 2, max(LONGEST_PAUSE_SECONDS, self._every))
            except Rejected as rejected:  # Kafka is away
                why, pause = rejected.detail, self._every
            if why != told and why is not None:
                log.warning("a mailbox cannot be emptied now", desk=door.desk, provider=NAME, error=why)
            elif why != told:
                log.info("a mailbox can be emptied again", desk=door.desk, provider=NAME)
            told = why
            await _unless(stopping, pause)
        await asyncio.to_thread(mailbox.close)

    async def _empty(self, door: Door, mailbox: Mailbox, stopping: asyncio.Event) -> None:
        """Take what lies there, the oldest first. Raises Unreachable, and Rejected(unavailable) while Kafka is
        away: the mail then stays as it is.
        """
        for uid in await asyncio.to_thread(mailbox.waiting):
            if stopping.is_set() or not self._ours(door.desk):
                return
            try:
                if not await self._take(door, mailbox, uid):
                    continue
            except Rejected as rejected:
                if rejected.reason == "unavailable":
                    raise
                reason: Reason = rejected.reason
            except Unreachable:
                raise
            except Exception as error:  # noqa: BLE001 - a parser's bug must not stop the mailbox, nor go unseen
                log.error("a mail failed", desk=door.desk, provider=NAME, error=describe(error))  # noqa: TRY400 - its text may quote a customer
                reason = "failed"
            else:
                await asyncio.to_thread(mailbox.put_away, uid)
                continue
            await self._refuse(door, mailbox, uid, reason)

    async def _take(self, door: Door, mailbox: Mailbox, uid: bytes) -> bool:
        """Whether the mail was still there, and is on Kafka now. Raises Rejected and Unreachable."""
        try:
            mail = await asyncio.to_thread(mailbox.fetch, uid, self._limit)
        except ValueError as error:
            raise Rejected("too_large", str(error)) from error
        if mail is None:
            return False
        request = Request("POST", f"/v1/desks/{door.desk}/email/{NAME}", {}, {}, mail)
        events = await self._accepting.parse(door.desk, door.policy, door.provider, request, proven=True)
        await self._accepting.publish(events)
        return True

    async def _refuse(self, door: Door, mailbox: Mailbox, uid: bytes, reason: Reason) -> None:
        """The mail stays on the server, for a person to look at."""
        await asyncio.to_thread(mailbox.put_away, uid, refused=True)
        metrics.MESSAGES_REJECTED.labels(NAME, reason).inc()
        log.warning("mail refused", desk=door.desk, provider=NAME, reason=reason)


async def _unless(event: asyncio.Event, seconds: float) -> None:
    """Sleep, but not beyond the event."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
