"""What lasts over restarts: state, deadlines, and the processor itself when its broker does not."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from structlog.testing import capture_logs

from runtime.metrics import LAG_RECORDS, LAG_SECONDS, RESTORED_ENTITIES, TASKS, TRANSACTIONS
from runtime.processor.transaction import TransactionalWriter
from runtime.processor.work import Work
from schemas.assignments import Unassigned
from schemas.codec import decode
from schemas.commands import WaitForCustomer
from schemas.topics import ASSIGNMENTS, ROUTER_STATE
from tests.integration.processor.counting import NOON, CountingCore
from tests.integration.processor.playing import desk_in, member, outputs, presence, publish, read, until
from tests.properties.recovery import Recorded, assert_recovers, recovered

pytestmark = pytest.mark.kafka


def alarm(desk: str, case: str, seconds: float) -> WaitForCustomer:
    return WaitForCustomer(desk=desk, at=NOON, agent_id="ann", case_id=case, note=str(seconds))


async def test_deadlines_come_without_input_and_after_a_restart(kafka, installation):
    """A deadline fires when nothing else happens; one set before a restart fires after it, once."""
    desk = desk_in(0)
    async with member(kafka, installation) as first:
        await publish(kafka, installation, [("a1", alarm(desk, "soon", 0.2)), ("a2", alarm(desk, "later", 3600))])
        (rang,) = await outputs(kafka, installation, ASSIGNMENTS, 1)
        assert decode(rang.value, rang.headers).event.case_id == "soon"
        alarm_of = first.cores[0].alarms["later"]

    async with member(kafka, installation, clock=lambda: alarm_of.at):
        told = await outputs(kafka, installation, ASSIGNMENTS, 2)
    async with member(kafka, installation, clock=lambda: alarm_of.at) as third:
        await publish(kafka, installation, [("c", presence(desk))])
        told = await outputs(kafka, installation, ASSIGNMENTS, 3)
        assert third.cores[0].state == ({desk: 1}, {})
    events = [decode(record.value, record.headers) for record in told]
    assert [getattr(received.event, "case_id", None) for received in events] == ["soon", "later", None]
    assert isinstance(events[1].event, Unassigned)
    assert events[1].event.at == alarm_of.at
    assert events[1].traceparent is not None
    assert len({received.id for received in events}) == 3


async def test_many_deadlines_at_once_take_several_transactions(kafka, installation):
    """Deadlines of one transaction are bounded by the batch size; all of them come."""
    settings = installation.model_copy(update={"batch_records": 7})
    desk = desk_in(0)
    async with member(kafka, settings) as one:
        await publish(kafka, settings, [(f"a{n}", alarm(desk, f"case-{n}", 0.5)) for n in range(20)])
        told = await outputs(kafka, settings, ASSIGNMENTS, 20)
        await until(lambda: not one.cores[0].alarms)
    assert sorted(decode(r.value, r.headers).event.case_id for r in told) == sorted(f"case-{n}" for n in range(20))


async def test_observed_and_gauged(kafka, installation):
    """All facts of a batch, the private ones too, are told after its commit; gauges see the live cores."""
    desk, seen = desk_in(0), []
    async with member(kafka, installation, gauges=lambda cores: seen.append(dict(cores))) as one:
        await publish(kafka, installation, [("c1", presence(desk)), ("c2", presence(desk))])
        await until(lambda: len(one.facts) == 4)
        assert len(await read(kafka, installation, ASSIGNMENTS)) == 2
        assert [type(fact).__name__ for fact in one.facts] == ["Counted", "CommandRejected"] * 2
        await until(lambda: seen and set(seen[-1]) == {0, 1} and seen[-1][0].counts == {desk: 2})


async def test_lag_and_other_metrics(kafka, installation):
    """What is fetched and not committed counts as lag; when all is committed there is none."""
    desk, gate = desk_in(0), asyncio.Event()

    class Gated(TransactionalWriter):
        async def commit(self, work: Work) -> None:
            await gate.wait()
            await super().commit(work)

    def lag() -> tuple[float, float]:
        return tuple(metric.labels("router", "commands")._value.get() for metric in (LAG_RECORDS, LAG_SECONDS))

    committed = TRANSACTIONS.labels("router", "committed")._value.get()
    async with member(kafka, installation, writer=Gated) as one:
        await publish(kafka, installation, [(f"c{n}", presence(desk)) for n in range(30)])
        await until(lambda: lag()[0] == 30 and lag()[1] > 0)
        assert one.facts == []
        gate.set()
        await until(lambda: lag() == (0, 0))
        assert [TASKS.labels("router", state)._value.get() for state in ("restoring", "running")] == [0, 2]
        assert TRANSACTIONS.labels("router", "committed")._value.get() > committed


async def test_a_static_member_keeps_its_partitions(kafka, installation):
    """With a static id a member that stops does not leave; it gets its own back when it returns, without
    waiting for its session to end.
    """
    settings = installation.model_copy(update={"static_member": "router-0", "session_seconds": 300.0})
    desk = desk_in(0)
    for n in range(2):
        async with member(kafka, settings) as one:
            await one.ready([0, 1])
            await publish(kafka, settings, [(f"c{n}", presence(desk))])
            told = await outputs(kafka, settings, ASSIGNMENTS, n + 1)
    assert [decode(r.value, r.headers).event.detail for r in told] == ["1", "2"]


async def test_an_entity_is_written_once_for_a_batch(kafka, installation):
    """However often a batch changes an entity, the changelog gets its last state only."""
    desk = desk_in(0)
    await publish(kafka, installation, [(f"c{n}", presence(desk)) for n in range(50)])
    async with member(kafka, installation):
        await outputs(kafka, installation, ASSIGNMENTS, 50)
    assert [r.value for r in await read(kafka, installation, ROUTER_STATE)] == [b"50"]


async def test_restored_from_a_compacted_log(kafka, installation):
    """What the broker's cleaner leaves of the changelog is enough, tombstones and all."""
    settings = installation.model_copy(update={"batch_records": 1})
    name = settings.topics().name(ROUTER_STATE)
    compact = {"segment.ms": "200", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "200"}
    admin = AIOKafkaAdminClient(**kafka.client())
    await admin.start()
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=ROUTER_STATE.config | compact)])
    await admin.close()
    desk = desk_in(0)
    async with member(kafka, settings) as one:
        commands = [(f"c{n}", presence(desk)) for n in range(100)]
        await publish(kafka, settings, [*commands, ("a1", alarm(desk, "rings", 0)), ("a2", alarm(desk, "waits", 3600))])
        await outputs(kafka, settings, ASSIGNMENTS, 101)
        waits = one.cores[0].alarms["waits"]

        async def cleaned() -> bool:
            # A hundred were written. The cleaner leaves the active segment alone, and a segment is rolled by a write.
            await publish(kafka, settings, [(f"more-{asyncio.get_running_loop().time()}", presence(desk_in(0, nth=1)))])
            await asyncio.sleep(1)
            return len([r for r in await read(kafka, settings, ROUTER_STATE) if r.key.decode() == f"desk:{desk}"]) == 1

        await until(cleaned)
        state = one.cores[0].state
    async with member(kafka, settings) as again:
        assert again.cores[0].state == state
        assert (again.cores[0].counts[desk], again.cores[0].alarms) == (100, {"waits": waits})


