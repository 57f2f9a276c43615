"""Senders whose Kafka is away, at their start and later."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.notifier.senders.senders import Senders
from services.notifier.senders.servers import servers
from tests.integration.notifier.outside import Mailbox, Receiver
from tests.integration.notifier.scene import Outcomes, chat, policy, publish, request, until

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


async def test_kafka_away_at_the_start_and_later(
    own_broker: Any, own_installation: Any, mailbox: Mailbox, receiver: Receiver
) -> None:
    """Senders that start without Kafka are unready until it is there; when it goes and comes back they go on, and
    nothing is sent twice.
    """
    rules = policy(mailbox.port, receiver.url)
    async with own_broker() as broker, own_installation(broker) as (settings, kafka):
        await publish(settings, kafka, [request(1), chat(2)])
        await broker.stop()
        senders, stopping = Senders(rules, servers(rules), settings, kafka), asyncio.Event()
        running = asyncio.create_task(senders.run(stopping))
        await asyncio.sleep(1)
        assert senders.unready() == "senders: not connected to Kafka"
        assert not running.done()
        await broker.start()
        async with Outcomes(settings, kafka) as outcomes:
            await outcomes.until(2)
        await until(lambda: senders.unready() is None, "ready")
        await broker.stop()
        await asyncio.sleep(1)
        assert not running.done()
        await broker.start()
        await publish(settings, kafka, [request(3), chat(4)])
        async with Outcomes(settings, kafka) as outcomes:
            found = await outcomes.until(4)
        stopping.set()
        await running
    assert {o.kind for o in found.values()} == {"update_delivered"}
    assert (len(mailbox.mails), mailbox.repeats()) == (2, {})
    assert len(receiver.told) == 2
