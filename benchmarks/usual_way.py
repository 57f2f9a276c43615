"""The peer: the router's own rules in a service written the usual way.

FastStream, a handler for each message, pydantic models, state in a dict, an awaited publish for each
output, no transactions, no changelog. It decides with the router's core, so that rules and outputs are
the same; what differs is everything around it. Bodies are validated by `model_validate_json`: the models
are strict, and FastStream would hand them a dict; it is also the faster way. Runs until stopped; prints `READY`, then a JSON line with
how many messages it has handled, when, and the processor time used, about twice a second.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

from faststream import FastStream
from faststream.kafka import KafkaBroker, KafkaMessage

from benchmarks.workload import policy
from runtime.core import step
from runtime.settings import read_settings
from schemas.agents import AgentUpserted
from schemas.base import Event
from schemas.codec import ce_type, derive_id
from schemas.commands import RenewPresence
from schemas.messages import MessageReceived
from schemas.topics import AGENTS, COMMANDS, MESSAGES, TOPIC_OF
from services.router.core.router import RouterCore


def build() -> tuple[FastStream, KafkaBroker, dict[str, int]]:
    """The application and its count of handled messages."""
    settings, kafka = read_settings()
    topics = settings.topics()
    broker = KafkaBroker(kafka.bootstrap_servers)
    state: dict[str, RouterCore] = {}
    rules = policy()
    handled = {"messages": 0}

    async def handle(event: Event, cause: str) -> None:
        core = state.setdefault(event.desk, RouterCore(rules))
        facts: list[Any] = step(core, cause, event, datetime.now(UTC))
        for n, fact in enumerate(f for f in facts if type(f) in TOPIC_OF):
            topic = TOPIC_OF[type(fact)]
            headers = {"ce_id": derive_id(cause, n), "ce_type": ce_type(type(fact)), "ce_source": "/peer"}
            await broker.publish(fact, topics.name(topic), key=str(getattr(fact, topic.key)).encode(), headers=headers)
        core.take_changes()

    options: dict[str, Any] = {"auto_offset_reset": "earliest", "group_id": topics.prefix + "peer"}

    @broker.subscriber(topics.name(AGENTS), **options)  # type: ignore[untyped-decorator]
    async def on_agent(message: KafkaMessage) -> None:
        await handle(AgentUpserted.model_validate_json(message.body), message.headers["ce_id"])

    @broker.subscriber(topics.name(COMMANDS), **options)  # type: ignore[untyped-decorator]
    async def on_command(message: KafkaMessage) -> None:
        await handle(RenewPresence.model_validate_json(message.body), message.headers["ce_id"])

    @broker.subscriber(topics.name(MESSAGES), **options)  # type: ignore[untyped-decorator]
    async def on_message(message: KafkaMessage) -> None:
        await handle(MessageReceived.model_validate_json(message.body), message.headers["ce_id"])
        handled["messages"] += 1

    return FastStream(broker), broker, handled


async def main() -> None:
    """Serve and tell."""
    app, _, handled = build()
    serving = asyncio.create_task(app.run())
    sys.stdout.write("READY\n")
    while not serving.done():
        line = {"handled": handled["messages"], "at": time.monotonic(), "cpu": time.process_time()}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        await asyncio.sleep(0.5)
    await serving


if __name__ == "__main__":
    asyncio.run(main())
