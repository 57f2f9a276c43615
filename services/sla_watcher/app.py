"""The sla-watcher's process: the cores of its partitions, run on Kafka, and its endpoints."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.applications import Starlette

from runtime.asyncapi import describe
from runtime.health import Health
from runtime.http import operational_routes
from runtime.policy_file import read_policy
from runtime.processor import Processor
from runtime.serving import listen, serve
from runtime.settings import KafkaSettings, Settings
from runtime.starting import started
from schemas.topics import CASES, SLA_WATCHER_STATE, Service
from services.sla_watcher import figures
from services.sla_watcher.core.watcher import Watcher

SERVICE: Final[Service] = "sla-watcher"


async def run(settings: Settings, kafka: KafkaSettings) -> None:
    """Watch the clocks until SIGTERM. Raises Refusal for a policy or setting that is wrong."""
    policy = read_policy(settings.policy)
    figures.begin(policy.desks)
    topics = settings.topics()
    health = Health()
    processor = Processor(
        service=SERVICE,
        inputs=(CASES,),
        changelog=SLA_WATCHER_STATE,
        core=lambda _: Watcher(policy),
        settings=settings,
        kafka=kafka,
        health=health,
        observe=figures.observe,
    )

    async def work(stopping: asyncio.Event) -> None:
        if await started(kafka, topics, health, stopping):
            await processor.run(stopping)

    app = Starlette(routes=operational_routes(health, describe(SERVICE, topics, kafka.bootstrap_servers)))
    await serve(app, work, sock=listen(settings, SERVICE), settings=settings, health=health)
