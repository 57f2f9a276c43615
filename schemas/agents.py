"""Who the agents are: the topic `agents`. Written by operators (`switchboard agents apply`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from schemas.base import AgentId, Channel, Event, Skill, SkillLevel


class AgentUpserted(Event):
    """An agent joined the desk, or changed. Replaces what was known of the agent."""

    model_config = ConfigDict(extra="forbid")

    agent_id: AgentId
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    """As customers are told it."""
    agent_kind: Literal["person", "bot"] = "person"
    """A case that asks for a person never goes to a bot."""
    skills: Annotated[dict[Skill, SkillLevel], Field(min_length=1, max_length=200)]
    """Skill to level, 1 (some) to 5 (expert); languages among them (`language:af`)."""
    capacity: dict[Channel, Annotated[int, Field(ge=0, le=100)]]
    """How many cases of each channel the agent handles at the same time."""


class AgentRemoved(Event):
    """An agent left the desk for good: all that the agent holds goes back to the queue."""

    model_config = ConfigDict(extra="forbid")

    agent_id: AgentId
