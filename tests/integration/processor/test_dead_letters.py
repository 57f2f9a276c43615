"""Records that cannot be processed."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from runtime import kafka as clients
from runtime.metrics import DEAD_LETTERS
from runtime.processor import failures
from runtime.processor.placing import partition_of
from schemas.base import Event
from schemas.codec import Encoded, decode, encode
from schemas.commands import DeclineOffer, ResolveCase, WaitForCustomer
from schemas.topics import ASSIGNMENTS, COMMANDS
from schemas.topics import DEAD_LETTERS as DEAD_LETTER_TOPIC
from tests.integration.processor.counting import NOON, CountingCore, Rang
from tests.integration.processor.playing import (
    GUARD_SECONDS,
    desk_in,
    member,
    outputs,
    presence,
    publish,
    read,
    start,
    until,
)

pytestmark = pytest.mark.kafka


def undecidable(desk: str) -> Event:
    return DeclineOffer(desk=desk, at=NOON, agent_id="ann", offer_id="o", case_id="c")


def damaging(desk: str) -> Event:
    return ResolveCase(desk=desk, at=NOON, agent_id="ann", case_id="c")


def why(record) -> dict[str, str]:
    return {
        name.removeprefix("dead-letter-"): value.decode()
        for name, value in record.headers
        if name.startswith("dead-letter-")
    }


def counted() -> dict[str, float]:
    return {
        sample.labels["reason"]: sample.value
        for metric in DEAD_LETTERS.collect()
        for sample in metric.samples
        if sample.name.endswith("_total") and sample.labels["service"] == "router"
    }


async def test_poison_is_put_aside_and_the_rest_goes_on(kafka, installation):
    """Each kind of poison becomes a dead letter, unchanged, with reason and origin; all else counts."""
    desk, stranger = desk_in(0), desk_in(1)
    good = encode(presence(desk), "good", "/test")
    raw = good.headers
    poison = [
        Encoded(COMMANDS, good.key, b"{", raw),
        Encoded(COMMANDS, good.key, good.value, [h for h in raw if h[0] != "ce_type"]),
        Encoded(COMMANDS, good.key, good.value, [("ce_id", b"\xff\xfe"), *(h for h in raw if h[0] != "ce_id")]),
        Encoded(COMMANDS, good.key, good.value, [("note", b"\xff"), ("nothing", None), *raw[2:]]),
        Encoded(COMMANDS, stranger.encode(), good.value, raw),
        Encoded(COMMANDS, good.key, good.value, [*(h for h in raw if h[0] != "ce_id"), ("ce_id", None)]),
        encode(undecidable(desk), "undecidable", "/test"),
        encode(damaging(desk), "damaging", "/test"),
    ]
    before = counted() if DEAD_LETTERS._metrics else {}
    commands = [part for n, bad in enumerate(poison) for part in ((f"c{n}", presence(desk)), bad)]
    async with member(kafka, installation) as one:
        await publish(kafka, installation, [*commands, ("last", presence(desk))])
        told = await outputs(kafka, installation, ASSIGNMENTS, len(poison) + 1)
        dead = await outputs(kafka, installation, DEAD_LETTER_TOPIC, len(poison))
        assert one.cores[0].state == ({desk: len(poison) + 1}, {})

    assert [decode(r.value, r.headers).event.detail for r in told] == [str(n + 1) for n in range(len(poison) + 1)]
    dead.sort(key=lambda record: (record.partition, record.offset))
    assert [(r.key, r.value) for r in dead] == [(p.key, p.value) for p in (*poison[:4], *poison[5:], poison[4])]
    commands_topic = installation.topics().name(COMMANDS)
    assert [(why(r)["reason"], why(r)["origin"]) for r in dead] == [
        ("undecodable", f"{commands_topic}/0/1"),
        ("undecodable", f"{commands_topic}/0/3"),
        ("undecodable", f"{commands_topic}/0/5"),
        ("undecodable", f"{commands_topic}/0/7"),
        ("undecodable", f"{commands_topic}/0/10"),
        ("undecided", f"{commands_topic}/0/12"),
        ("damaging", f"{commands_topic}/0/14"),
        ("misplaced", f"{commands_topic}/1/0"),
    ]
    assert list(dead[3].headers[: len(poison[3].headers)]) == poison[3].headers
    assert all(why(r)["service"] == "router" and why(r)["time"] and why(r)["detail"] for r in dead)
    assert "secret" not in str([why(r) for r in dead])
    after = counted()
    assert {reason: after[reason] - before.get(reason, 0) for reason in after} == {
        "undecodable": 5.0,
        "misplaced": 1.0,
        "undecided": 1.0,
        "damaging": 1.0,
    }


async def test_a_key_in_the_wrong_partition_is_put_aside(kafka, installation):
    """A client that hashes keys in another way would give a desk a second owner."""
    desk = desk_in(0)
    record = encode(presence(desk), "c", "/test")
    async with member(kafka, installation):
        async with clients.producer(kafka) as producer:
            name = installation.topics().name(COMMANDS)
            await producer.send_and_wait(name, record.value, record.key, partition=1, headers=record.headers)
        (dead,) = await outputs(kafka, installation, DEAD_LETTER_TOPIC, 1)
    assert (why(dead)["reason"], why(dead)["detail"]) == (
        "misplaced",
        "this key belongs to partition 0: use the partitioner murmur2_random",
    )
    assert partition_of(record.key, 2) == 0


async def test_too_many_in_a_row_stop_the_task(kafka, installation):
    """At the limit the processor raises, and the batch stays on the topic; a success starts the count anew."""
    settings = installation.model_copy(update={"poison_in_a_row": 3})
    desk = desk_in(0)
    bad = [(f"bad{n}", undecidable(desk)) for n in range(6)]
    async with member(kafka, settings):
        await publish(kafka, settings, [*bad[:2], ("c1", presence(desk)), *bad[2:4], ("c2", presence(desk))])
        await outputs(kafka, settings, ASSIGNMENTS, 2)
    doomed = start(kafka, settings)
    await publish(kafka, settings, [("c3", presence(desk)), *bad[:2]])
    await outputs(kafka, settings, DEAD_LETTER_TOPIC, 6)
    await publish(kafka, settings, bad[2:])
    with pytest.raises(failures.TooManyDeadLetters, match=r"3 in a row .* undecided: LookupError in decide"):
        async with asyncio.timeout(GUARD_SECONDS):
            await doomed.running
    assert len(await read(kafka, settings, DEAD_LETTER_TOPIC)) == 6
    assert len(await read(kafka, settings, ASSIGNMENTS)) == 3


async def test_a_deadline_that_damages_is_put_aside(kafka, installation):
    """A deadline whose consequences break the state halfway is dead-lettered the second time."""
    desk = desk_in(0)

    class Fragile(CountingCore):
        def evolve(self, fact):
            if isinstance(fact, Rang):
                raise RuntimeError("halfway")  # noqa: TRY004 - not about types
            super().evolve(fact)

    async with member(kafka, installation, core=lambda _: Fragile()) as one:
        alarm = WaitForCustomer(desk=desk, at=NOON, agent_id="ann", case_id="c", note="0")
        await publish(kafka, installation, [("a", alarm), ("c", presence(desk))])
        (dead,) = await outputs(kafka, installation, DEAD_LETTER_TOPIC, 1)
        await until(lambda: one.cores.get(0) and one.cores[0].counts == {desk: 1})
    assert dead.value is None
    assert why(dead)["origin"] == f"deadline/0/{dead.key.decode()}"
    assert why(dead)["detail"].startswith("RuntimeError in evolve")


async def test_an_event_too_large_for_a_broker_is_the_records_fault(kafka, installation):
    """A record from which an event follows that no broker takes is put aside, not tried for ever."""
    desk = desk_in(0)

    class Verbose(CountingCore):
        def decide(self, cause, command, now):
            facts = super().decide(cause, command, now)
            return [facts[0], facts[1].model_copy(update={"detail": "x" * 1_000_001})] if cause == "long" else facts

    async with member(kafka, installation, core=lambda _: Verbose()):
        await publish(kafka, installation, [("long", presence(desk)), ("short", presence(desk))])
        (dead,) = await outputs(kafka, installation, DEAD_LETTER_TOPIC, 1)
        (told,) = await outputs(kafka, installation, ASSIGNMENTS, 1)
    assert (why(dead)["reason"], decode(told.value, told.headers).event.detail) == ("damaging", "1")


async def test_the_largest_record_fits_into_the_dead_letters(kafka, installation):
    """A record as large as a broker takes can be put aside, though its dead letter is larger still."""
    desk = desk_in(0)
    large = Encoded(COMMANDS, desk.encode(), bytes(1_048_400), [])
    async with member(kafka, installation):
        async with clients.producer(kafka, max_request_size=2_000_000, max_batch_size=2_000_000) as producer:
            await producer.send_and_wait(installation.topics().name(COMMANDS), large.value, large.key)
        (dead,) = await outputs(kafka, installation, DEAD_LETTER_TOPIC, 1)
    assert dead.value == large.value
    assert why(dead)["reason"] == "undecodable"


class NotUtf8(str):
    """The name of a header as other clients may write it."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        return b"\xff\xfe"


