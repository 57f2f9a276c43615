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
from services.ingest.publishing import Publisher

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
    raw_topic = raw.consumer(policy, Accepting(publisher), settings, kafka)
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
        async def others() -> None:
            """The ways in beside HTTP, when there is something to publish to."""
            await start()
            await raw_topic.run(stopping)

        try:
            async with asyncio.TaskGroup() as group:
                starting = group.create_task(others(), name="others")
                await publisher.run(stopping, health)
                if not health.started:
                    starting.cancel()
        except* Refusal as refused:
            raise refused.exceptions[0] from None

    await serve(app, work, sock=listen(settings, "ingest"), settings=settings, health=health, requests_first=True)
