"""Kafka in a container.

By the docker command rather than a library: it is there wherever an engine is, knows the user's
context (rootless, Desktop, Colima, Podman's stand-in), adds nothing to what `switchboard` needs to
run, and the guard cleans up behind it as behind any other process, without a second image for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from typing import Final

import structlog

from local.broker.guarded import Failed, guarded
from local.broker.ways import (
    HEAP,
    KAFKA_VERSION,
    NODE,
    SMALL,
    START_SECONDS,
    STARTED,
    Running,
    Unavailable,
    answer,
    free_port,
    is_free,
    program,
)

log = structlog.get_logger(__name__)

IMAGE: Final = f"apache/kafka:{KAFKA_VERSION}"
NAME: Final = "switchboard-kafka-"
ENGINE_SECONDS: Final = 10.0
PULL_SECONDS: Final = 600.0


@contextlib.asynccontextmanager
async def start(port: int | None) -> AsyncIterator[Running]:
    """A broker in a container, on `port` of this machine or a free one."""
    docker = program("docker")
    version = (
        await asyncio.to_thread(answer, docker, "version", "--format", "{{.Server.Version}}", within=ENGINE_SECONDS)
    ).strip()
    port = port or free_port()
    await have_image(docker)
    name = NAME + secrets.token_hex(4)
    async with guarded(docker, "rm", "--force", "--volumes", name) as watched:
        try:
            await watched.until_said(STARTED, [docker, "run", *_options(name, port), IMAGE], START_SECONDS)
        except Failed as failure:
            raise Unavailable(f"the container did not start: {failure}") from failure
        if is_free(port):
            raise Unavailable("the engine publishes no port on this machine; it may run on another")
        again = (docker, "start", "--attach", name)
        yield Running(f"127.0.0.1:{port}", "container", f"Docker {version} answers", watched, again)


async def have_image(docker: str) -> None:
    """Raises Unavailable when the image is not there and cannot be pulled."""
    try:
        await asyncio.to_thread(answer, docker, "image", "inspect", IMAGE, within=ENGINE_SECONDS)
    except Unavailable:
        log.info("pulling the image, once", image=IMAGE)
        async with guarded() as watched:
            try:
                await watched.until_done([docker, "pull", IMAGE], PULL_SECONDS)
            except Failed as failure:
                raise Unavailable(f"{IMAGE} cannot be pulled: {failure}") from failure


def _options(name: str, port: int) -> list[str]:
    """The broker listens inside on the port it is published as: clients are told one address."""
    settings = NODE | {
        "controller.quorum.voters": "1@localhost:9093",
        "listeners": f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://localhost:9093",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
    }
    environment = {f"KAFKA_{key.upper().replace('.', '_')}": value for key, value in settings.items()}
    environment |= {"KAFKA_HEAP_OPTS": HEAP, "KAFKA_JVM_PERFORMANCE_OPTS": SMALL}
    pairs = [part for key, value in environment.items() for part in ("--env", f"{key}={value}")]
    return ["--name", name, "--publish", f"127.0.0.1:{port}:{port}", *pairs]
