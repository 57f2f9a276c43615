"""The processor, transactional, against the same code at least once.

The same core, the same records, the same batches as they come when the topic is never empty; the one
difference is the writer. Runs of the two alternate; the ratio is the median of those of neighbours, since
they find the machine equally busy.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import uvloop

from benchmarks.figures import Figure, say
from runtime import kafka as clients
from runtime import topic_admin
from runtime.core import Due
from runtime.processor import Processor, failures
from runtime.processor.transaction import BATCH_BYTES, TransactionalWriter, Writer, send
from runtime.processor.work import Work
from runtime.settings import KafkaSettings, Settings, read_settings
from schemas.assignments import CommandRejected, Unassigned
from schemas.codec import encode
from schemas.commands import RenewPresence
from schemas.topics import COMMANDS, ROUTER_STATE

RECORDS: Final = 30_000
ROUNDS: Final = 7
"""Of each kind; one more before them is not counted."""
PARTITIONS: Final = 2
DESKS: Final = 50
_NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)


class _Core:
    """Two events and one changed entity for each record; deciding costs next to nothing."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._changed: set[str] = set()

    def decide(self, cause: str, command: Any, now: datetime) -> Sequence[Any]:
        one = {"desk": command.desk, "at": now, "agent_id": command.agent_id, "case_id": cause}
        return (
            Unassigned(**one, reason="resolved"),
            CommandRejected(
                **one,
                command_id=cause,
                command="renew_presence",
                reason="not_available",
                detail="a sentence of some length",
            ),
        )

    def evolve(self, fact: Any) -> None:
        self._counts[fact.desk] = self._counts.get(fact.desk, 0) + 1
        self._changed.add(fact.desk)

    def follow_ups(self, _fact: Any) -> Iterable[Any]:
        return ()

    def next_deadline(self) -> datetime | None:
        return None

    def take_due(self, _now: datetime) -> Due | None:
        return None

    def take_changes(self) -> Iterable[tuple[str, bytes | None]]:
        changed, self._changed = self._changed, set()
        return [(desk, json.dumps(self._counts[desk]).encode()) for desk in changed]

    def load(self, key: str, snapshot: bytes) -> None:
        self._counts[key] = json.loads(snapshot)

    def loaded(self) -> None:
        """There are no indexes."""


class AtLeastOnceWriter:
    """What the processor would do without transactions: write, wait for all of it, then commit offsets."""

    def __init__(self, kafka: KafkaSettings, processor: Callable[[], Processor]) -> None:
        self._processor = processor
        self._producer = clients.producer(kafka, linger_ms=0, max_batch_size=BATCH_BYTES)

    async def start(self) -> None:
        """Connect."""
        with failures.kafka("starting a producer"):
            await self._producer.start()

    async def commit(self, work: Work) -> None:
        """Records first: a crash between the two doubles them, and loses none."""
        with failures.kafka("writing"):
            await asyncio.gather(*await send(self._producer, work))
            session = self._processor()._session  # noqa: SLF001 - the product has no use for its consumer outside
            assert session is not None
            await session._consumer.commit(work.offsets)  # noqa: SLF001 - as above

    async def close(self) -> None:
        """Disconnect."""
        await clients.close(self._producer)


async def _fill(kafka: KafkaSettings, settings: Settings) -> None:
    """Put the records on the topic."""
    async with clients.producer(kafka, linger_ms=5, max_batch_size=BATCH_BYTES) as producer:
        sent = []
        name = settings.topics().name(COMMANDS)
        for n in range(RECORDS):
            record = encode(RenewPresence(desk=f"desk-{n % DESKS}", at=_NOW, agent_id=f"a{n % 997}"), f"c{n}", "/bench")
            sent.append(await producer.send(name, record.value, record.key, headers=record.headers))
        await asyncio.gather(*sent)


async def _run(kafka: KafkaSettings, settings: Settings, *, transactional: bool) -> tuple[float, float]:
    """Records a second, and processor time for each in microseconds, from the first commit to the last."""
    await _fill(kafka, settings)
    stopping = asyncio.Event()
    commits: list[tuple[float, float, int]] = []

    def committed(facts: Sequence[Any]) -> None:
        commits.append((time.perf_counter(), time.process_time(), len(facts) // 2))
        if sum(records for *_, records in commits) >= RECORDS:
            stopping.set()

    def at_least_once(kafka: KafkaSettings, settings: Settings, group: str, partition: int) -> Writer:
        del settings, group, partition
        return AtLeastOnceWriter(kafka, lambda: processor)

    processor = Processor(
        service="router",
        inputs=[COMMANDS],
        changelog=ROUTER_STATE,
        core=lambda _: _Core(),
        settings=settings,
        kafka=kafka,
        observe=committed,
        writer=TransactionalWriter if transactional else at_least_once,
    )
    await processor.run(stopping)
    (began, used, _), *rest = commits
    records = sum(records for *_, records in rest)
    return records / (rest[-1][0] - began), (rest[-1][1] - used) / records * 1e6


async def _measure(kafka: KafkaSettings) -> list[Figure]:
    settings = Settings(topic_prefix=f"bench-{secrets.token_hex(4)}.", partitions=PARTITIONS)
    await topic_admin.apply(kafka, settings.topics(), 1)
    rounds: list[dict[bool, tuple[float, float]]] = []
    for n in range(ROUNDS + 1):
        order = (True, False) if n % 2 else (False, True)
        rates = {each: await _run(kafka, settings, transactional=each) for each in order}
        say(
            f"round {n}: transactional {rates[True][0]:,.0f}, at least once {rates[False][0]:,.0f} events/s"
            + ("" if n else " (not counted)")
        )
        rounds.append(rates)
    await topic_admin.delete(kafka, settings.topics())
    counted = rounds[1:]
    exactly, at_least = (
        [statistics.median(rates[each][n] for rates in counted) for n in (0, 1)] for each in (True, False)
    )
    return [
        Figure(
            "processor, transactional to at least once",
            statistics.median(rates[True][0] / rates[False][0] for rates in counted),
            "ratio",
            ">= 0.9",
            f"the same code at least once: {at_least[0]:,.0f} events/s",
        ),
        Figure(
            "processor, transactional, throughput",
            exactly[0],
            "events/s",
            baseline="two outputs for each event, one process",
        ),
        Figure(
            "processor, transactional, processor time",
            exactly[1],
            "us/event",
            baseline=f"at least once: {at_least[1]:,.0f} us/event",
        ),
    ]


def measure() -> list[Figure]:
    """The ratio, and the rate."""
    _, kafka = read_settings()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measure(kafka))
