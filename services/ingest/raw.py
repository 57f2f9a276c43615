"""Payloads that adapters put on the raw topic themselves, in a provider's own format.

The record's key is the desk; the headers `switchboard-channel` and `switchboard-provider` say whose payload
the value is; all headers go to the provider's parser as if they had come by HTTP. The topic's permissions are
the proof, so nothing is signed. Messages, dead letters and offsets are one transaction: a payload comes to its
messages exactly once, through kills and rebalances.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import structlog
from aiokafka import ConsumerRecord, TopicPartition

from runtime.clock import Clock, utc_now
from runtime.health import Health
from runtime.processor import Processor
from runtime.processor.dead_letters import DeadLetters, Origin, Reason
from runtime.processor.failures import describe
from runtime.processor.inputs import Batch
from runtime.processor.placing import partition_of
from runtime.processor.work import MAX_VALUE_BYTES, Work
from runtime.settings import KafkaSettings, Settings
from schemas.base import Channel
from schemas.codec import known_traceparent, new_traceparent
from schemas.policy import Policy
from schemas.topics import DEAD_LETTERS, RAW, Topics
from services.ingest.accepting import Accepting, count, encoded
from services.ingest.provider import InboundEvent, Rejected, Request
from services.ingest.providers import registry

log = structlog.get_logger(__name__)

CHANNEL_HEADER: Final = "switchboard-channel"
PROVIDER_HEADER: Final = "switchboard-provider"


class Share:
    """The desks whose partition this process reads, as of about a second ago."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._partitions: frozenset[int] = frozenset()

    def __contains__(self, desk: str) -> bool:
        """Whether the desk's partition is read here. Two processes may both say so around a rebalance."""
        return partition_of(desk.encode(), self._topics.partitions) in self._partitions

    def see(self, partitions: Iterable[int]) -> None:
        """What is read now."""
        self._partitions = frozenset(partitions)


def consumer(policy: Policy, accepting: Accepting, share: Share, settings: Settings, kafka: KafkaSettings) -> Processor:
    """What reads the raw topic for this process, and keeps `share` up to date. It has a health of its own: a
    rebalance must not keep providers' requests away.
    """
    reading = Reading(policy, accepting, settings.topics())
    return Processor(
        service="ingest",
        inputs=(RAW,),
        changelog=None,
        # Nothing is remembered between records, so one object serves all partitions, and no core is driven.
        core=lambda _: cast("Any", reading),
        decider=lambda *_: reading,
        observe=count,
        gauges=share.see,
        settings=settings,
        kafka=kafka,
        health=Health(started=True),
    )


class Reading:
    """From raw records to the work of a transaction."""

    def __init__(self, policy: Policy, accepting: Accepting, topics: Topics, clock: Clock = utc_now) -> None:
        self._policy = policy
        self._accepting = accepting
        self._topics = topics
        self._clock = clock
        self._dead_letters = DeadLetters("ingest", topics.name(DEAD_LETTERS))

    async def decide(self, batch: Batch) -> Work:
        """Messages for what can be read, dead letters for what cannot. A refusal is an answer here as it is
        by HTTP, so any number of them in a row stops nobody.
        """
        work = Work()
        for tp, records in batch.items():
            for record in records:
                await self._record(work, record)
            if records:
                work.offsets[tp] = records[-1].offset + 1
                work.taken[tp] = len(records), records[-1].timestamp / 1000
        return work

    async def decide_due(self) -> Work:
        """Nothing is timed."""
        return Work()

    def seconds_to_deadline(self) -> None:
        """Nothing is timed."""

    async def _record(self, work: Work, record: ConsumerRecord[Any, Any]) -> None:
        now = self._clock()
        reason: Reason
        try:
            self._write(work, await self._events(record), record)
        except Rejected as rejected:
            reason, detail = "undecodable", f"{rejected.reason}: {rejected.detail}"
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - a parser's bug must not stop the topic, nor go unseen
            reason, detail = "undecided", describe(error)
        else:
            return
        origin = Origin(record.topic, record.partition, record.offset)
        log.warning("dead letter", topic=origin.topic, partition=origin.partition, offset=origin.offset, reason=reason)
        work.write(*self._dead_letters.of_record(record, reason, detail, now))
        work.dead[reason] += 1

    async def _events(self, record: ConsumerRecord[Any, Any]) -> Sequence[InboundEvent]:
        headers = {name.lower(): value.decode("latin-1") for name, value in record.headers}
        channel, name = headers.get(CHANNEL_HEADER, ""), headers.get(PROVIDER_HEADER, "")
        provider = registry().get((cast("Channel", channel), name))
        if provider is None:
            raise Rejected(
                "unknown_provider", f"the headers {CHANNEL_HEADER} and {PROVIDER_HEADER} must name a provider"
            )
        desk = (record.key or b"").decode("latin-1")
        policy = self._policy.desks.get(desk)
        if policy is None:
            raise Rejected("unknown_desk", "the key must be a desk of the policy")
        request = Request("POST", f"/v1/desks/{desk}/{channel}/{name}", headers, {}, record.value or b"")
        return await self._accepting.parse(desk, policy, provider, request, proven=True)

    def _write(self, work: Work, events: Sequence[InboundEvent], record: ConsumerRecord[Any, Any]) -> None:
        given = dict(record.headers).get("traceparent", b"").decode("latin-1")
        trace = known_traceparent(given) or new_traceparent()
        ready = [encoded(event, trace) for event in events]
        if any(len(each.value) > MAX_VALUE_BYTES for each in ready):
            raise Rejected("too_large", f"a message of more than {MAX_VALUE_BYTES} bytes")
        for each in ready:
            place = TopicPartition(self._topics.name(each.topic), partition_of(each.key, self._topics.partitions))
            work.write(place, (each.key, each.value, each.headers))
        work.facts.extend(events)
