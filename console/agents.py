"""`switchboard agents apply`: a roster onto its topic."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer
from aiokafka.errors import KafkaError

from local.roster import publish, read_roster
from runtime.clock import utc_now
from runtime.refusal import Refusal
from runtime.settings import read_settings


def apply(file: Path) -> None:
    """Publish the roster in `file`. Raises Refusal with what is wrong with it, or when Kafka is away."""
    settings, kafka = read_settings()
    roster = read_roster(file)
    try:
        asyncio.run(publish(roster, settings.topics(), kafka, utc_now()))
    except (KafkaError, OSError) as error:
        message = f"Kafka at {kafka.bootstrap_servers} cannot be reached ({error}); set KAFKA_BOOTSTRAP_SERVERS"
        raise Refusal(message) from error
    typer.echo(f"{file}: {len(roster.agents)} agents of {roster.desk} published, {len(roster.removed)} removed")
