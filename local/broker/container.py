"""Kafka in a container.

By the docker command rather than a library: it is there wherever an engine is, knows the user's
context (a remote or rootless engine, Colima, Podman's stand-in), adds nothing to what `switchboard`
needs to run, and the guard cleans up after it as after any other process.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from local.broker.guarded import Failed, guarded
from local.broker.java import HEAP
from local.broker.ways import KAFKA_VERSION, NODE, STARTED, Running, Unavailable, answer, free_port, program

IMAGE: Final = f"apache/kafka:{KAFKA_VERSION}"
ENGINE_SECONDS: Final = 10.0
PULL_SECONDS: Final = 600.0
START_SECONDS: Final = 90.0


@contextlib.asynccontextmanager
async def start(port: int | None) -> AsyncIterator[Running]:
    """A broker in a container, on `port` of this machine or a free one."""
    docker = program("docker")
    version = (
        await asyncio.to_thread(answer, docker, "version", "--format", "{{.Server.Version}}", within=ENGINE_SECONDS)
    ).strip()
    port = port or free_port()
    async with guarded() as pulling:
        try:
            await asyncio.to_thread(answer, docker, "image", "inspect", IMAGE, within=ENGINE_SECONDS)
        except Unavailable:
            try:
                await pulling.until_done([docker, "pull", "--quiet", IMAGE], PULL_SECONDS)
            except Failed as failure:
                raise Unavailable(f"the engine cannot pull {IMAGE}: {failure}") from failure
    name = f"switchboard-kafka-{port}"
    async with guarded(docker, "rm", "--force", "--volumes", name) as watched:
        try:
            await watched.until_said(STARTED, [docker, "run", *_options(name, port), IMAGE], START_SECONDS)
        except Failed as failure:
            raise Unavailable(f"the container did not start: {failure}") from failure
        again = (docker, "start", "--attach", name)
        yield Running(f"127.0.0.1:{port}", "container", f"Docker {version} answers", watched, again, START_SECONDS)


def _options(name: str, port: int) -> list[str]:
    """The broker listens inside on the port it is published as: clients are told one address."""
    settings = NODE | {
        "controller.quorum.voters": "1@localhost:9093",
        "listeners": f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://localhost:9093",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
    }
    environment = {f"KAFKA_{key.upper().replace('.', '_')}": value for key, value in settings.items()}
    environment["KAFKA_HEAP_OPTS"] = HEAP
    pairs = [part for key, value in environment.items() for part in ("--env", f"{key}={value}")]
    return ["--name", name, "--publish", f"127.0.0.1:{port}:{port}", *pairs]
