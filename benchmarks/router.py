"""The router, transactional, against the same rules written the usual way (see `usual_way`).

Both read the same messages, published in one go on the same broker on this machine, in turn.
What is counted is input messages from the first to the last; the roster before them is not.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Final

import httpx
import psutil

from benchmarks.figures import Figure, say
from benchmarks.workload import messages, policy_text, roster
from runtime import topic_admin
from runtime.kafka import producer
from runtime.settings import KafkaSettings, Settings
from schemas.base import Event
from schemas.codec import derive_id, encode

OURS: Final = 12_000
PEERS: Final = 1_200
"""Fewer messages for the slower one: some five seconds of work for each."""
PAIRS: Final = 3
"""In turn, and the middle one counts: a machine's speed drifts by half within minutes."""
POLL_SECONDS: Final = 0.4
"""Seldom: telling its metrics costs the router ten milliseconds."""
HANG_SECONDS: Final = 100.0


@dataclass(frozen=True)
class Run:
    """What one of them did."""

    messages: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def cpu_microseconds(self) -> float:
        """Of the process, for each message."""
        return 1e6 * self.cpu_seconds / self.messages


def measure() -> list[Figure]:
    """Both, in one run, on one broker."""
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="switchboard-bench-") as made:
        folder = Path(made)
        kafka = KafkaSettings()
        policy = folder / "policy.yaml"
        policy.write_text(policy_text(), encoding="utf-8")
        pairs = []
        for n in range(PAIRS):
            peer = await _run(kafka, f"bench-peer-{n}.", PEERS, [sys.executable, "-m", "benchmarks.usual_way"], policy)
            ours = await _run(
                kafka, f"bench-ours-{n}.", OURS, [sys.executable, "-m", "console.app", "serve", "router"], policy
            )
            say(f"pair {n + 1}: the usual way {peer.rate:.0f}, the router {ours.rate:.0f} events/s")
            pairs.append((ours.rate / peer.rate, ours, peer))
    ratio, ours, peer = sorted(pairs, key=itemgetter(0))[PAIRS // 2]
    against = f"the usual way: {peer.rate:.0f} events/s, {peer.cpu_microseconds:.0f} us/event"
    return [
        Figure("router against the usual way", ratio, "ratio", ">= 10", against),
        Figure("router, events a second", ours.rate, "events/s", None, against),
        Figure("router, processor time for each event", ours.cpu_microseconds, "us/event", None, against),
    ]


async def _run(kafka: KafkaSettings, prefix: str, count: int, command: Sequence[str], policy: Path) -> Run:
    settings = Settings(topic_prefix=prefix, partitions=2)
    await topic_admin.apply(kafka, settings.topics(), 1)
    await _publish(kafka, settings, list(roster()))
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "SWITCHBOARD_TOPIC_PREFIX": prefix,
        "SWITCHBOARD_PARTITIONS": "2",
        "SWITCHBOARD_POLICY": str(policy),
        "SWITCHBOARD_HOST": "127.0.0.1",
        "SWITCHBOARD_PORT": "0",
    }
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        meter: _Peer | _Router = _Peer(process) if "benchmarks.usual_way" in command else await _Router.found(process)
        async with asyncio.timeout(HANG_SECONDS):
            await meter.until_at_rest()
            await _publish(kafka, settings, list(messages(count)))
            return await meter.follow(count)
    finally:
        process.terminate()
        await process.wait()


async def _publish(kafka: KafkaSettings, settings: Settings, events: list[Event]) -> None:
    client = producer(kafka, linger_ms=20, max_batch_size=256 * 1024)
    await client.start()
    try:
        sent = []
        for n, event in enumerate(events):
            known = getattr(event, "message_id", None) or derive_id("bench", n)
            record = encode(event, known, "/bench")
            name = settings.topics().name(record.topic)
            sent.append(await client.send(name, record.value, record.key, headers=record.headers))
        await asyncio.gather(*sent)
    finally:
        await client.stop()


class _Router:
    """Reads the committed messages off the router's own metrics."""

    def __init__(self, process: asyncio.subprocess.Process, log: asyncio.StreamReader, port: int) -> None:
        self._draining = asyncio.create_task(_drain(log))
        self._process = psutil.Process(process.pid)
        self._base = 0
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=HANG_SECONDS)

    @classmethod
    async def found(cls, process: asyncio.subprocess.Process) -> _Router:
        """Wait for the port that the log tells, and go on reading the log so that it never blocks."""
        assert process.stderr is not None
        while line := await process.stderr.readline():
            entry = json.loads(line)
            if entry.get("event") == "serving":
                return cls(process, process.stderr, entry["port"])
        raise RuntimeError("the router did not start")

    async def _handled(self) -> int:
        """Records of committed transactions."""
        lines = (await self._http.get("/metrics")).text.splitlines()
        return int(
            sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("switchboard_batch_records_sum{"))
        )

    async def until_at_rest(self) -> None:
        """Until the roster is in."""
        while (await self._http.get("/readyz")).status_code != 200 or await self._handled() == 0:  # noqa: ASYNC110 - another process
            await asyncio.sleep(POLL_SECONDS)
        before = -1
        while before != (before := await self._handled()):  # noqa: ASYNC110 - another process
            await asyncio.sleep(1.0)
        self._base = before

    async def follow(self, count: int) -> Run:
        """Time the messages, from the first that is committed."""
        loop = asyncio.get_running_loop()
        while (first := await self._handled() - self._base) <= 0:  # noqa: ASYNC110 - another process
            await asyncio.sleep(POLL_SECONDS)
        begun, cpu = loop.time(), self._cpu()
        while (done := await self._handled() - self._base) < count:  # noqa: ASYNC110 - another process
            await asyncio.sleep(POLL_SECONDS)
        run = Run(done - first, loop.time() - begun, self._cpu() - cpu)
        await self._http.aclose()
        return run

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


class _Peer:
    """Reads what the peer says of itself."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._out = process.stdout
        self._draining = asyncio.create_task(_drain(process.stderr))

    async def _next(self) -> tuple[int, float, float]:
        while line := await self._out.readline():
            if line.startswith(b"{"):
                entry = json.loads(line)
                return entry["handled"], entry["at"], entry["cpu"]
        raise RuntimeError("the peer did not start")

    async def until_at_rest(self) -> None:
        """A few seconds for the roster: it says nothing of it."""
        for _ in range(12):
            await self._next()

    async def follow(self, count: int) -> Run:
        """Time the messages, from the first that is handled."""
        while (first := await self._next())[0] == 0:
            pass
        while (last := await self._next())[0] < count:
            pass
        return Run(last[0] - first[0], last[1] - first[1], last[2] - first[2])


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass
