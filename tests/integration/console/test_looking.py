"""`why` and `watch` read what is committed, from processes of their own."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from runtime import kafka as clients
from runtime.settings import KafkaSettings, Settings
from schemas import codec
from schemas.base import Event
from tests.unit.console.told import assigned, message, opened, prioritised, queued

pytestmark = pytest.mark.kafka

STORY = [message("m1"), opened("c1", "m1"), prioritised("c1"), queued("c1"), assigned("c1", seconds=2)]


async def written(settings: Settings, kafka: KafkaSettings, events: list[Event], *, committed: bool = True) -> None:
    """Put events on their topics in one transaction, as services do."""
    topics = settings.topics()
    producer = clients.producer(kafka, transactional_id=f"{settings.topic_prefix}{committed}")
    await producer.start()
    await producer.begin_transaction()
    for event in events:
        record = codec.encode(event, codec.derive_id(event.kind, str(event.at)), "/switchboard/router")
        await producer.send_and_wait(topics.name(record.topic), record.value, key=record.key, headers=record.headers)
    await (producer.commit_transaction() if committed else producer.abort_transaction())
    await clients.close(producer)


async def switchboard(settings: Settings, kafka: KafkaSettings, *arguments: str) -> tuple[int, str, str]:
    env = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "SWITCHBOARD_TOPIC_PREFIX": settings.topic_prefix,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console.app", *arguments),
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_why_tells_the_story_of_a_case(installation: Settings, kafka: KafkaSettings) -> None:
    """By its reference: every decision in order, with its reasons; nothing of what was never committed."""
    await written(installation, kafka, STORY)
    await written(installation, kafka, [assigned("c1", "bob", seconds=9)], committed=False)
    code, out, _ = await switchboard(installation, kafka, "why", "AC-00000C1")
    assert code == 0
    told = [line[25:] for line in out.splitlines()]
    assert out.startswith("AC-00000C1  case c1\n")
    order = [
        told.index(line) for line in ("opened by chat (en)", "P2: urgency high, impact high", "P2 to Anna after 1.5 s")
    ]
    assert order == sorted(order)
    assert "because least-loaded: 1 of 3 in use" in told
    assert "Bob" not in out


async def test_why_of_a_case_that_is_not_there_is_refused(installation: Settings, kafka: KafkaSettings) -> None:
    """With where it was looked for; so is a prefix that has no topics."""
    code, _, err = await switchboard(installation, kafka, "why", "AC-00000C9")
    assert (code, err) == (
        2,
        f"no case 'AC-00000C9' on {installation.topic_prefix}cases at {kafka.bootstrap_servers}\n",
    )
    elsewhere = installation.model_copy(update={"topic_prefix": "nowhere."})
    code, _, err = await switchboard(elsewhere, kafka, "why", "AC-00000C1")
    assert code == 2
    assert "has no topic nowhere.agents" in err


async def test_watch_shows_what_the_topics_hold(installation: Settings, kafka: KafkaSettings) -> None:
    """Without a terminal, in plain lines."""
    await written(installation, kafka, STORY)
    code, out, _ = await switchboard(installation, kafka, "watch", "--for", "3")
    assert code == 0
    assert "P2 to Anna after 1.5 s  (least-loaded: 1 of 3 in use)" in out
    assert "\x1b" not in out
