"""Topics come from the registry, and a wrong one is told."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from runtime import topic_admin
from runtime.refusal import Refusal
from runtime.settings import KafkaSettings
from schemas.topics import AGENTS, CASES, REGISTRY, ROUTER_STATE, Topics

pytestmark = pytest.mark.kafka


async def test_apply_twice_changes_nothing(kafka, installation):
    """A second apply finds every topic of the registry as it should be."""
    outcomes = await topic_admin.apply(kafka, installation.topics(), 1)
    assert [(outcome.topic, outcome.state) for outcome in outcomes] == [
        (installation.topics().name(topic), "as it should be") for topic in REGISTRY
    ]


async def test_apply_makes_only_what_is_missing(kafka, installation):
    """A topic that was removed is made again; the others are told as they are."""
    topics = installation.topics()
    await _delete(kafka, topics.name(CASES))
    outcomes = await topic_admin.apply(kafka, topics, 1)
    assert {outcome.topic for outcome in outcomes if outcome.state == "created"} == {topics.name(CASES)}


@pytest.mark.parametrize("installation", [3], indirect=True)
async def test_another_number_of_partitions_is_refused_with_both_numbers(kafka, installation):
    """apply, check and the services' wait refuse alike, and name topic, found and wanted."""
    other = replace(installation.topics(), partitions=5)
    for refusing in (
        topic_admin.apply(kafka, other, 1),
        topic_admin.check(kafka, other),
        topic_admin.wait_for_topics(kafka, other),
    ):
        with pytest.raises(Refusal, match=f"{other.name(CASES)} has 3 partitions, not 5"):
            await refusing


async def test_a_config_that_differs_is_told_and_left(kafka):
    """An operator's own retention stays, and the row says what it is and what the registry has."""
    topics = Topics("differs.", 1)
    mine = {"cleanup.policy": "delete", "retention.ms": "1234"}
    await _create(kafka, NewTopic(topics.name(ROUTER_STATE), 1, 1, topic_configs=mine))
    try:
        for outcomes in (await topic_admin.apply(kafka, topics, 1), await topic_admin.check(kafka, topics)):
            (state,) = [outcome for outcome in outcomes if outcome.topic == topics.name(ROUTER_STATE)]
            assert state.state == "differs"
            assert "cleanup.policy is delete, should be compact" in state.differences
    finally:
        await topic_admin.delete(kafka, topics)


async def test_more_copies_than_brokers_is_refused(kafka):
    """A replication that the cluster cannot give names the setting, and nothing is made."""
    topics = Topics("copies.", 1)
    with pytest.raises(Refusal, match="SWITCHBOARD_REPLICATION"):
        await topic_admin.apply(kafka, topics, 3)
    assert {outcome.state for outcome in await topic_admin.check(kafka, topics)} == {"missing"}


async def test_two_applies_at_once_both_succeed(kafka):
    """Whoever comes second finds the first one's topics."""
    topics = Topics("at-once.", 2)
    try:
        await asyncio.gather(topic_admin.apply(kafka, topics, 1), topic_admin.apply(kafka, topics, 1))
        assert {outcome.state for outcome in await topic_admin.check(kafka, topics)} == {"as it should be"}
    finally:
        await topic_admin.delete(kafka, topics)


async def test_a_service_waits_for_topics_that_are_not_there_yet(kafka):
    """wait_for_topics neither makes topics nor gives up; it returns once somebody made them."""
    topics = Topics("awaited.", 1)
    waiting = asyncio.create_task(topic_admin.wait_for_topics(kafka, topics))
    await asyncio.sleep(0)
    assert {outcome.state for outcome in await topic_admin.check(kafka, topics)} == {"missing"}
    assert not waiting.done()
    try:
        await topic_admin.apply(kafka, topics, 1)
        async with asyncio.timeout(60):
            await waiting
    finally:
        await topic_admin.delete(kafka, topics)


async def test_a_service_waits_for_a_broker_that_is_away(own_broker):
    """wait_for_topics outlives a stopped broker and returns when it is back."""
    async with own_broker() as running:
        kafka, topics = KafkaSettings(bootstrap_servers=running.bootstrap), Topics("away.", 1)
        await topic_admin.apply(kafka, topics, 1)
        await running.stop()
        waiting = asyncio.create_task(topic_admin.wait_for_topics(kafka, topics))
        await asyncio.sleep(topic_admin.RETRY_SECONDS)
        assert not waiting.done()
        await running.start()
        async with asyncio.timeout(60):
            await waiting


async def test_our_broker_makes_no_topic_by_itself(kafka, broker):
    """Asking for a topic that is not there, as any client does first, does not create it."""
    if broker.kind == "given":
        pytest.skip("the given Kafka has its own settings")
    admin = AIOKafkaAdminClient(**kafka.client())
    await admin.start()
    (answer,) = await admin.describe_topics(["nobody.made.this"])
    assert answer["error_code"] == UnknownTopicOrPartitionError.errno
    assert "nobody.made.this" not in await admin.list_topics()
    await admin.close()


def test_the_rows_name_every_topic_of_the_registry():
    """A row for each topic, with the installation's names and numbers, and how long it is kept."""
    rows = {row["topic"]: row for row in topic_admin.rows(Topics("mine.", 4))}
    assert list(rows) == ["mine." + topic.name for topic in REGISTRY]
    assert {row["partitions"] for row in rows.values()} == {"4"}
    kept = [rows["mine." + topic.name]["kept"] for topic in (CASES, AGENTS, ROUTER_STATE)]
    assert kept == ["90 days", "for ever", "compacted"]


async def _create(kafka, topic):
    admin = AIOKafkaAdminClient(**kafka.client())
    await admin.start()
    await admin.create_topics([topic])
    await admin.close()


async def _delete(kafka, name):
    admin = AIOKafkaAdminClient(**kafka.client())
    await admin.start()
    await admin.delete_topics([name])
    while name in await admin.list_topics():  # noqa: ASYNC110 - the brokers hear of it a moment later
        await asyncio.sleep(0.05)
    await admin.close()
