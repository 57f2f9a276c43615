"""Kafka's jars, fetched once by Maven and kept in the user's cache."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import structlog

from local.broker.guarded import Failed, guarded
from local.broker.ways import KAFKA_VERSION, Unavailable, program

log = structlog.get_logger(__name__)

ARTEFACTS: Final = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    f"org.apache.kafka:kafka-server:{KAFKA_VERSION}",
    "org.apache.logging.log4j:log4j-core:2.25.4",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
)
"""The broker and its logging. Not kafka-tools, which would bring Connect and Jetty along."""
FETCH_SECONDS: Final = 900.0


async def jars() -> Path:
    """The folder that holds the jars. Raises Unavailable when Maven is not there or cannot fetch them."""
    kept = _cache() / f"kafka-{KAFKA_VERSION}"
    if kept.is_dir():
        return kept
    maven = program("mvn")
    log.info("fetching Kafka with Maven, once", version=KAFKA_VERSION, into=str(kept))
    kept.parent.mkdir(parents=True, exist_ok=True)
    async with guarded(parent=kept.parent) as watched:
        (watched.folder / "pom.xml").write_text(_pom())
        fetch = [maven, "--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory=jars"]
        try:
            await watched.until_done(fetch, FETCH_SECONDS)
        except Failed as failure:
            raise Unavailable(f"Maven cannot fetch Kafka {KAFKA_VERSION}: {failure}") from failure
        try:
            (watched.folder / "jars").rename(kept)
        except OSError:
            if not kept.is_dir():  # otherwise another run was quicker, and its jars are the same
                raise
    return kept


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "switchboard")


def _pom() -> str:
    dependencies = "".join(
        "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>".format(
            *artefact.split(":")
        )
        for artefact in ARTEFACTS
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>switchboard</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{dependencies}</dependencies></project>\n"
    )
