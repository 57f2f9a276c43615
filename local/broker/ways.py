"""What the ways to a Kafka have in common."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from local.broker.guarded import Guarded

KAFKA_VERSION: Final = "4.3.1"

Kind = Literal["given", "container", "java"]

HEAP: Final = "-Xms128m -Xmx512m"
SMALL: Final = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
"""For the JVM. One compiler and one collector thread suit a machine that is shared with all the rest:
ready in 1.9 s instead of 2.5, half the CPU at 20,000 transactional records a second also after
minutes, 320 MB resident under load instead of 400 (2 cores, Java 17).
"""
START_SECONDS: Final = 90.0
STARTED: Final = "Kafka Server started"
"""Kafka's own words, in the container and outside it, once its listeners answer."""

NODE: Final = {
    "node.id": "1",
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
}
"""What makes one node a whole cluster, with internal topics no larger than it needs, that does not
wait for more members of a group and leaves topics to the registry.
"""


class Unavailable(Exception):
    """This way cannot be taken, for the reason that the text gives. To do: try the next one."""


@dataclass
class Running:
    """A Kafka that answers."""

    bootstrap: str
    """`host:port`, comma-separated when there are several."""
    kind: Kind
    why: str
    """In a sentence, why it was this kind."""
    _guarded: Guarded | None = None
    _again: tuple[str, ...] = ()

    @property
    def pid(self) -> int | None:
        """Of the guard, whose end is the broker's; None when the Kafka was given."""
        return self._guarded.pid if self._guarded else None

    async def stop(self) -> None:
        """Stop the broker cleanly; port and data stay for `start`."""
        await self._own().stop()

    async def start(self) -> None:
        """Start the stopped broker again, on the same port and data. Raises Failed."""
        await self._own().until_said(STARTED, self._again, START_SECONDS)

    def _own(self) -> Guarded:
        if self._guarded is None:
            raise RuntimeError(f"the Kafka at {self.bootstrap} was given; it is not ours to stop")
        return self._guarded


def properties(settings: Mapping[str, str]) -> str:
    """The settings as a file of Kafka's."""
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def is_free(port: int) -> bool:
    """Whether nobody listens on the port of this machine now."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def free_port(besides: int | None = None) -> int:
    """A port that nobody listens on now, other than `besides`. It lies below those that systems give to outgoing connections
    (from 32768 on Linux, 49152 on macOS): a client that keeps trying to reach a stopped broker there
    can be given the broker's own port, talks to itself, and the broker cannot come back.
    """
    ports = random.SystemRandom()
    while (port := ports.randrange(15_000, 32_000)) == besides or not is_free(port):
        pass
    return port


def program(name: str) -> str:
    """The path of a program. Raises Unavailable when it is not there."""
    path = shutil.which(name)
    if path is None:
        raise Unavailable(f"no {name} on the PATH")
    return path


def answer(*command: str, within: float) -> str:
    """What a short command prints, both streams. Raises Unavailable when it fails or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=within, check=False)  # noqa: S603 - ours
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[0]} does not answer: {error}") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        raise Unavailable(lines[-1])
    return done.stdout + done.stderr