async def test_restoring_many_entities_reports_progress(kafka, installation):
    """A restore of 100,000 entities says how far it is, and the metric counts them."""
    entities = 100_000
    changelog = TopicPartition(installation.topics().name(ROUTER_STATE), 0)
    writer = TransactionalWriter(kafka, installation, installation.group("router"), 0)
    await writer.start()
    for first in range(0, entities, 10_000):
        work = Work()
        for n in range(first, first + 10_000):
            work.write(changelog, (f"desk:{n}".encode(), json.dumps(n).encode(), []))
        await writer.commit(work)
    await writer.close()
    before = RESTORED_ENTITIES.labels("router")._value.get()
    with capture_logs() as logs:
        async with member(kafka, installation) as one:
            assert one.cores[0].counts == {str(n): n for n in range(entities)}
    assert RESTORED_ENTITIES.labels("router")._value.get() - before == entities
    progress = [line for line in logs if line["event"] == "restoring"]
    assert len(progress) >= 3
    assert [line["entities"] for line in progress] == sorted(line["entities"] for line in progress)
    assert all(line["total"] >= entities and line["records"] <= line["total"] for line in progress)
    assert [line["entities"] for line in logs if line["event"] == "restored" and line["partition"] == 0] == [entities]


def test_recovery_property():
    """The core of these tests keeps the property that is asked of every core."""
    recorded = Recorded(CountingCore())
    recorded.step("c1", presence("a"), NOON)
    recorded.step("c2", alarm("a", "x", 10), NOON)
    recorded.step("c3", alarm("a", "y", 0), NOON)
    recorded.fire(NOON)
    recorded.step("c4", presence("a"), NOON)
    later = NOON.replace(hour=13)
    assert_recovers(CountingCore, recorded, probes=[("p", presence("a"), later)], horizon=later)
    recorded.log.pop()
    with pytest.raises(AssertionError, match="the state is another one"):
        assert_recovers(CountingCore, recorded)


async def test_broker_stopped_and_started_again(own_broker, own_installation):
    """While the broker is away the processor is alive and unready; when it is back, work goes on, and
    stopping does not take for ever without it.
    """
    async with own_broker() as broker, own_installation(broker) as (given, kafka):
        settings = given.model_copy(update={"session_seconds": 6.0, "transaction_seconds": 5.0})
        desk = desk_in(0)
        async with member(kafka, settings) as one:
            await publish(kafka, settings, [("c1", presence(desk)), ("a", alarm(desk, "meanwhile", 5))])
            await outputs(kafka, settings, ASSIGNMENTS, 1)
            await broker.stop()
            await until(lambda: one.health.ready() is not None)
            beat = one.health._beat
            await until(lambda: one.health._beat > beat)
            assert one.health.live() is None
            assert not one.running.done()
            await broker.start()
            await one.ready([0, 1])
            await publish(kafka, settings, [("c2", presence(desk))])
            told = await outputs(kafka, settings, ASSIGNMENTS, 3)
            kinds = [decode(r.value, r.headers).event for r in told]
            assert sorted(getattr(event, "detail", "rang") for event in kinds) == ["1", "2", "rang"]
            changelog = [(r.key.decode(), r.value) for r in await read(kafka, settings, ROUTER_STATE)]
            assert recovered(CountingCore, changelog).state == one.cores[0].state
            await broker.stop()
