"""From the assignment to the first batch: the order of steps."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiokafka import TopicPartition

from runtime.processor import failures
from runtime.processor.session import Session
from runtime.processor.transaction import TransactionalWriter
from runtime.processor.work import Work
from schemas.codec import decode
from schemas.topics import ASSIGNMENTS, COMMANDS, ROUTER_STATE
from tests.integration.processor.counting import CountingCore
from tests.integration.processor.playing import desk_in, member, outputs, presence, publish, start, until

pytestmark = pytest.mark.kafka


async def test_offsets_and_state_are_read_after_fencing(kafka, installation):
    """What the former owner commits until the very moment at which it is fenced counts."""
    desk = desk_in(0)
    await publish(kafka, installation, [(f"c{n}", presence(desk)) for n in range(10)])
    names = installation.topics()

    class LateFence(TransactionalWriter):
        async def start(self) -> None:
            if self._producer._txn_manager.transactional_id.endswith("-0"):
                former = TransactionalWriter(kafka, installation, self._group, 0)
                await former.start()
                work = Work(offsets={TopicPartition(names.name(COMMANDS), 0): 6})
                work.write(TopicPartition(names.name(ROUTER_STATE), 0), (f"desk:{desk}".encode(), b"6", []))
                await former.commit(work)
                await former.close()
            await super().start()

    async with member(kafka, installation, writer=LateFence):
        told = await outputs(kafka, installation, ASSIGNMENTS, 4)
    assert [decode(record.value, record.headers).id for record in told] != []
    assert [decode(record.value, record.headers).event.detail for record in told] == ["7", "8", "9", "10"]


async def test_taking_over_may_take_longer_than_the_session(kafka, installation):
    """While a partition is fenced and restored the member lives on, records wait, and none is seen twice."""
    settings = installation.model_copy(update={"session_seconds": 6.0})
    desk, gate = desk_in(0), asyncio.Event()
    await publish(kafka, settings, [(f"c{n}", presence(desk)) for n in range(50)])

    class Gated(TransactionalWriter):
        started = 0

        async def start(self) -> None:
            Gated.started += 1
            await gate.wait()
            await super().start()

    waiting = start(kafka, settings, writer=Gated)
    try:
        await until(lambda: Gated.started == 2)
        assert waiting.health.ready() == "restoring 2 of 2 partitions"
        await publish(kafka, settings, [(f"d{n}", presence(desk)) for n in range(50)])
        await asyncio.sleep(8)
        gate.set()
        told = await outputs(kafka, settings, ASSIGNMENTS, 100)
        assert [decode(record.value, record.headers).event.detail for record in told] == [str(n) for n in range(1, 101)]
        assert Gated.started == 2, "it was thrown out of the group meanwhile"
    finally:
        await waiting.stop()


async def test_a_batch_may_take_longer_than_the_session(kafka, installation):
    """While a batch is decided the loop goes on turning: heartbeats are sent, and the member lives on."""
    settings = installation.model_copy(update={"session_seconds": 6.0})
    desk, made = desk_in(0), []

    class Slow(CountingCore):
        def decide(self, cause, command, now):
            time.sleep(0.02)
            return super().decide(cause, command, now)

    def core(partition: int) -> Slow:
        made.append(partition)
        return Slow()

    await publish(kafka, settings, [(f"c{n}", presence(desk)) for n in range(400)])
    async with member(kafka, settings, core=core):
        told = await outputs(kafka, settings, ASSIGNMENTS, 400)
        await asyncio.sleep(2)  # some heartbeats, which would tell a member that it is one no longer
    assert sorted(made) == [0, 1], "it was thrown out of the group meanwhile"
    assert [decode(record.value, record.headers).event.detail for record in told] == [str(n) for n in range(1, 401)]


async def test_what_a_listener_raises_surfaces(kafka, installation):
    """A session ends with what its rebalance callbacks raise; aiokafka would swallow it."""
    started = start(kafka, installation)
    session = Session(started.processor._job)
    await started.stop()
    await session.on_partitions_assigned([TopicPartition("another.topic", 0)])
    with pytest.raises(failures.Rejoin, match=r"partition 0 came without .*commands"):
        await session.run(asyncio.Event())


async def test_a_stopped_member_hands_over_at_once(kafka, installation):
    """A member that stops leaves the group: the next one does not wait for its session to end."""
    settings = installation.model_copy(update={"session_seconds": 300.0})
    desk = desk_in(0)
    async with member(kafka, settings) as first:
        await first.ready([0, 1])
        await publish(kafka, settings, [("c1", presence(desk))])
        await outputs(kafka, settings, ASSIGNMENTS, 1)
    async with member(kafka, settings) as second:
        await second.ready([0, 1])
        await publish(kafka, settings, [("c2", presence(desk))])
        told = await outputs(kafka, settings, ASSIGNMENTS, 2)
    assert [decode(record.value, record.headers).event.detail for record in told] == ["1", "2"]


@pytest.mark.parametrize("installation", [1], indirect=True)
async def test_no_partitions_is_ready(kafka, installation):
    """A member that gets no partition is ready: it has joined, and takes over when another leaves."""
    async with member(kafka, installation) as first, member(kafka, installation) as second:
        await until(
            lambda: [*first.cores, *second.cores] == [0] and not first.health.ready() and not second.health.ready()
        )
        idle, busy = sorted((first, second), key=lambda each: len(each.cores))
        await busy.stop()
        await idle.ready([0])
