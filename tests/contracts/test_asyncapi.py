"""AsyncAPI of each service says what the registry says."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from runtime.asyncapi import describe
from schemas.topics import REGISTRY, SERVICES, Service, Topics

TOPICS = Topics("trial.")
every_service = pytest.mark.parametrize("service", SERVICES)


def addresses(document: dict[str, Any], action: str) -> set[str]:
    """The topics of all operations of one action."""
    found = [each for each in document["operations"].values() if each["action"] == action]
    names = [each["channel"]["$ref"].removeprefix("#/channels/") for each in found]
    return {document["channels"][unquote(name)]["address"] for name in names}


@every_service
def test_it_names_exactly_the_topics_that_the_registry_gives_the_service(service: Service):
    """Public topics only: what carries no events of the contract is nobody else's business."""
    document = describe(service, TOPICS, "localhost:9092")
    reads = {TOPICS.name(topic) for topic in REGISTRY if topic.events and service in topic.consumers}
    writes = {TOPICS.name(topic) for topic in REGISTRY if topic.events and service in topic.producers}
    assert addresses(document, "receive") == reads
    assert addresses(document, "send") == writes
    assert {channel["address"] for channel in document["channels"].values()} == reads | writes


@every_service
def test_it_describes_every_event_of_its_topics(service: Service):
    """The payloads are the events of the registry, by name, with their fields."""
    document = describe(service, TOPICS, "localhost:9092")
    schemas = document["components"]["schemas"]
    mine = [t for t in REGISTRY if service in (*t.consumers, *t.producers)]
    for event in (event for topic in mine for event in topic.events):
        assert event.__name__ in schemas, event
        assert schemas[event.__name__]["properties"].keys() == event.model_fields.keys()


@every_service
def test_it_is_an_asyncapi_3_document_without_secrets(service: Service):
    """Title and version say whose it is."""
    document = describe(service, TOPICS, "localhost:9092")
    assert document["asyncapi"].startswith("3.")
    assert document["info"]["title"] == f"Switchboard {service}"
