"""Services as processes of their own, as a pod runs them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from runtime.settings import KafkaSettings, Settings

HANG_SECONDS = 60.0


@dataclass
class ServiceProcess:
    """The process, what it logged, and a client for its endpoints."""

    process: asyncio.subprocess.Process
    url: str
    http: httpx.AsyncClient
    log: list[dict[str, Any]] = field(default_factory=list)

    async def until_ready(self, expected: int = 200) -> None:
        """Wait until /readyz answers so."""
        async with asyncio.timeout(HANG_SECONDS):
            while (await self.http.get("/readyz")).status_code != expected:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)

    async def metric(self, line: str) -> float:
        """The value behind `line`, e.g. `switchboard_cases_opened_total{channel="email",desk="acme"}`."""
        text = (await self.http.get("/metrics")).text
        return next(float(found.rsplit(" ", 1)[1]) for found in text.splitlines() if found.startswith(line + " "))

    async def until_metric(self, line: str, value: float) -> None:
        """Wait until the metric has the value."""
        async with asyncio.timeout(HANG_SECONDS):
            while await self.metric(line) != value:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(HANG_SECONDS):
            return await self.process.wait()

    async def kill(self) -> None:
        """Kill -9."""
        self.process.kill()
        await self.process.wait()


@contextlib.asynccontextmanager
async def serving(
    service: str, settings: Settings, kafka: KafkaSettings, policy: Path, more: Mapping[str, str] | None = None
) -> AsyncIterator[ServiceProcess]:
    """`switchboard serve SERVICE` on a free port. Yields when it listens; ready is another matter."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("SWITCHBOARD_", "KAFKA_"))},
        "SWITCHBOARD_POLICY": str(policy),
        "SWITCHBOARD_TOPIC_PREFIX": settings.topic_prefix,
        "SWITCHBOARD_PARTITIONS": str(settings.partitions),
        "SWITCHBOARD_SESSION_SECONDS": "6",
        "SWITCHBOARD_HOST": "127.0.0.1",
        "SWITCHBOARD_PORT": "0",
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        **(more or {}),
    }
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("switchboard")),
        "serve",
        service,
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    log: list[dict[str, Any]] = []
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def follow() -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            try:
                log.append(json.loads(line))
            except json.JSONDecodeError:
                log.append({"event": line.decode(errors="replace")})
            if log[-1].get("event") == "serving" and not listening.done():
                listening.set_result(log[-1]["port"])
        if not listening.done():
            listening.set_exception(AssertionError(f"{service} did not start: {log}"))

    following = asyncio.create_task(follow())
    try:
        async with asyncio.timeout(HANG_SECONDS):
            port = await listening
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, timeout=HANG_SECONDS) as http:
            yield ServiceProcess(process, url, http, log)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await following
