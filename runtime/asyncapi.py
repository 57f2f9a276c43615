"""AsyncAPI of a service, made by FastStream from the registry of topics."""

from __future__ import annotations

import json
from typing import Any, Union

from faststream.kafka import KafkaBroker
from faststream.specification import AsyncAPI

from runtime.release import VERSION
from schemas.topics import REGISTRY, Service, Topics


def describe(service: Service, topics: Topics, bootstrap: str) -> dict[str, Any]:
    """The AsyncAPI 3.0 document of what `service` consumes and produces.

    The broker object is never started: FastStream writes the document, the processor does the work.
    """
    broker = KafkaBroker(bootstrap)
    for topic in REGISTRY:
        if not topic.events:
            continue
        events: Any = Union[topic.events]  # noqa: UP007 - made from a tuple at run time
        name = topics.name(topic)
        if service in topic.consumers:

            async def consume(event: Any) -> None: ...

            consume.__annotations__ = {"event": events}
            broker.subscriber(name, title=f"receive {name}", description=topic.purpose)(consume)
        if service in topic.producers:
            broker.publisher(name, schema=events, title=f"send {name}", description=topic.purpose)
    document = AsyncAPI(broker, title=f"Switchboard {service}", version=VERSION).to_specification()
    parsed: dict[str, Any] = json.loads(document.to_json())
    return parsed
