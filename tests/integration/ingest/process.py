"""A running ingest, and what it put on its topic."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from aiokafka import ConsumerRecord

from runtime.kafka import reader
from runtime.settings import KafkaSettings, Settings
from schemas.topics import MESSAGES
from tests.integration.service_process import HANG_SECONDS, ServiceProcess, serving
from tests.unit.ingest.provider_side import ENVIRONMENT, POLICY, Sent


@dataclass
class Ingest(ServiceProcess):
    """The process, what it logged, and a client for it."""

    async def send(self, sent: Sent) -> httpx.Response:
        return await self.http.post(sent.path, content=sent.body, headers=dict(sent.headers))

    @property
    def lines(self) -> list[str]:
        """The log as it was written, near enough."""
        return [json.dumps(entry, ensure_ascii=False) for entry in self.log]


@contextlib.asynccontextmanager
async def running(settings: Settings, kafka: KafkaSettings, folder: Path, **more: str) -> AsyncIterator[Ingest]:
    """`switchboard serve ingest` on a free port, with the policy of the tests."""
    policy = folder / "policy.yaml"
    policy.write_text(POLICY)
    environment = {**ENVIRONMENT, "SWITCHBOARD_PUBLIC_URL": "https://help.acme.example", **more}
    async with serving("ingest", settings, kafka, policy, environment) as service:
        yield Ingest(service.process, service.url, service.http, service.log)


async def published(settings: Settings, kafka: KafkaSettings, count: int) -> list[ConsumerRecord]:
    """The first `count` records of the messages topic, by partition and offset."""
    consumer = reader(kafka, settings.topics().name(MESSAGES))
    await consumer.start()
    found: list[ConsumerRecord] = []
    try:
        async with asyncio.timeout(HANG_SECONDS):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found.extend(records)
    finally:
        await consumer.stop()
    return found
