"""`switchboard topics`: the registry, and its topics on a cluster."""

from __future__ import annotations

import asyncio

import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.table import Table

from runtime import topic_admin
from runtime.refusal import Refusal
from runtime.settings import read_settings


def show() -> None:
    """Print the registry as this installation has it."""
    settings, _ = read_settings()
    console = Console(highlight=False)
    rows = topic_admin.rows(settings.topics())
    if not console.is_terminal:
        for row in rows:
            typer.echo("\t".join(row.values()))
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*row.values())
    console.print(table)


def apply() -> None:
    """Create what is missing and say what differs. Raises Refusal for another number of partitions, or
    when Kafka is away.
    """
    settings, kafka = read_settings()
    try:
        outcomes = asyncio.run(topic_admin.apply(kafka, settings.topics(), settings.replication))
    except (KafkaError, OSError) as error:
        message = f"Kafka at {kafka.bootstrap_servers} cannot be reached ({error}); set KAFKA_BOOTSTRAP_SERVERS"
        raise Refusal(message) from error
    console = Console(highlight=False)
    for outcome in outcomes:
        console.print(f"{outcome.topic}: {outcome.state}", markup=False, soft_wrap=True)
        for difference in outcome.differences:
            console.print(f"  {difference}", markup=False, soft_wrap=True)
