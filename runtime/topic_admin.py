"""Topics as the registry has them: made, compared, waited for. Never by auto-creation."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    InvalidReplicationFactorError,
    KafkaError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from runtime.refusal import Refusal
from runtime.settings import KafkaSettings
from schemas.topics import REGISTRY, Topic, Topics

log = structlog.get_logger(__name__)

RETRY_SECONDS: Final = 1.0
SEEN_SECONDS: Final = 30.0
"""A topic that was just made may stay unseen by the brokers for a moment; hardly for so long."""


@dataclass(frozen=True)
class Outcome:
    """What `apply` or `check` found of one topic."""

    topic: str
    """Its full name."""
    state: Literal["created", "as it should be", "differs", "missing"]
    differences: tuple[str, ...] = ()
    """`retention.ms is 1, should be 2`, for those that differ."""


async def apply(kafka: KafkaSettings, topics: Topics, replication: int) -> list[Outcome]:
    """Make the topics that are not there. Those that are there are left as they are, and what differs
    from the registry is told: an operator's own retention may be meant.

    Raises Refusal when a topic has another number of partitions, or the cluster cannot hold
    `replication` copies; KafkaError or TimeoutError when the broker is away (retry).
    """
    async with _admin(kafka) as admin:
        there = await _partitions(admin, topics)
        _refuse_other_partitions(there, topics)
        missing = [topic for topic in REGISTRY if topics.name(topic) not in there]
        created = await _create(admin, missing, topics, replication) if missing else set()
        others = {topics.name(topic) for topic in REGISTRY} - created
        found = {outcome.topic: outcome for outcome in await _compare(admin, others, topics)}
    return [found.get(name, Outcome(name, "created")) for name in map(topics.name, REGISTRY)]


async def check(kafka: KafkaSettings, topics: Topics) -> list[Outcome]:
    """Compare only. Raises as `apply` does."""
    async with _admin(kafka) as admin:
        there = await _partitions(admin, topics)
        _refuse_other_partitions(there, topics)
        found = {outcome.topic: outcome for outcome in await _compare(admin, there, topics)}
    return [found.get(name, Outcome(name, "missing")) for name in map(topics.name, REGISTRY)]


async def wait_for_topics(kafka: KafkaSettings, topics: Topics) -> None:
    """Return when every topic is there; until then wait, for a broker that is away too, and log what
    for. Raises Refusal when one has another number of partitions: waiting would not mend that.
    """
    told: object = None
    while True:
        reason: dict[str, Any] = {}
        try:
            async with _admin(kafka) as admin:
                there = await _partitions(admin, topics)
            _refuse_other_partitions(there, topics)
            missing = sorted(topics.name(topic) for topic in REGISTRY if topics.name(topic) not in there)
            if not missing:
                return
            reason = {"missing": missing, "to_do": "switchboard topics apply"}
        except (KafkaError, OSError) as error:
            reason = {"broker": kafka.bootstrap_servers, "error": repr(error)}
        if reason != told:
            log.warning("waiting for the topics", **reason)
            told = reason
        await asyncio.sleep(RETRY_SECONDS)


async def delete(kafka: KafkaSettings, topics: Topics) -> None:
    """Remove the installation's topics and all that is in them. Raises KafkaError."""
    async with _admin(kafka) as admin:
        there = await _partitions(admin, topics)
        if there:
            answer = await admin.delete_topics(sorted(there))
            for name, code in answer.topic_error_codes:
                if code and for_code(code) is not UnknownTopicOrPartitionError:
                    raise for_code(code)(name)


def rows(topics: Topics) -> list[dict[str, str]]:
    """The registry as `switchboard topics show` prints it, a row for each topic."""
    return [
        {
            "topic": topics.name(topic),
            "key": topic.key,
            "partitions": str(topics.partitions),
            "kept": _kept(topic),
            "producers": ", ".join(topic.producers),
            "consumers": ", ".join(topic.consumers),
            "purpose": topic.purpose,
        }
        for topic in REGISTRY
    ]


def _kept(topic: Topic) -> str:
    if topic.compacted:
        return "compacted"
    return "for ever" if topic.retention_ms < 0 else f"{topic.retention_ms // 86_400_000} days"


@contextlib.asynccontextmanager
async def _admin(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**kafka.client())
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _partitions(admin: AIOKafkaAdminClient, topics: Topics) -> dict[str, int]:
    """Of the installation's topics that are there. All topics are asked for: asking for one by name
    would create it on a cluster with auto-creation.
    """
    ours = {topics.name(topic) for topic in REGISTRY}
    return {
        found["topic"]: len(found["partitions"]) for found in await admin.describe_topics() if found["topic"] in ours
    }


def _refuse_other_partitions(there: Mapping[str, int], topics: Topics) -> None:
    wrong = [
        f"{name} has {n} partitions, not {topics.partitions}" for name, n in there.items() if n != topics.partitions
    ]
    if wrong:
        raise Refusal(
            "\n".join(sorted(wrong))
            + "\nThe number of partitions cannot change once there is data: set SWITCHBOARD_PARTITIONS to what is "
            "there, or take another SWITCHBOARD_TOPIC_PREFIX"
        )


async def _create(admin: AIOKafkaAdminClient, missing: Iterable[Topic], topics: Topics, replication: int) -> set[str]:
    """Make them and wait until every topic is seen; the names of those that nobody else made meanwhile."""
    new = [
        NewTopic(topics.name(topic), topics.partitions, replication, topic_configs=topic.config) for topic in missing
    ]
    answer = await admin.create_topics(new)
    created = set()
    for name, code, *message in answer.topic_errors:
        error = for_code(code)
        if error is InvalidReplicationFactorError:
            raise Refusal(f"{name} cannot have {replication} copies: {message[0]}; correct SWITCHBOARD_REPLICATION")
        if code and error is not TopicAlreadyExistsError:
            raise error(f"{name}: {message[0] if message else ''}")
        if not code:
            created.add(name)
    async with asyncio.timeout(SEEN_SECONDS):
        while len(there := await _partitions(admin, topics)) < len(REGISTRY):  # noqa: ASYNC110 - the brokers' doing
            await asyncio.sleep(SEEN_SECONDS / 600)
    _refuse_other_partitions(there, topics)
    return created


async def _compare(admin: AIOKafkaAdminClient, there: Iterable[str], topics: Topics) -> list[Outcome]:
    if not (names := sorted(there)):
        return []
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    outcomes = []
    for answer in answers:
        for code, message, _, name, entries in answer.resources:
            if code:
                raise for_code(code)(f"{name}: {message}")
            actual = {key: value for key, value, *_ in entries}
            differences = tuple(
                f"{key} is {actual.get(key)}, should be {value}"
                for key, value in topics.of(name).config.items()
                if actual.get(key) != value
            )
            outcomes.append(Outcome(name, "differs" if differences else "as it should be", differences))
    return outcomes
