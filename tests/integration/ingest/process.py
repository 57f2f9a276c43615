"""A running ingest, and what it put on its topic."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from aiokafka import ConsumerRecord

from runtime.kafka import reader
from runtime.settings import KafkaSettings, Settings
from schemas.topics import MESSAGES
from tests.unit.ingest.provider_side import ENVIRONMENT, POLICY, Sent

HANG_SECONDS = 60.0


@dataclass
class Ingest:
    """The process, its log and a client for it."""

    process: asyncio.subprocess.Process
    url: str
    http: httpx.AsyncClient
    log: list[str] = field(default_factory=list)

    async def send(self, sent: Sent) -> httpx.Response:
        return await self.http.post(sent.path, content=sent.body, headers=dict(sent.headers))

    async def until_ready(self, expected: int = 200) -> None:
        """Wait until /readyz answers so."""
        async with asyncio.timeout(HANG_SECONDS):
            while (await self.http.get("/readyz")).status_code != expected:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(HANG_SECONDS):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def running(settings: Settings, kafka: KafkaSettings, folder: Path, **more: str) -> AsyncIterator[Ingest]:
    """`switchboard serve ingest` on a free port, with the policy of the tests."""
    policy = folder / "policy.yaml"
    policy.write_text(POLICY)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("SWITCHBOARD_", "KAFKA_"))},
        **ENVIRONMENT,
        "SWITCHBOARD_POLICY": str(policy),
        "SWITCHBOARD_TOPIC_PREFIX": settings.topic_prefix,
        "SWITCHBOARD_PARTITIONS": str(settings.partitions),
        "SWITCHBOARD_HOST": "127.0.0.1",
        "SWITCHBOARD_PORT": "0",
        "SWITCHBOARD_PUBLIC_URL": "https://help.acme.example",
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("switchboard")),
        "serve",
        "ingest",
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    log: list[str] = []
    serving: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def follow() -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            log.append(line.decode())
            with contextlib.suppress(json.JSONDecodeError):
                entry = json.loads(line)
                if entry.get("event") == "serving" and not serving.done():
                    serving.set_result(entry["port"])
        if not serving.done():
            serving.set_exception(AssertionError("ingest did not start:\n" + "".join(log)))

    following = asyncio.create_task(follow())
    try:
        async with asyncio.timeout(HANG_SECONDS):
            port = await serving
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, timeout=HANG_SECONDS) as http:
            yield Ingest(process, url, http, log)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await following


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
