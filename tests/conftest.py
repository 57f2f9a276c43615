"""Real Kafka for whoever asks for it, chosen and started once for the session."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from local import broker as local_broker
from runtime import topic_admin
from runtime.refusal import Refusal
from runtime.settings import KafkaSettings, Settings

for _name in [name for name in os.environ if name.startswith(("KAFKA_", "SWITCHBOARD_"))]:
    if _name not in {local_broker.VARIABLE, "SWITCHBOARD_CORPUS"}:
        del os.environ[_name]  # a test that needs a setting says so itself

_BROKER = pytest.StashKey[local_broker.Running]()
_TOLD = pytest.StashKey[set[str]]()
_prefixes = itertools.count(1)


def pytest_report_header(config: pytest.Config) -> str:
    """What tests that need a Kafka will try."""
    given = os.environ.get(local_broker.VARIABLE)
    return f"kafka: {given}, given" if given else "kafka: of our own when a test needs it, by Docker or else by Java"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which Kafka it was, or, with several test processes, which each of them had."""
    for line in sorted({*config.stash.get(_TOLD, set()), *_which(config)}):
        terminalreporter.write_line(line)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Of a test process: tell the one that started it."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["kafka"] = _which(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Hear what a test process tells."""
    node.config.stash.setdefault(_TOLD, set()).update(getattr(node, "workeroutput", {}).get("kafka", ()))


def _which(config: pytest.Config) -> list[str]:
    running = config.stash.get(_BROKER, None)
    return [f"kafka: {running.kind} at {running.bootstrap} ({running.why})"] if running else []


@pytest.fixture(scope="session")
def broker(pytestconfig: pytest.Config) -> Iterator[local_broker.Running]:
    """The session's broker. It is everybody's: a test that stops a broker takes `own_broker`."""
    with asyncio.Runner() as runner:
        starting = local_broker.start()
        try:
            running = runner.run(starting.__aenter__())
        except Refusal as refusal:
            pytest.exit(str(refusal), returncode=2)
        pytestconfig.stash[_BROKER] = running
        try:
            yield running
        finally:
            runner.run(starting.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def kafka(broker: local_broker.Running) -> KafkaSettings:
    """How to reach the session's broker."""
    return KafkaSettings(bootstrap_servers=broker.bootstrap)


@pytest.fixture
async def installation(kafka: KafkaSettings, request: pytest.FixtureRequest) -> AsyncIterator[Settings]:
    """An installation that nobody else uses, its topics made, with 2 partitions or as many as the test
    asks for: `@pytest.mark.parametrize("installation", [4], indirect=True)`.
    """
    prefix = f"t{next(_prefixes)}-{secrets.token_hex(3)}."
    settings = Settings(topic_prefix=prefix, partitions=getattr(request, "param", 2), host="127.0.0.1", port=0)
    await topic_admin.apply(kafka, settings.topics(), settings.replication)
    yield settings
    await topic_admin.delete(kafka, settings.topics())


@pytest.fixture
def own_broker() -> Callable[[], AbstractAsyncContextManager[local_broker.Running]]:
    """For a test that stops and starts a broker: enter what a call of this gives."""

    @contextlib.asynccontextmanager
    async def started() -> AsyncIterator[local_broker.Running]:
        async with contextlib.AsyncExitStack() as stack:
            try:
                running = await stack.enter_async_context(local_broker.start(ways=("container", "java")))
            except Refusal as refusal:
                if local_broker.VARIABLE in os.environ:
                    pytest.skip(f"the given Kafka is not ours to stop, and there is no other: {refusal}")
                raise
            yield running

    return started


@pytest.fixture
def own_installation() -> Callable[[local_broker.Running], AbstractAsyncContextManager[tuple[Settings, KafkaSettings]]]:
    """An installation of two partitions on a broker of the test's own."""

    @contextlib.asynccontextmanager
    async def made(running: local_broker.Running) -> AsyncIterator[tuple[Settings, KafkaSettings]]:
        kafka = KafkaSettings(bootstrap_servers=running.bootstrap)
        settings = Settings(topic_prefix="own.", partitions=2, host="127.0.0.1", port=0)
        await topic_admin.apply(kafka, settings.topics(), settings.replication)
        yield settings, kafka

    return made
