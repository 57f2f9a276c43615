"""Which Kafka: the first of the three ways that can be taken."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Final

import structlog

from local.broker import container, java
from local.broker.ways import Kind, Running, Unavailable, is_free
from runtime.refusal import Refusal

log = structlog.get_logger(__name__)

VARIABLE: Final = "KAFKA_BOOTSTRAP_SERVERS"
REACH_SECONDS: Final = 5.0
ALL: Final[tuple[Kind, ...]] = ("given", "container", "java")


@contextlib.asynccontextmanager
async def start(*, port: int | None = None, ways: Sequence[Kind] = ALL) -> AsyncIterator[Running]:
    """A running Kafka: the one that KAFKA_BOOTSTRAP_SERVERS names, else a container, else Apache Kafka
    by this machine's Java; `ways` narrows the choice. `port` is where our own one listens, a free
    one by default. What was started is gone at the end. Raises Refusal that says what to install
    when there is none, or that the given one does not answer.
    """
    if port is not None and not is_free(port):
        raise Refusal(f"port {port} is taken; name another, or none to have a free one chosen")
    reasons: dict[Kind, str] = {}
    async with contextlib.AsyncExitStack() as stack:
        for kind in ways:
            try:
                running = await stack.enter_async_context(_WAYS[kind](port))
            except Unavailable as reason:
                reasons[kind] = str(reason)
                continue
            why = [reason.splitlines()[0] for reason in _passed_over(reasons)]
            running = replace(running, why="; ".join([*why, running.why]))
            log.info("kafka", kind=kind, bootstrap=running.bootstrap, why=running.why)
            yield running
            return
    raise Refusal(
        "There is no Kafka to use. Do one of these:\n"
        "  - install Docker (its engine must be running), or\n"
        f"  - install Java {java.OLDEST_JAVA} or newer and Maven, or\n"
        f"  - set {VARIABLE} to a Kafka that is there already.\n"
        "Tried: " + "; ".join(_passed_over(reasons))
    )


@contextlib.asynccontextmanager
async def _given(_port: int | None) -> AsyncIterator[Running]:
    servers = os.environ.get(VARIABLE)
    if not servers:
        raise Unavailable(f"{VARIABLE} is not set")
    await asyncio.to_thread(_reach, servers)
    yield Running(servers, "given", f"{VARIABLE} names it")


def _reach(servers: str) -> None:
    """Raise Refusal when none of the servers takes a connection."""
    faults = []
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), REACH_SECONDS).close()
        except (OSError, ValueError) as error:
            faults.append(f"{server.strip()}: {error}")
        else:
            return
    raise Refusal(f"{VARIABLE} is set, but nothing answers there ({'; '.join(faults)}); correct it, or unset it")


_WAYS: Final[dict[Kind, Callable[[int | None], AbstractAsyncContextManager[Running]]]] = {
    "given": _given,
    "container": container.start,
    "java": java.start,
}


def _passed_over(reasons: dict[Kind, str]) -> list[str]:
    return [reason if kind == "given" else f"no {kind}: {reason}" for kind, reason in reasons.items()]
