"""Kafka itself, by Java, from its Maven artefacts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from local.broker import artefacts
from local.broker.guarded import Failed, guarded
from local.broker.ways import (
    HEAP,
    NODE,
    SMALL,
    START_SECONDS,
    STARTED,
    Running,
    Unavailable,
    answer,
    free_port,
    program,
    properties,
)

OLDEST_JAVA: Final = 17

_LOGGING: Final = """\
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1}: %m%n
logger.started.name=kafka.server.KafkaRaftServer
logger.started.level=info
"""


@contextlib.asynccontextmanager
async def start(port: int | None) -> AsyncIterator[Running]:
    """A broker run by this machine's Java, on `port` or a free one. The artefacts are fetched once."""
    java, version = await asyncio.to_thread(find)
    kafka = await artefacts.fetched(java)
    port = port or free_port()
    async with guarded() as watched:
        folder = watched.folder
        shutil.copytree(kafka.formatted, folder / "data")
        (folder / "server.properties").write_text(properties(_settings(folder, port)))
        (folder / "log4j2.properties").write_text(_LOGGING)
        logging = f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}"
        run = (java, *HEAP.split(), *SMALL.split(), logging, "-cp", kafka.classpath, "kafka.Kafka", "server.properties")
        try:
            await watched.until_said(STARTED, run, START_SECONDS)
        except Failed as failure:
            raise Unavailable(f"Kafka did not start: {failure}") from failure
        yield Running(f"127.0.0.1:{port}", "java", f"Java {version} is there", watched, run)


def find() -> tuple[str, int]:
    """The java command, JAVA_HOME's first, and its version. Raises Unavailable when none is fit."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else program("java")
    said = answer(java, "-version", within=30)
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise Unavailable(f"{java} is too old, or none at all: {said.splitlines()[0]}")
    return java, int(version[1])


def _settings(folder: Path, port: int) -> dict[str, str]:
    controller = free_port(besides=port)
    return NODE | {
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "log.dirs": str(folder / "data"),
    }
