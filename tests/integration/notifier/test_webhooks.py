"""Webhooks on their way out: signed, repeated under one key, in order, refused; and what FastStream would do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from runtime import kafka as clients
from runtime.settings import KafkaSettings, Settings
from schemas.base import ReplyAddress
from schemas.codec import encode
from schemas.topics import UPDATES
from schemas.updates import UpdateRequested
from tests.integration.notifier.outside import Receiver
from tests.integration.notifier.scene import Outcomes, chat, policy, publish, sending, until

pytestmark = pytest.mark.kafka


async def test_delivered(installation: Settings, kafka: KafkaSettings, receiver: Receiver, outcomes: Outcomes) -> None:
    """The adapter gets the whole event, signed (the receiver checks that), with the update's id as its key."""
    update = chat()
    await publish(installation, kafka, [update])
    async with sending(installation, kafka, policy(9, receiver.url)):
        found = await outcomes.until(1)
    (post,) = receiver.posts
    assert UpdateRequested.model_validate(post.body, strict=False) == update
    assert post.headers["content-type"] == "application/json"
    assert (post.headers["webhook-id"], post.headers["idempotency-key"]) == (update.update_id, update.update_id)
    outcome = found[update.update_id]
    assert (outcome.kind, outcome.attempts, outcome.channel, outcome.provider) == (
        "update_delivered",
        1,
        "chat",
        "standard",
    )


async def test_failing_then_well(
    installation: Settings, kafka: KafkaSettings, receiver: Receiver, outcomes: Outcomes
) -> None:
    """What the adapter cannot take now is posted again, the same under the same key."""
    receiver.answers = [500, 503, 429]
    await publish(installation, kafka, [chat()])
    async with sending(installation, kafka, policy(9, receiver.url)):
        found = await outcomes.until(1)
    (outcome,) = found.values()
    assert (outcome.kind, outcome.attempts) == ("update_delivered", 4)
    assert len(receiver.posts) == 4
    assert len({(post.headers["idempotency-key"], str(post.body)) for post in receiver.posts}) == 1


async def test_refused_and_unsendable(
    installation: Settings, kafka: KafkaSettings, receiver: Receiver, outcomes: Outcomes
) -> None:
    """410 is the end of it; a channel without a sender is told so; the next update is not held up."""
    receiver.answers = [410]
    nobody = ReplyAddress(channel="social", provider="whatsapp", address="27821234567")
    await publish(installation, kafka, [chat(1), chat(1, update_id="none", reply_to=nobody), chat(1, update_id="ok")])
    async with sending(installation, kafka, policy(9, receiver.url)):
        found = await outcomes.until(3)
    refused, none, well = found.values()
    assert (refused.kind, refused.reason, refused.attempts, refused.detail) == (
        "update_failed",
        "refused",
        1,
        "the adapter answered 410",
    )
    assert (none.kind, none.reason, none.attempts, none.channel) == ("update_failed", "no_sender", 0, "social")
    assert well.kind == "update_delivered"


async def test_in_order_within_a_case_and_side_by_side_between(
    installation: Settings, kafka: KafkaSettings, receiver: Receiver, outcomes: Outcomes
) -> None:
    """A case's updates arrive in their order, though the first is answered last; other cases do not wait."""
    receiver.answers = [503, 503]
    first, second = chat(1, update_id="first"), chat(1, update_id="second")
    await publish(installation, kafka, [first, second])
    async with sending(installation, kafka, policy(9, receiver.url)):
        await until(lambda: len(receiver.posts) >= 1, "the first is tried")
        await publish(installation, kafka, [chat(number) for number in range(2, 12)])
        await outcomes.until(12)
    assert [i for i in receiver.told if i in {"first", "second"}] == ["first", "second"]
    assert len(receiver.told) == len(set(receiver.told)) == 12


