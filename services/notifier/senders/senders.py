"""Both groups on one FastStream broker: started when Kafka is there, stopped in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import structlog
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage
from faststream.middlewares import AckPolicy
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from runtime import kafka as kafka_clients
from runtime.clock import Clock, utc_now
from runtime.settings import KafkaSettings, Settings
from schemas.policy import Policy
from schemas.topics import UPDATES
from services.notifier.senders.mail_group import MailGroup, MailLane
from services.notifier.senders.outcomes import Outcomes
from services.notifier.senders.records import parse, whole
from services.notifier.senders.servers import Servers
from services.notifier.senders.webhook_group import WebhookGroup

log = structlog.get_logger(__name__)

MAIL_LANES: Final = 2
"""Mails at once in one process, each from partitions of its own."""
RETRY_SECONDS: Final = 2.0
HEARTBEAT_MS: Final = 1000
"""Also how soon a consumer hears that another one comes or goes."""
REBALANCE_SECONDS: Final = 30
"""How long the other members wait for one whose partitions go."""
STOP_SECONDS: Final = 40.0
"""A mail whose content is leaving is waited for."""


class Senders:
    """The edge of the notifier. One instance for each process."""

    def __init__(
        self, policy: Policy, servers: Servers, settings: Settings, kafka: KafkaSettings, clock: Clock = utc_now
    ) -> None:
        self._policy = policy
        self._servers = servers
        self._settings = settings
        self._kafka = kafka
        self._clock = clock
        self._listeners: tuple[MailLane | WebhookGroup, ...] = ()

    def unready(self) -> str | None:
        """Why nothing can be sent now; None when all consumers have joined and outcomes can be published."""
        if not self._listeners:
            return "senders: not connected to Kafka"
        return None if all(listener.joined for listener in self._listeners) else "senders: joining their groups"

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until `stopping` is set. After any failure of Kafka's all clients are made anew."""
        asked = asyncio.create_task(stopping.wait())
        try:
            while not asked.done():
                try:
                    await self._session(asked)
                except KafkaError as error:
                    log.warning("the senders connect anew", error=repr(error), seconds=RETRY_SECONDS)
                    await asyncio.wait({asked}, timeout=RETRY_SECONDS)
        finally:
            asked.cancel()

    async def _session(self, asked: asyncio.Task[Any]) -> None:
        failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def fail(error: BaseException) -> None:
            if not failure.done():
                failure.set_exception(error)

        within = timedelta(seconds=self._settings.delivery_seconds)
        producer = kafka_clients.producer(self._kafka)
        outcomes = Outcomes(producer, self._settings.topics())
        mail = MailGroup(self._policy, self._servers.mail, outcomes, within, self._clock)
        lanes = [MailLane(mail) for _ in range(min(MAIL_LANES, self._settings.partitions))]
        webhooks = WebhookGroup(self._policy, self._servers.webhooks, outcomes, within, self._clock, fail)
        broker = self._broker(lanes, webhooks, fail)
        committing = asyncio.create_task(webhooks.commit_forever())
        try:
            await producer.start()
            await broker.start()
            self._listeners = (*lanes, webhooks)
            done, _ = await asyncio.wait({asked, committing, failure}, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
        finally:
            self._listeners = ()
            mail.stopping = True
            for lane in lanes:
                lane.stop()
            await webhooks.stop()
            committing.cancel()
            await broker.stop()
            await kafka_clients.close(producer)

    def _broker(
        self, lanes: list[MailLane], webhooks: WebhookGroup, fail: Callable[[BaseException], None]
    ) -> KafkaBroker:
        """FastStream's broker with a subscriber for each lane and one for the webhooks.

        Not left to FastStream's defaults: when offsets are committed (it would commit on a timer, before
        the work), where a new group begins (it would begin at the end), uncommitted records, types read
        from handlers' signatures, topics made by itself, and its own producer.
        """
        broker = KafkaBroker(
            self._kafka.bootstrap_servers.split(","),
            security=security(self._kafka),
            consumer_only=True,
            allow_auto_create_topics=False,
            apply_types=False,
            graceful_timeout=STOP_SECONDS,
            logger=None,
            parser=parse,
            decoder=whole,
        )
        listeners: list[tuple[str, MailLane | WebhookGroup]] = [("mail", lane) for lane in lanes]
        for group, listener in (*listeners, ("webhooks", webhooks)):
            subscriber = broker.subscriber(
                self._settings.topics().name(UPDATES),
                group_id=self._settings.group(f"notifier-{group}"),
                listener=listener,
                ack_policy=AckPolicy.MANUAL,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                no_reply=True,
                session_timeout_ms=int(self._settings.session_seconds * 1000),
                heartbeat_interval_ms=HEARTBEAT_MS,
                # A mail may be tried for all of its time before the next record is asked for.
                max_poll_interval_ms=int(self._settings.delivery_seconds * 1000) + 60_000,
                rebalance_timeout_ms=REBALANCE_SECONDS * 1000,
            )
            subscriber(_guarded(listener.handle, fail))
        return broker


def _guarded(
    handle: Callable[[KafkaMessage], Awaitable[None]], fail: Callable[[BaseException], None]
) -> Callable[[KafkaMessage], Awaitable[None]]:
    """FastStream logs what a handler raises and goes on to the next record; here it ends the session."""

    async def guarded(message: KafkaMessage) -> None:
        try:
            await handle(message)
        except Exception as error:  # noqa: BLE001 - handed on, not swallowed
            fail(error)

    return guarded


def security(kafka: KafkaSettings) -> BaseSecurity | None:
    """The same settings in FastStream's words. Raises Refusal as `KafkaSettings.client` does."""
    arguments = kafka.client()
    tls = arguments.get("ssl_context")
    if "sasl_mechanism" not in arguments:
        return None if tls is None else BaseSecurity(ssl_context=tls)
    kind = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}[
        arguments["sasl_mechanism"]
    ]
    return kind(arguments["sasl_plain_username"], arguments["sasl_plain_password"], ssl_context=tls)
