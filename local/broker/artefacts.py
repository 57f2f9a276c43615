"""Kafka's Maven artefacts, fetched once and kept in the user's cache."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from local.broker.guarded import Failed, guarded
from local.broker.ways import KAFKA_VERSION, NODE, Unavailable, program, properties

log = structlog.get_logger(__name__)

ARTEFACTS: Final = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    f"org.apache.kafka:kafka-server:{KAFKA_VERSION}",
    "org.apache.logging.log4j:log4j-core:2.25.4",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
)
"""The broker and its logging. Not kafka-tools, which would bring Connect and Jetty along."""
FETCH_SECONDS: Final = 900.0
FORMAT_SECONDS: Final = 120.0
CLUSTER: Final = "c3dpdGNoYm9hcmQtbG9jYQ"
"""Any UUID does: the broker is alone."""


@dataclass(frozen=True)
class Artefacts:
    """Apache Kafka, ready to be run by Java."""

    folder: Path

    @property
    def classpath(self) -> str:
        """For java's -cp."""
        return f"{self.folder}/jars/*"

    @property
    def formatted(self) -> Path:
        """Data of a broker that has never run, to begin with a copy of: Kafka's own formatting of it
        takes a third of the time of a start.
        """
        return self.folder / "formatted"


async def fetched(java: str) -> Artefacts:
    """The artefacts, from the cache or else by Maven. Raises Unavailable when Maven is not there or
    cannot fetch them.
    """
    kept = Artefacts(_cache() / f"apache-kafka-{KAFKA_VERSION}")
    if kept.folder.is_dir():
        return kept
    maven = program("mvn")
    log.info("fetching Kafka with Maven, once", version=KAFKA_VERSION, into=str(kept.folder))
    kept.folder.parent.mkdir(parents=True, exist_ok=True)
    async with guarded(parent=kept.folder.parent) as watched:
        new = Artefacts(watched.folder / "new")
        (watched.folder / "pom.xml").write_text(_pom())
        fetch = [maven, "--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory=new/jars"]
        settings = NODE | {
            "controller.quorum.voters": "1@127.0.0.1:9093",
            "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
            "log.dirs": str(new.formatted),
        }
        (watched.folder / "format.properties").write_text(properties(settings))
        tool = [java, "-cp", new.classpath, "kafka.tools.StorageTool"]
        try:
            await watched.until_done(fetch, FETCH_SECONDS)
            await watched.until_done([*tool, "format", "-t", CLUSTER, "-c", "format.properties"], FORMAT_SECONDS)
        except Failed as failure:
            raise Unavailable(f"Kafka {KAFKA_VERSION} cannot be fetched with Maven: {failure}") from failure
        try:
            new.folder.rename(kept.folder)
        except OSError:
            if not kept.folder.is_dir():  # otherwise another run was quicker, with the same in its hands
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
        "<project><modelVersion>4.0.0</modelVersion>"
        "<groupId>switchboard</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{dependencies}</dependencies></project>\n"
    )