async def test_requested_again_after_it_was_settled(
    installation: Settings, kafka: KafkaSettings, receiver: Receiver, outcomes: Outcomes
) -> None:
    """A second attempt of what was delivered meanwhile is not posted."""
    async with sending(installation, kafka, policy(9, receiver.url)):
        await publish(installation, kafka, [chat()])
        await outcomes.until(1)
        await publish(installation, kafka, [chat(attempt=2), chat(2)])
        await outcomes.until(2)
    assert [post.body["attempt"] for post in receiver.posts] == [1, 1]


async def test_requested_again_after_it_was_too_old(
    installation: Settings, kafka: KafkaSettings, receiver: Receiver, outcomes: Outcomes
) -> None:
    """A first attempt whose time is over is left out, the second one, which the ledger asked for, is posted."""
    late = datetime.now(UTC) - timedelta(seconds=installation.delivery_seconds + 1)
    await publish(installation, kafka, [chat(at=late), chat(attempt=2)])
    async with sending(installation, kafka, policy(9, receiver.url)):
        found = await outcomes.until(1)
    assert [post.body["attempt"] for post in receiver.posts] == [2]
    assert {o.kind for o in found.values()} == {"update_delivered"}


async def test_what_is_done_is_committed(
    installation: Settings, kafka: KafkaSettings, receiver: Receiver, outcomes: Outcomes
) -> None:
    """Senders that start again begin behind what was delivered."""
    rules = policy(9, receiver.url)
    await publish(installation, kafka, [chat(number) for number in range(10)])
    async with sending(installation, kafka, rules):
        await outcomes.until(10)
    async with sending(installation, kafka, rules):
        await publish(installation, kafka, [chat(11)])
        await outcomes.until(11)
    assert len(receiver.posts) == 11


async def test_stopping_waits_for_what_is_under_way(
    installation: Settings, kafka: KafkaSettings, receiver: Receiver, outcomes: Outcomes
) -> None:
    """A post that is under way when the senders stop is told of, and not repeated."""
    receiver.slow = 0.5
    rules = policy(9, receiver.url)
    await publish(installation, kafka, [chat()])
    async with sending(installation, kafka, rules):
        await until(receiver.came.is_set, "the post has begun")
    await outcomes.until(1)
    async with sending(installation, kafka, rules):
        await publish(installation, kafka, [chat(2)])
        await outcomes.until(2)
    assert len(receiver.posts) == 2


async def test_hostile_records_and_aborted_ones(
    installation: Settings, kafka: KafkaSettings, receiver: Receiver, outcomes: Outcomes
) -> None:
    """Records that nobody can read, headers that are not UTF-8 or name a topic to answer to, and records of an
    aborted transaction neither stop the senders nor are sent.
    """
    topic = installation.topics().name(UPDATES)
    good = encode(chat(1), "good", "/test")
    aborted = clients.producer(kafka, transactional_id=f"{installation.topic_prefix}test")
    await aborted.start()
    await aborted.begin_transaction()
    phantom = encode(chat(2), "phantom", "/test")
    await aborted.send_and_wait(topic, phantom.value, key=phantom.key, headers=phantom.headers, partition=0)
    await aborted.abort_transaction()
    await clients.close(aborted)
    plain = clients.producer(kafka)
    await plain.start()
    await plain.send_and_wait(topic, None, key=b"nobody", partition=0)
    await plain.send_and_wait(topic, b"{", headers=good.headers, partition=0)
    await plain.send_and_wait(topic, good.value, headers=[("ce_type", b"\xff\xfe"), ("ce_id", b"x")], partition=0)
    strange = [*good.headers, ("x-strange", b"\xff\xfe"), ("reply_to", topic.encode())]
    await plain.send_and_wait(topic, good.value, headers=strange, partition=0)
    await clients.close(plain)
    async with sending(installation, kafka, policy(9, receiver.url)):
        found = await outcomes.until(1)
    assert [post.body["case_id"] for post in receiver.posts] == ["case-1"]
    assert {o.kind for o in found.values()} == {"update_delivered"}
    await outcomes.read()
    assert len(outcomes.all) == 1
