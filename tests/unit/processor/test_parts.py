"""The parts of the processor that need no Kafka."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.partitioner import DefaultPartitioner

from runtime.processor import failures
from runtime.processor.dead_letters import DeadLetters, Origin, Streak
from runtime.processor.deciding import Decider
from runtime.processor.lag import Age
from runtime.processor.placing import partition_of
from runtime.processor.work import Work
from schemas.codec import encode
from schemas.commands import RenewPresence
from schemas.topics import ROUTER_STATE, Topics

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOPICS = Topics("t.", 1)


def record(offset: int, desk: str = "acme") -> ConsumerRecord[bytes, bytes]:
    sent = encode(RenewPresence(desk=desk, at=NOON, agent_id="ann"), f"c{offset}", "/test")
    return ConsumerRecord(
        "t.commands", 0, offset, 1000 + offset, 0, sent.key, sent.value, None, -1, -1, tuple(sent.headers)
    )


class Listing:
    """A core that remembers at which instants it was asked."""

    def __init__(self, deadlines=()):
        self.instants: list[datetime] = []
        self.deadlines = list(deadlines)

    def decide(self, cause, command, now):
        self.instants.append(now)
        return ()

    def take_due(self, now):
        return self.deadlines.pop(0) if self.deadlines else None

    def next_deadline(self):
        return None

    def take_changes(self):
        return ()


def decider(core, clock=lambda: NOON, streak=None, limit=10) -> Decider:
    return Decider(
        core,
        0,
        service="router",
        topics=TOPICS,
        changelog=ROUTER_STATE,
        clock=clock,
        streak=streak or Streak(25),
        poison={},
        limit=limit,
    )


def test_keys_are_placed_as_kafka_does():
    """Another partition than that of Kafka's own clients would give a desk two owners."""
    dice = random.Random(20261122)
    for _ in range(500):
        key, partitions = dice.randbytes(dice.randint(0, 40)), dice.randint(1, 50)
        assert partition_of(key, partitions) == DefaultPartitioner()(key, list(range(partitions)), [])


def test_a_streak_ends_with_a_success_and_is_rewound_with_its_batch():
    """Only what comes one after another counts, and a batch that is processed again counts once."""
    streak, origin = Streak(3), Origin("t", 0, 1)
    streak.failure(origin, "undecided", "")
    streak.success()
    streak.failure(origin, "undecided", "")
    streak.begin()
    streak.failure(origin, "undecided", "")
    streak.rewind()
    streak.failure(origin, "undecided", "")
    with pytest.raises(failures.TooManyDeadLetters, match=r"3 in a row.*t/0/1"):
        streak.failure(origin, "undecided", "")


def test_dead_letter_headers():
    """A dead letter has the record's own headers, then reason, detail, origin, service and time."""
    letters = DeadLetters("router", "t.dead-letters")
    place, (key, value, headers) = letters.of_record(record(7), "undecided", "ж" * 600, NOON)
    assert (place, key, value) == (TopicPartition("t.dead-letters", 0), b"acme", record(7).value)
    assert headers[: len(record(7).headers)] == list(record(7).headers)
    assert dict(headers[len(record(7).headers) :]) == {
        "dead-letter-reason": b"undecided",
        "dead-letter-detail": ("ж" * 500).encode(),
        "dead-letter-origin": b"t.commands/0/7",
        "dead-letter-service": b"router",
        "dead-letter-time": b"2026-11-22T12:00:00+00:00",
    }


def test_errors_are_described_without_their_words():
    """Where an error came from is told; its message, which may be a customer's, is not."""

    def fall():
        raise LookupError("the customer's words")

    with pytest.raises(LookupError) as caught:
        fall()
    assert failures.describe(caught.value).startswith("LookupError in fall (test_parts.py:")
    assert "words" not in failures.describe(caught.value)


def test_nothing_is_no_work():
    """An empty batch needs no transaction; offsets alone do."""
    assert not Work()
    assert Work(offsets={TopicPartition("t.commands", 0): 1})


async def test_the_clock_of_a_core_never_goes_back():
    """A clock that is set back by the machine stands still for the core."""
    times = [NOON, NOON - timedelta(seconds=5), NOON + timedelta(seconds=1)]
    core = Listing()
    deciding = decider(core, clock=lambda: times.pop(0))
    for offset in range(3):
        work = await deciding.decide({TopicPartition("t.commands", 0): [record(offset)]})
        assert work.offsets == {TopicPartition("t.commands", 0): offset + 1}
        assert work.taken == {TopicPartition("t.commands", 0): (1, (1000 + offset) / 1000)}
    assert core.instants == [NOON, NOON, NOON + timedelta(seconds=1)]


async def test_headers_without_a_value_stop_nothing():
    """Kafka allows a header to have no value; whichever it is, the batch is processed to its end."""
    place = TopicPartition("t.commands", 0)
    names = [name for name, _ in record(0).headers] + ["traceparent"]
    records = [replace(record(n), headers=(*record(n).headers, (name, None))) for n, name in enumerate(names)]
    work = await decider(Listing()).decide({place: [*records, record(99)]})
    assert work.offsets == {place: 100}


async def test_a_core_that_fails_outside_of_a_decision_is_not_a_records_fault():
    """An error of take_due or take_changes crashes: no dead letter would help."""

    class Failing(Listing):
        def take_changes(self):
            raise ValueError("no")

    with pytest.raises(failures.CoreFailed, match="take_changes: ValueError in take_changes"):
        await decider(Failing()).decide({TopicPartition("t.commands", 0): [record(1)]})


def test_age_of_the_oldest_unprocessed_record():
    """Counted since the last record processed, or since nothing was left, whichever was later."""
    tp, age = TopicPartition("t.commands", 0), Age()
    assert age.seconds(tp, 6, None, 1000.0) == 0, "nothing is known yet"
    assert age.seconds(tp, 6, None, 1003.0) == 3, "since it was first seen"
    assert age.seconds(tp, 5, 400.0, 1003.0) == 603, "the next one was sent after the last one processed"
    assert age.seconds(tp, 0, 400.0, 1003.0) == 0
    assert age.seconds(tp, 2, 400.0, 2000.0) == 997, "these two were sent after nothing was left"
    assert age.seconds(tp, 2, 2500.0, 2000.0) == 0, "a sender's clock may be ahead"
