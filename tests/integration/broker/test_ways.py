"""Which Kafka is taken, and that each is one."""

from __future__ import annotations

import asyncio
import re
import socket

import psutil
import pytest

from local import broker as local_broker
from local.broker import artefacts, container, java
from runtime import kafka as clients
from runtime import topic_admin
from runtime.refusal import Refusal
from runtime.settings import KafkaSettings
from schemas.topics import CASES, Topics
from tests.integration.broker.processes import bootstrap_of, broker_process, containers, still_there

pytestmark = pytest.mark.kafka


async def test_a_given_kafka_is_taken_before_any_other(broker, monkeypatch):
    """KAFKA_BOOTSTRAP_SERVERS is used as it is, and nothing is started."""
    monkeypatch.setenv(local_broker.VARIABLE, f"127.0.0.1:1,{broker.bootstrap}")
    async with local_broker.start() as running:
        assert (running.kind, running.bootstrap) == ("given", f"127.0.0.1:1,{broker.bootstrap}")
        assert running.pid is None


async def test_a_given_kafka_that_does_not_answer_is_refused(monkeypatch):
    """A mistyped address is told, not replaced by a broker that nobody meant."""
    monkeypatch.setenv(local_broker.VARIABLE, "127.0.0.1:1")
    with pytest.raises(Refusal, match=re.escape("127.0.0.1:1")):
        async with local_broker.start():
            pytest.fail("it started")


async def test_a_taken_port_is_refused():
    """A port that somebody listens on is named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Refusal, match=str(port)):
            async with local_broker.start(port=port, ways=("container", "java")):
                pytest.fail("it started")


async def test_two_brokers_side_by_side_do_not_meet(broker, ours, tmp_path):
    """What is made on one is not on the other."""
    with broker_process(tmp_path) as process:
        other = KafkaSettings(bootstrap_servers=await asyncio.to_thread(bootstrap_of, process))
        assert other.bootstrap_servers != broker.bootstrap
        topics = Topics("side-by-side.", 1)
        await topic_admin.apply(other, topics, 1)
        here = await topic_admin.check(KafkaSettings(bootstrap_servers=broker.bootstrap), topics)
        assert {outcome.state for outcome in here} == {"missing"}


async def test_java_runs_kafka_itself(maven):
    """Kafka from its Maven artefacts stops, and comes back on its port with its data."""
    async with local_broker.start(ways=("java",)) as running:
        assert running.kind == "java"
        await _stops_and_comes_back(running)


async def test_a_container_is_kafka(docker):
    """Where an engine answers, Kafka in a container does the same, and is removed at the end."""
    async with local_broker.start(ways=("container",)) as running:
        assert running.kind == "container"
        (name,) = containers([psutil.Process(running.pid)])
        assert f"{container.IMAGE} {name}" in docker("ps", "--format", "{{.Image}} {{.Names}}")
        await _stops_and_comes_back(running)
    assert still_there([name]) == []


async def test_two_fetches_at_once_end_in_one_cache(maven, tmp_path, monkeypatch):
    """Both get the same whole folder, and neither leaves anything else."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    command, _ = java.find()
    one, other = await asyncio.gather(artefacts.fetched(command), artefacts.fetched(command))
    assert one == other
    assert (one.folder / "jars" / f"kafka_2.13-{local_broker.KAFKA_VERSION}.jar").is_file()
    assert list(one.folder.parent.iterdir()) == [one.folder]


def test_an_old_java_is_not_taken(tmp_path, monkeypatch):
    """A Java below 17 is passed over, with its version in the reason."""
    old = tmp_path / "bin" / "java"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(local_broker.Unavailable, match=r"11\.0\.2"):
        java.find()


async def _stops_and_comes_back(running):
    """Stopped, nothing answers; started again, what was written before is read at the same address."""
    kafka = KafkaSettings(bootstrap_servers=running.bootstrap)
    topics = Topics("written.", 1)
    await topic_admin.apply(kafka, topics, 1)
    producer = clients.producer(kafka)
    await producer.start()
    await producer.send_and_wait(topics.name(CASES), b"before")
    await clients.close(producer)
    await running.stop()
    host, port = running.bootstrap.split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
    await running.start()
    reader = clients.reader(kafka, topics.name(CASES))
    await reader.start()
    records = await reader.getmany(timeout_ms=60_000)
    await clients.close(reader)
    assert [record.value for batch in records.values() for record in batch] == [b"before"]
