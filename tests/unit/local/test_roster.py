"""Rosters, good and bad."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.roster import read_roster
from local.sample import AGENTS, POLICY
from runtime.policy_file import read_policy
from runtime.refusal import Refusal
from schemas.agents import AgentRemoved, AgentUpserted

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def test_languages_become_skills(tmp_path: Path) -> None:
    """One file entry is one whole event; who left is told too."""
    file = tmp_path / "agents.yaml"
    file.write_text("""
desk: acme
agents:
  - {id: anna, name: Anna, languages: {ru: 5}, skills: {product:shop: 2}, capacity: {email: 3}}
removed: [bob]
""")
    assert list(read_roster(file).events(NOW)) == [
        AgentUpserted(
            desk="acme",
            at=NOW,
            agent_id="anna",
            name="Anna",
            skills={"product:shop": 2, "language:ru": 5},
            capacity={"email": 3},
        ),
        AgentRemoved(desk="acme", at=NOW, agent_id="bob"),
    ]


def test_sample_serves_every_language_and_channel_of_the_sample_policy() -> None:
    """About eight agents, a bot among them, who between them speak and serve what the desk promises."""
    roster, policy = read_roster(AGENTS), read_policy(POLICY)
    desk = policy.desks[roster.desk]
    assert len(roster.agents) == 8
    assert [entry.id for entry in roster.agents if entry.kind == "bot"] == ["helper"]
    for language in desk.languages:
        assert sum(language in entry.languages for entry in roster.agents if entry.kind == "person") >= 2
    for source in desk.intake:
        assert sum(entry.capacity.get(source.channel, 0) for entry in roster.agents) > 0
    able = {skill for entry in roster.agents for skill in entry.skills}
    needed = {skill for rule in desk.needs for skill in rule.skills if not skill.startswith(("language:", "kind:"))}
    assert needed <= able


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("desk: acme\nagents: [{id: a}]", "agents.0.name: Field required"),
        ("desk: acme\nagents: [{id: a, nmae: A}]", "agents.0.nmae: Extra inputs"),
        ("desk: acme\nremoved: [a, a]", "a stands more than once"),
        ("desk: [", "not YAML"),
        ("- 1", "(document)"),
    ],
)
def test_bad_roster_is_refused_with_field_and_reason(tmp_path: Path, text: str, fault: str) -> None:
    """Whoever wrote it learns what to change."""
    file = tmp_path / "agents.yaml"
    file.write_text(text)
    with pytest.raises(Refusal) as refused:
        read_roster(file)
    assert fault in str(refused.value)
    assert str(file) in str(refused.value)
