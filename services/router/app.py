"""The router as a process: its core on the transactional processor, its metrics, its endpoints."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from starlette.applications import Starlette

from runtime import metrics
from runtime.asyncapi import describe
from runtime.health import Health
from runtime.http import operational_routes
from runtime.policy_file import read_policy
from runtime.processor import Processor
from runtime.serving import listen, serve
from runtime.settings import KafkaSettings, Settings
from runtime.starting import started
from schemas.assignments import CommandRejected
from schemas.base import CHANNELS, PRIORITIES
from schemas.cases import CaseAbandoned, CaseAssigned, CaseOpened, CaseReleased, CaseResolved
from schemas.policy import Policy
from schemas.topics import AGENTS, COMMANDS, MESSAGES, ROUTER_STATE, Service
from services.router.core.router import RouterCore

SERVICE: Final[Service] = "router"
AGENT_STATES: Final = ("available", "busy", "away", "offline")
WAITING: Final = frozenset({"queued", "offered"})


async def run(settings: Settings, kafka: KafkaSettings) -> None:
    """Run until told to stop. Raises Refusal when the policy, a setting or the topics are wrong."""
    policy = read_policy(settings.policy)
    topics = settings.topics()
    health = Health()
    _create_label_sets(policy)
    processor = Processor(
        service=SERVICE,
        # Who the agents are is read before what they do.
        inputs=(AGENTS, COMMANDS, MESSAGES),
        changelog=ROUTER_STATE,
        core=lambda _: RouterCore(policy),
        settings=settings,
        kafka=kafka,
        health=health,
        observe=observe,
        gauges=lambda cores: gauge(policy, cast("Mapping[int, RouterCore]", cores)),
    )

    async def work(stopping: asyncio.Event) -> None:
        if await started(kafka, topics, health, stopping):
            await processor.run(stopping)

    app = Starlette(routes=operational_routes(health, describe(SERVICE, topics, kafka.bootstrap_servers)))
    await serve(app, work, sock=listen(settings, SERVICE), settings=settings, health=health)


def observe(facts: Sequence[Any]) -> None:
    """Count what was decided, once it is committed."""
    for fact in facts:
        match fact:
            case CaseOpened():
                metrics.CASES_OPENED.labels(fact.desk, fact.channel).inc()
            case CaseAssigned():
                metrics.CASES_ASSIGNED.labels(fact.desk, fact.priority, fact.channel).inc()
                metrics.CASE_WAIT_SECONDS.labels(fact.desk, fact.priority).observe(fact.waited_seconds)
            case CaseReleased():
                metrics.CASES_RELEASED.labels(fact.desk, fact.reason).inc()
            case CaseResolved():
                metrics.CASES_RESOLVED.labels(fact.desk).inc()
            case CaseAbandoned():
                metrics.CASES_ABANDONED.labels(fact.desk, fact.channel).inc()
            case CommandRejected():
                metrics.COMMANDS_REJECTED.labels(fact.desk, fact.reason).inc()


def gauge(policy: Policy, cores: Mapping[int, RouterCore]) -> None:
    """Say what is waiting and who is there, in the partitions that this process owns."""
    desks = {desk.id: desk for core in cores.values() for desk in core.desks.values()}
    for desk_id in policy.desks:
        desk = desks.get(desk_id)
        waiting = Counter(c.priority for c in desk.cases.values() if c.status in WAITING) if desk else Counter[Any]()
        states = Counter(desk.agent_states()) if desk else Counter[str]()
        for priority in PRIORITIES:
            metrics.CASES_WAITING.labels(desk_id, priority).set(waiting[priority])
        for state in AGENT_STATES:
            metrics.AGENTS.labels(desk_id, state).set(states[state])


def _create_label_sets(policy: Policy) -> None:
    """Have every series from the start, at zero: a rate over one that appears later misses its first."""
    for desk in policy.desks:
        metrics.CASES_RESOLVED.labels(desk)
        for channel in CHANNELS:
            metrics.CASES_OPENED.labels(desk, channel)
            metrics.CASES_ABANDONED.labels(desk, channel)
        for priority in PRIORITIES:
            metrics.CASE_WAIT_SECONDS.labels(desk, priority)
            for channel in CHANNELS:
                metrics.CASES_ASSIGNED.labels(desk, priority, channel)
        for reason in ("declined", "offer_expired", "agent_lost", "transferred"):
            metrics.CASES_RELEASED.labels(desk, reason)
