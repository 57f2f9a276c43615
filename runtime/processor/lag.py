"""How far behind a session is; measuring it also shows whether Kafka answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from runtime.metrics import LAG_RECORDS, LAG_SECONDS
from runtime.processor.task import Job, Task

ANSWER_SECONDS: Final = 5.0
"""Kafka counts as away when it needs longer."""


class Age:
    """How old the oldest unprocessed record of an input is, at most.

    It is not older than the last one processed, nor than the last moment at which nothing was left: so,
    the time since the later of the two. While neither is known: the time since the lag was first seen.
    """

    def __init__(self) -> None:
        self._caught_up: dict[TopicPartition, float] = {}
        self._first_seen: dict[TopicPartition, float] = {}

    def seconds(self, tp: TopicPartition, behind: int, processed_at: float | None, now: float) -> float:
        """The age, of `behind` records, the one before them with the timestamp `processed_at`; times since 1970."""
        if behind == 0:
            self._caught_up[tp] = now
            return 0.0
        known = [at for at in (processed_at, self._caught_up.get(tp)) if at is not None]
        return max(now - (max(known) if known else self._first_seen.setdefault(tp, now)), 0.0)


class Lag:
    """Measures the lag of the running tasks, in records and in seconds, by topic."""

    def __init__(self, job: Job, consumer: AIOKafkaConsumer) -> None:
        self._job = job
        self._consumer = consumer
        self._age = Age()
        self._names = [job.settings.topics().name(topic) for topic in job.inputs]

    async def measure(self, tasks: Collection[Task]) -> None:
        """One round trip to Kafka. Raises KafkaError or TimeoutError when it does not answer."""
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._measure(tasks)

    async def _measure(self, tasks: Collection[Task]) -> None:
        tps = [TopicPartition(name, task.partition) for task in tasks for name in self._names]
        # Without partitions of its own a process still has to know whether Kafka is there.
        asked = tps or [TopicPartition(self._names[0], 0)]
        ends = await self._consumer.end_offsets(asked)
        now = time.time()
        records: dict[str, int] = dict.fromkeys(self._names, 0)
        seconds: dict[str, float] = dict.fromkeys(self._names, 0.0)
        for task in tasks:
            for name in self._names:
                tp = TopicPartition(name, task.partition)
                if tp not in self._consumer.assignment():
                    continue
                # The position, unlike the committed offset, is beyond the markers that end a transaction.
                behind = max(ends[tp] - await self._consumer.position(tp), 0) + task.in_hand.get(tp, 0)
                records[name] += behind
                age = self._age.seconds(tp, behind, task.processed_at.get(tp), now)
                seconds[name] = max(seconds[name], age)
        for topic, name in zip(self._job.inputs, self._names, strict=True):
            LAG_RECORDS.labels(self._job.service, topic.name).set(records[name])
            LAG_SECONDS.labels(self._job.service, topic.name).set(seconds[name])
