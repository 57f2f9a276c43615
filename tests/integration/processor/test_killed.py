"""Owners that die, or live on without knowing that they were replaced."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import pytest
from aiokafka import TopicPartition

from runtime.processor import failures
from runtime.processor.transaction import TransactionalWriter
from runtime.processor.work import Work
from schemas.codec import decode
from schemas.topics import ASSIGNMENTS, COMMANDS, ROUTER_STATE
from tests.integration.processor.counting import CountingCore
from tests.integration.processor.playing import (
    GUARD_SECONDS,
    desk_in,
    member,
    outputs,
    presence,
    publish,
    read,
    until,
)
from tests.properties.recovery import recovered

pytestmark = pytest.mark.kafka


@pytest.fixture
async def program(kafka, installation) -> AsyncIterator[asyncio.subprocess.Process]:
    """A member in a process of its own, that hangs in the middle of its first transaction."""
    given = {
        "kafka": kafka.model_dump(mode="json", exclude_none=True),
        # Long, so that nothing but fencing can end the transaction; the session is as short as brokers allow.
        "settings": installation.model_dump(mode="json", exclude_none=True)
        | {"transaction_seconds": 300, "session_seconds": 6},
        "hang": True,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.processor.program", json.dumps(given), stdout=asyncio.subprocess.PIPE
    )
    yield process
    if process.returncode is None:
        process.kill()
    await process.wait()


async def said(process: asyncio.subprocess.Process, line: str) -> None:
    async with asyncio.timeout(GUARD_SECONDS):
        while (heard := (await process.stdout.readline()).decode().strip()) != line:
            assert heard or process.returncode is None, "it ended"


async def test_killed_in_the_middle_of_a_transaction(kafka, installation, program):
    """What a killed process had written is never seen, its input is processed again, and the state
    equals the changelog.
    """
    desk = desk_in(0)
    await said(program, "ready")
    await publish(kafka, installation, [(f"c{n}", presence(desk)) for n in range(20)])
    await said(program, "in the middle")

    async def written() -> list:
        return await read(kafka, installation, ASSIGNMENTS, isolation_level="read_uncommitted")

    torso = len(await until(written))
    program.kill()
    await program.wait()
    assert await read(kafka, installation, ASSIGNMENTS) == []

    async with member(kafka, installation) as heir:
        await heir.ready([0, 1])
        told = await outputs(kafka, installation, ASSIGNMENTS, 20)
        assert [decode(record.value, record.headers).event.detail for record in told] == [str(n) for n in range(1, 21)]
        assert len(await written()) == 20 + torso, "the same input was written twice, and committed once"
        changelog = [(r.key.decode(), r.value) for r in await read(kafka, installation, ROUTER_STATE)]
        assert recovered(CountingCore, changelog).state == heir.cores[0].state == ({desk: 20}, {})


async def test_zombie_cannot_write(kafka, installation):
    """A former owner whose partition was taken over fails at its next write, and nothing of it is seen."""
    settings = installation.model_copy(update={"transaction_seconds": 5.0})
    group = settings.group("router")
    zombie = TransactionalWriter(kafka, settings, group, 0)
    heir = TransactionalWriter(kafka, settings, group, 0)
    to, source = (TopicPartition(settings.topics().name(topic), 0) for topic in (ROUTER_STATE, COMMANDS))

    def work(name: bytes) -> Work:
        work = Work(offsets={source: 7 if name == b"zombie" else 3})
        work.write(to, (name, b"1", []))
        return work

    try:
        await zombie.start()
        await zombie.commit(work(b"owner"))
        await heir.start()
        with pytest.raises(failures.Rejoin):
            await zombie.commit(work(b"zombie"))
        await heir.commit(work(b"heir"))
    finally:
        await asyncio.gather(zombie.close(), heir.close())
    assert [record.key for record in await read(kafka, settings, ROUTER_STATE)] == [b"owner", b"heir"]


async def test_failed_produce_fails_the_batch(kafka, installation):
    """When the broker refuses one record of a batch, nothing of the batch is seen: aiokafka itself
    would commit the rest.
    """
    writer = TransactionalWriter(kafka, installation, installation.group("router"), 0)
    work = Work()
    work.write(TopicPartition(installation.topics().name(ROUTER_STATE), 0), (b"small", b"1", []))
    work.write(TopicPartition(installation.topics().name(ROUTER_STATE), 1), (b"large", bytes(2_000_000), []))
    try:
        await writer.start()
        with pytest.raises(failures.Rejoin, match="MessageSizeTooLarge"):
            await writer.commit(work)
    finally:
        await writer.close()
    heir = TransactionalWriter(kafka, installation, installation.group("router"), 0)
    await heir.start()  # ends what the other left open
    await heir.close()
    assert await read(kafka, installation, ROUTER_STATE) == []
