"""What the tests of the processor do with Kafka: send commands, run members, read what came of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition

from runtime import kafka as clients
from runtime.health import Health
from runtime.processor import Processor
from runtime.processor.placing import partition_of
from runtime.settings import KafkaSettings, Settings
from schemas.base import Event
from schemas.codec import Encoded, encode
from schemas.commands import RenewPresence
from schemas.topics import COMMANDS, ROUTER_STATE, Topic
from tests.integration.processor.counting import NOON, CountingCore

GUARD_SECONDS = 90
"""Against hanging; nothing is asserted about time."""


def desk_in(partition: int, partitions: int = 2, nth: int = 0) -> str:
    """The name of a desk whose key belongs to `partition`."""
    return [
        name for n in range(1000) if partition_of((name := f"desk-{n}").encode(), partitions) == partition
    ][nth]  # fmt: skip


def presence(desk: str) -> RenewPresence:
    return RenewPresence(desk=desk, at=NOON, agent_id="ann")


async def publish(kafka: KafkaSettings, settings: Settings, commands: Iterable[tuple[str, Event] | Encoded]) -> None:
    """Send commands, given with their ids or encoded, as a desktop would."""
    async with clients.producer(kafka) as producer:
        sent = []
        for command in commands:
            record = command if isinstance(command, Encoded) else encode(command[1], command[0], "/test", None)
            name = settings.topics().name(record.topic)
            sent.append(await producer.send(name, record.value, record.key, headers=record.headers))
        await asyncio.gather(*sent)


async def read(
    kafka: KafkaSettings, settings: Settings, topic: Topic, **options: Any
) -> list[ConsumerRecord[bytes, bytes]]:
    """All that a read-committed reader sees of a topic now, up to the last stable offset."""
    tps = [TopicPartition(settings.topics().name(topic), n) for n in range(settings.partitions)]
    found: list[ConsumerRecord[bytes, bytes]] = []
    async with clients.reader(kafka, **options) as reader:
        reader.assign(tps)
        ends = await reader.end_offsets(tps)
        await reader.seek_to_beginning(*tps)
        for tp in tps:
            while await reader.position(tp) < ends[tp]:
                for records in (await reader.getmany(tp, timeout_ms=100)).values():
                    found.extend(records)
    return found


async def until(condition: Callable[[], Any], what: str = "") -> Any:
    """Wait until `condition`, plain or awaitable, comes true; what it gave."""
    async with asyncio.timeout(GUARD_SECONDS):
        while True:
            result = condition()
            if asyncio.iscoroutine(result):
                result = await result
            if result:
                return result
            await asyncio.sleep(0.05)


async def outputs(kafka: KafkaSettings, settings: Settings, topic: Topic, count: int) -> list[Any]:
    """The records of a topic, as soon as there are at least so many."""

    async def enough() -> list[Any]:
        found = await read(kafka, settings, topic)
        return found if len(found) >= count else []

    return list(await until(enough))


@dataclass
class Member:
    """A processor at work in this process."""

    processor: Processor
    health: Health
    stopping: asyncio.Event
    running: asyncio.Task[None]
    facts: list[Any] = field(default_factory=list)

    @property
    def cores(self) -> dict[int, CountingCore]:
        session = self.processor._session
        return session.cores() if session else {}

    async def ready(self, partitions: Iterable[int] | None = None) -> None:
        """Wait until it is ready, and has just these partitions when they are given."""
        wanted = None if partitions is None else set(partitions)

        def there() -> bool:
            if self.running.done():
                self.running.result()
            return self.health.ready() is None and (wanted is None or set(self.cores) == wanted)

        await until(there)

    async def stop(self) -> None:
        self.stopping.set()
        async with asyncio.timeout(GUARD_SECONDS):
            await self.running


def start(
    kafka: KafkaSettings,
    settings: Settings,
    *,
    inputs: Sequence[Topic] = (COMMANDS,),
    core: Callable[[int], Any] = lambda _: CountingCore(),
    **options: Any,
) -> Member:
    """Start a member; whoever calls it stops it."""
    health, stopping, facts = Health(started=True), asyncio.Event(), []
    processor = Processor(
        service="router",
        inputs=inputs,
        changelog=ROUTER_STATE,
        core=core,
        settings=settings,
        kafka=kafka,
        health=health,
        **{"observe": facts.extend, **options},
    )
    return Member(processor, health, stopping, asyncio.create_task(processor.run(stopping)), facts)


@contextlib.asynccontextmanager
async def member(kafka: KafkaSettings, settings: Settings, **options: Any) -> AsyncIterator[Member]:
    """A member that is ready; stopped in the end, and what it raised is raised."""
    started = start(kafka, settings, **options)
    try:
        await started.ready()
        yield started
    finally:
        await started.stop()
