"""Ingest's endpoint with messengers' sources, and what it would publish."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import httpx

from runtime.health import Health
from runtime.settings import Settings
from schemas.codec import Encoded, decode
from services.ingest.endpoint import Endpoint, build
from services.ingest.provider import Request
from tests.unit.ingest.messenger_side import NOW, SIDES, door, path


@dataclass
class Published:
    """Stands where the publisher does and keeps what it is given. What Kafka does to it is tested on Kafka."""

    records: list[Encoded] = field(default_factory=list)

    async def publish(self, records: Sequence[Encoded]) -> None:
        self.records += records


@dataclass
class Application:
    """The endpoint by HTTP."""

    http: httpx.AsyncClient
    published: Published

    async def send(self, name: str, sent: Request) -> httpx.Response:
        return await self.http.post(path(name), content=sent.body, headers=dict(sent.headers))

    def events(self) -> list[object]:
        """What was published, read back."""
        return [decode(record.value, record.headers).event for record in self.published.records]


@contextlib.asynccontextmanager
async def application(*, proved: bool = True) -> AsyncIterator[Application]:
    doors = {("acme", side.channel, name): door(name, proved=proved) for name, side in SIDES.items()}
    published = Published()
    app = build(Endpoint(doors, published, Settings(), clock=lambda: NOW), Health(), {})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://help.acme.example") as http:
        yield Application(http, published)
