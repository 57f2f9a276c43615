"""The process: policy and settings in, providers' requests served until it is told to stop."""

from __future__ import annotations

import asyncio

import structlog

from runtime import asyncapi, topic_admin
from runtime.health import Health
from runtime.policy_file import read_policy
from runtime.refusal import Refusal
from runtime.serving import listen, serve
from runtime.settings import KafkaSettings, Settings
from services.ingest import raw
from services.ingest.accepting import Accepting
from services.ingest.doors import open_doors
from services.ingest.endpoint import Endpoint, build
from services.ingest.imap import MailboxPolling
from services.ingest.publishing import Publisher
from services.ingest.smtp import SmtpServer

log = structlog.get_logger(__name__)


async def run(settings: Settings, kafka: KafkaSettings) -> None:
    """Serve until SIGTERM or SIGINT, open requests first. Raises Refusal on a bad policy or setting.

    Kafka may be away: requests are then answered with 503 until it is there.
    """
    policy = read_policy(settings.policy)
    doors = open_doors(policy)
    if not doors:
        log.warning("no desk of the policy has an intake, so nothing can come in")
    topics = settings.topics()
    publisher = Publisher(kafka, topics)
    accepting = Accepting(publisher)
    share = raw.Share(topics)
    raw_topic = raw.consumer(policy, accepting, share, settings, kafka)
    mailboxes = MailboxPolling(doors, accepting, share.__contains__, settings)
    smtp = SmtpServer(doors, accepting, publisher, settings)
    if settings.smtp_port is None and smtp.recipients:
        log.warning("the policy has addresses, but SWITCHBOARD_SMTP_PORT is not set, so no mail comes by SMTP")
    mail_sock = None if settings.smtp_port is None else smtp.listen()
    health = Health()
    health.readiness.append(publisher.ready)
    app = build(
        Endpoint(doors, publisher, settings),
        health,
        asyncapi.describe("ingest", topics, kafka.bootstrap_servers),
    )

    async def start() -> None:
        await topic_admin.wait_for_topics(kafka, topics)
        health.started = True

    async def work(stopping: asyncio.Event) -> None:
        async def when_started() -> None:
            await start()
            async with asyncio.TaskGroup() as group:
                group.create_task(raw_topic.run(stopping), name="raw topic")
                group.create_task(mailboxes.run(stopping), name="mailboxes")

        nothing_to_publish = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                publishing = group.create_task(publisher.run(nothing_to_publish, health), name="publisher")
                started = group.create_task(when_started(), name="raw topic, mailboxes")
                if mail_sock is not None:
                    await smtp.run(mail_sock, stopping)
                await stopping.wait()
                if not health.started:
                    started.cancel()
                await asyncio.wait({started})
                # Last, because what is under way elsewhere needs it.
                nothing_to_publish.set()
                await publishing
        except* Refusal as refused:
            raise refused.exceptions[0] from None

    await serve(app, work, sock=listen(settings, "ingest"), settings=settings, health=health, requests_first=True)
