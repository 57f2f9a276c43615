"""The roster of a desk from its YAML file, and its way onto the topic `agents`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runtime import kafka as clients
from runtime.refusal import Refusal
from runtime.settings import KafkaSettings
from schemas import codec
from schemas.agents import AgentRemoved, AgentUpserted
from schemas.base import AgentId, Channel, DeskId, Language, Skill, SkillLevel
from schemas.topics import Topics

SOURCE = "/switchboard/roster"


class Entry(BaseModel):
    """One agent as the file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: AgentId
    name: Annotated[str, Field(min_length=1, max_length=100)]
    kind: Literal["person", "bot"] = "person"
    languages: Annotated[dict[Language, SkillLevel], Field(min_length=1)]
    skills: dict[Skill, SkillLevel] = {}
    capacity: dict[Channel, Annotated[int, Field(ge=0, le=100)]]


class Roster(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    desk: DeskId
    agents: tuple[Entry, ...] = ()
    removed: tuple[AgentId, ...] = ()

    def events(self, now: datetime) -> Iterator[AgentUpserted | AgentRemoved]:
        """What is published: languages become skills."""
        for entry in self.agents:
            spoken = {f"language:{language}": level for language, level in entry.languages.items()}
            yield AgentUpserted(
                desk=self.desk,
                at=now,
                agent_id=entry.id,
                name=entry.name,
                agent_kind=entry.kind,
                skills=entry.skills | spoken,
                capacity=dict(entry.capacity),
            )
        for agent in self.removed:
            yield AgentRemoved(desk=self.desk, at=now, agent_id=agent)


def read_roster(path: Path) -> Roster:
    """The roster in a file. Raises Refusal with file, field and reason of each fault."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        roster = Roster.model_validate(document)
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise Refusal(message) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"{path}: not YAML: {error}"
        raise Refusal(message) from error
    except ValidationError as error:
        faults = [f"{path}: {'.'.join(map(str, e['loc'])) or '(document)'}: {e['msg']}" for e in error.errors()]
        raise Refusal("\n".join(faults)) from error
    ids = [entry.id for entry in roster.agents] + list(roster.removed)
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        message = f"{path}: agents: {', '.join(twice)} stands more than once"
        raise Refusal(message)
    return roster


async def publish(roster: Roster, topics: Topics, kafka: KafkaSettings, now: datetime) -> None:
    """Put the roster on the topic `agents`; returns when Kafka has it."""
    producer = clients.producer(kafka)
    await producer.start()
    try:
        for event in roster.events(now):
            event_id = codec.derive_id(roster.desk, event.agent_id, now.isoformat())
            record = codec.encode(event, event_id, SOURCE, codec.new_traceparent())
            await producer.send_and_wait(
                topics.name(record.topic), record.value, key=record.key, headers=record.headers
            )
    finally:
        await clients.close(producer)