async def test_a_record_that_aiokafka_cannot_read_is_stepped_over(kafka, installation):
    """The name of a header that is not UTF-8 makes every fetch raise; only it, and what
    its producer sent in one batch behind it, is put aside.
    """
    settings = installation.model_copy(update={"batch_records": 4})
    desk = desk_in(0)
    name = settings.topics().name(COMMANDS)
    async with clients.producer(kafka, enable_idempotence=False) as producer:
        for first in range(0, 12, 3):
            batch = producer.create_batch()
            batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, 0, 100_000)
            for n in range(first, first + 3):
                record = encode(presence(desk), f"c{n}", "/test")
                odd = [(NotUtf8("odd"), b"1")] if n in {4, 9, 10} else []
                batch.append(timestamp=None, key=record.key, value=record.value, headers=[*record.headers, *odd])
            await (await producer.send_batch(batch, name, partition=0))
    await publish(kafka, settings, [(f"other-{n}", presence(desk_in(1))) for n in range(5)])
    async with member(kafka, settings, inputs=(COMMANDS,)):
        told = await outputs(kafka, settings, ASSIGNMENTS, 7 + 5)
        dead = await outputs(kafka, settings, DEAD_LETTER_TOPIC, 5)
    counts = [decode(r.value, r.headers).event for r in told]
    assert [event.detail for event in counts if event.desk == desk] == [str(n) for n in range(1, 8)]
    assert [why(record)["origin"] for record in dead] == [f"{name}/0/{n}" for n in (4, 5, 9, 10, 11)]
    assert all(record.headers[0][0] == "unreadable" and record.value is None for record in dead)
