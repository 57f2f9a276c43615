"""Ingest's application in this process, over a real Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from prometheus_client import REGISTRY

from runtime import asyncapi
from runtime.health import Health
from runtime.settings import KafkaSettings, Settings
from services.ingest.doors import Door, open_doors
from services.ingest.endpoint import Endpoint, build
from services.ingest.publishing import Publisher
from tests.unit.ingest.provider_side import ENVIRONMENT, Sent, policy

MAX_BODY = 4_000_000


@dataclass
class Application:
    """The application, a client for it, and where it publishes."""

    http: httpx.AsyncClient
    endpoint: Endpoint
    doors: dict[tuple[str, str, str], Door]
    settings: Settings
    kafka: KafkaSettings

    async def send(self, sent: Sent, **headers: str) -> httpx.Response:
        return await self.http.post(sent.path, content=sent.body, headers={**sent.headers, **headers})


@pytest.fixture
async def application(installation, kafka, monkeypatch) -> AsyncIterator[Application]:
    """Connected to Kafka; takes at most 4 MB. A test may put doors of its own into `doors`."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    settings = installation.model_copy(update={"public_url": "https://help.acme.example", "max_body_bytes": MAX_BODY})
    doors = dict(open_doors(policy()))
    topics = settings.topics()
    publisher = Publisher(kafka, topics)
    health = Health(started=True, readiness=[publisher.ready])
    endpoint = Endpoint(doors, publisher, settings)
    app = build(endpoint, health, asyncapi.describe("ingest", topics, "kafka:9092"))
    stopping = asyncio.Event()
    running = asyncio.create_task(publisher.run(stopping, health))
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://ingest:8080", timeout=60) as http:
        async with asyncio.timeout(60):
            while publisher.ready() is not None:  # noqa: ASYNC110 - readiness is asked for, not announced
                await asyncio.sleep(0.02)
        yield Application(http, endpoint, doors, settings, kafka)
    stopping.set()
    await running


def rejected(provider: str, reason: str) -> float:
    """How often requests of `provider` were turned down so, in this process."""
    labels = {"provider": provider, "reason": reason}
    return REGISTRY.get_sample_value("switchboard_messages_rejected_total", labels) or 0.0
