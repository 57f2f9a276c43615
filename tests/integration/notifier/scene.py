"""Updates requested on a real topic, senders that run, and the outcomes that come back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any, Self

from runtime import kafka as clients
from runtime.settings import KafkaSettings, Settings
from schemas.codec import decode, derive_id, encode
from schemas.policy import Policy
from schemas.topics import UPDATES
from schemas.updates import UpdateDelivered, UpdateFailed, UpdateRequested
from services.notifier.senders.senders import Senders
from services.notifier.senders.servers import servers
from tests.unit.notifier import scene
from tests.unit.notifier.scene import CHAT, MAIL

TRACE = f"00-{'1' * 32}-{'2' * 16}-01"
GUARD_SECONDS = 60
"""Nothing takes so long; a test that hangs ends."""


def document(mail_port: int, url: str) -> dict[str, Any]:
    """The desk, with its outside at these places. The secret is in the environment (see conftest)."""
    return scene.document(
        sending={
            "email": {"url": f"smtp://127.0.0.1:{mail_port}", "sender": "Acme Support <support@acme.example>"},
            "webhooks": [{"channel": "chat", "provider": "standard", "url": url, "secret": "env:TEST_ADAPTER_SECRET"}],
        }
    )


def policy(mail_port: int, url: str) -> Policy:
    return Policy.model_validate(document(mail_port, url))


def request(number: int = 1, **changes: Any) -> UpdateRequested:
    case = f"case-{number}"
    return UpdateRequested(
        **{
            "desk": "acme",
            "at": datetime.now(UTC),
            "update_id": derive_id(case, "acknowledged", "m-1"),
            "case_id": case,
            "reference": "AC-7K3Q9XM",
            "update_kind": "acknowledged",
            "reply_to": MAIL,
            "language": "ru",
            "subject": "Мы получили ваше сообщение [AC-7K3Q9XM]",
            "text": "Здравствуйте!\n\nМы получили ваше сообщение.\n",
            "template": "acknowledged.ru",
            "policy_version": "test-1",
            **changes,
        }
    )


def chat(number: int = 1, **changes: Any) -> UpdateRequested:
    return request(number, **{"reply_to": CHAT, "subject": None, **changes})


async def publish(settings: Settings, kafka: KafkaSettings, events: Iterable[Any]) -> None:
    """Put events where they belong."""
    producer = clients.producer(kafka)
    await producer.start()
    try:
        for number, event in enumerate(events):
            record = encode(event, derive_id(event.case_id, event.kind, number), "/test", TRACE)
            await producer.send_and_wait(
                settings.topics().name(record.topic), record.value, key=record.key, headers=record.headers
            )
    finally:
        await clients.close(producer)


@contextlib.asynccontextmanager
async def sending(settings: Settings, kafka: KafkaSettings, rules: Policy) -> AsyncIterator[Senders]:
    """Senders at work; stopped in order at the end."""
    senders = Senders(rules, servers(rules), settings, kafka)
    stopping = asyncio.Event()
    running = asyncio.create_task(senders.run(stopping))
    try:
        async with asyncio.timeout(GUARD_SECONDS):
            while senders.unready() and not running.done():  # noqa: ASYNC110 - as a probe asks
                await asyncio.sleep(0.05)
        yield senders
    finally:
        stopping.set()
        await running


class Outcomes:
    """A reader of the topic `updates`, as anybody outside would be."""

    def __init__(self, settings: Settings, kafka: KafkaSettings) -> None:
        self._consumer = clients.reader(kafka, settings.topics().name(UPDATES))
        self.all: list[tuple[str, UpdateDelivered | UpdateFailed]] = []
        """With their ids, as they lie on the topic."""
        self.requests: list[UpdateRequested] = []
        self.traces: list[str | None] = []

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await clients.close(self._consumer)

    async def until(self, updates: int, seconds: float = GUARD_SECONDS) -> dict[str, Any]:
        """Read until so many updates have an outcome; by update id."""
        async with asyncio.timeout(seconds):
            while len(self.by_update()) < updates:
                await self.read()
        return self.by_update()

    async def read(self) -> None:
        for records in (await self._consumer.getmany(timeout_ms=200)).values():
            for record in records:
                with contextlib.suppress(ValueError):  # some tests put there what nobody can read
                    received = decode(record.value, record.headers)
                    if isinstance(received.event, UpdateRequested):
                        self.requests.append(received.event)
                    elif isinstance(received.event, UpdateDelivered | UpdateFailed):
                        self.all.append((received.id, received.event))
                        self.traces.append(received.traceparent)

    def by_update(self) -> dict[str, Any]:
        """The first outcome of each update."""
        found: dict[str, Any] = {}
        for _, outcome in self.all:
            found.setdefault(outcome.update_id, outcome)
        return found


async def until(check: Any, what: str) -> None:
    """Wait for something that is not on Kafka."""
    async with asyncio.timeout(GUARD_SECONDS):
        while not check():  # noqa: ASYNC110 - as a reader asks
            await asyncio.sleep(0.02)
    assert check(), what
