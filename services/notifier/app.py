"""The notifier's process: the cores that decide what is told, the senders that tell it, and the endpoints."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from starlette.applications import Starlette

from runtime.asyncapi import describe
from runtime.health import Health
from runtime.http import operational_routes
from runtime.policy_file import read_policy
from runtime.processor import Processor
from runtime.refusal import Refusal
from runtime.serving import listen, serve
from runtime.settings import KafkaSettings, Settings
from runtime.starting import started
from schemas.policy import Policy
from schemas.topics import CASES, NOTIFIER_STATE, SLA, UPDATES, Service
from services.notifier import figures
from services.notifier.core.core import NotifierCore, Patience
from services.notifier.core.templates import BadTemplate, Templates
from services.notifier.senders.senders import Senders
from services.notifier.senders.servers import servers

SERVICE: Final[Service] = "notifier"


async def run(settings: Settings, kafka: KafkaSettings) -> None:
    """Tell customers until SIGTERM. Raises Refusal for a policy, a secret or a setting that is wrong."""
    policy = read_policy(settings.policy)
    templates = _templates(policy)
    patience = _patience(settings)
    figures.begin(policy)
    topics = settings.topics()
    health = Health()
    processor = Processor(
        service=SERVICE,
        inputs=(CASES, SLA, UPDATES),
        changelog=NOTIFIER_STATE,
        core=lambda _: NotifierCore(policy, templates, patience),
        settings=settings,
        kafka=kafka,
        health=health,
        observe=figures.observe,
    )
    senders = Senders(policy, servers(policy), settings, kafka)
    health.readiness.append(senders.unready)

    async def work(stopping: asyncio.Event) -> None:
        if not await started(kafka, topics, health, stopping):
            return
        async with asyncio.TaskGroup() as both:
            both.create_task(processor.run(stopping))
            both.create_task(senders.run(stopping))

    app = Starlette(routes=operational_routes(health, describe(SERVICE, topics, kafka.bootstrap_servers)))
    await serve(app, work, sock=listen(settings, SERVICE), settings=settings, health=health)


def _templates(policy: Policy) -> Templates:
    try:
        return Templates(policy)
    except BadTemplate as error:
        raise Refusal(f"the policy's template cannot be used: {error}") from error


def _patience(settings: Settings) -> Patience:
    if settings.outcome_seconds <= settings.delivery_seconds:
        raise Refusal(
            f"SWITCHBOARD_OUTCOME_SECONDS ({settings.outcome_seconds:g}) must be above "
            f"SWITCHBOARD_DELIVERY_SECONDS ({settings.delivery_seconds:g}): an update is given up only when "
            "no sender tries it any more"
        )
    return Patience(timedelta(seconds=settings.outcome_seconds), settings.update_attempts)
