"""The exported contract is the one of the code, and no change of it breaks anybody unnoticed."""

from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy

import pytest

from schemas import __main__ as command
from schemas.base import Event
from schemas.cases import CaseOpened
from schemas.commands import RenewPresence
from schemas.export import FOLDER, INDEX, broken, committed, exported, file_name, schema_of, topic_index
from schemas.topics import REGISTRY, TOPIC_OF
from tests.contracts.golden import every_event


def test_the_exported_files_have_not_drifted():
    """What is committed is what the code says (`make schemas` writes it anew)."""
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert there == exported()


def test_the_code_breaks_nobody_who_relies_on_the_committed_contract():
    """A field removed, a type narrowed, a field required that was not: all of it needs a new event instead."""
    assert [f"{name}: {each}" for name, each in broken(committed())] == []


def test_each_event_has_a_name_by_which_a_schema_can_refer_to_it():
    """Urns, so that nothing is fetched from anywhere."""
    names = [document["$id"] for name, document in committed().items() if name != INDEX]
    assert len(set(names)) == len(TOPIC_OF)
    assert all(name.startswith("urn:switchboard:event:") for name in names)


@every_event
def test_every_event_and_the_key_of_its_record_is_described(event: type[Event]):
    """A reader of the schema alone learns what the event means; its key is always there."""
    schema = schema_of(event)
    assert schema["description"]
    assert TOPIC_OF[event].key in schema["required"]
    assert schema["properties"]["at"]["description"]


def test_the_index_names_every_topic_and_every_event_once():
    """From topics.json alone a program finds each topic, its key and the schema of each event on it."""
    index = topic_index()
    assert [topic["name"] for topic in index["topics"]] == [topic.name for topic in REGISTRY]
    files = [event["schema"] for topic in index["topics"] for event in topic["events"]]
    assert sorted(files) == sorted(file_name(event) for event in TOPIC_OF)


def before(event: type[Event], **required: object) -> dict[str, dict[str, object]]:
    """A contract of before in which `event` had further fields, all of them required."""
    document = deepcopy(committed()[file_name(event)])
    document["properties"] |= required
    document["required"] = [*document["required"], *required]
    return {file_name(event): document}


def test_a_fact_must_not_lose_a_field():
    """Desktops and dashboards that use it would go without."""
    found = [str(each) for _, each in broken(before(CaseOpened, mood={"type": "string"}))]
    assert found == [
        "mood: must be there, and need not have been (hurts old readers)",
        "mood: was removed (hurts old readers)",
    ]


def test_a_command_may_take_more_than_before():
    """Only our services read commands, and they are upgraded first."""
    past = deepcopy(committed()[file_name(RenewPresence)])
    past["properties"]["state"]["enum"] = ["available", "offline"]
    assert list(broken({file_name(RenewPresence): past})) == []


def test_a_command_must_not_refuse_what_desktops_send():
    """A desktop of before still sends the field, and would be refused."""
    found = [each.hurts for _, each in broken(before(RenewPresence, mood={"type": "string"}))]
    assert found == ["old records"]


def test_an_event_must_not_vanish():
    """Its records still lie on the topic."""
    assert [str(each) for _, each in broken({"case_eaten.v1.json": {}})] == [
        "the event: was removed (hurts old records)"
    ]


def test_topics_keep_their_keys_and_their_events():
    """Order holds for each key only; an event on another topic is one that nobody hears."""
    index = topic_index()
    index["topics"][1] |= {"key": "case_id"}
    index["topics"][2]["events"].append({"type": "switchboard.agent_moved.v1", "schema": "agent_moved.v1.json"})
    index["topics"].append({"name": "gossip", "key": "desk", "events": []})
    assert [each.where for _, each in broken({INDEX: index})] == ["messages", "agents", "gossip"]


def test_a_breaking_change_is_not_written(tmp_path, monkeypatch, capsys):
    """`make schemas` refuses, says what breaks, and leaves the files as they were."""
    for name, document in committed().items():
        (tmp_path / name).write_text(json.dumps(document), encoding="utf-8")
    past = json.dumps(before(CaseOpened, mood={"type": "string"})[file_name(CaseOpened)])
    (tmp_path / file_name(CaseOpened)).write_text(past, encoding="utf-8")
    monkeypatch.setattr("schemas.export.FOLDER", tmp_path)
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    assert command.main([]) == 1
    assert "case_opened.v1.json: mood: was removed" in capsys.readouterr().err
    assert (tmp_path / file_name(CaseOpened)).read_text(encoding="utf-8") == past
    assert command.main(["--readers-first"]) == 0
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == exported()


def test_the_command_knows_its_options():
    """A misspelt option is no consent to anything."""
    done = subprocess.run([sys.executable, "-m", "schemas", "--force"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--force" in done.stderr


@pytest.mark.parametrize("part", ["hypothesis", "runtime", "yaml", "aiokafka", "structlog"])
def test_the_contract_can_be_used_without_the_rest(part):
    """Adapters depend on `schemas` without our shell: importing it loads pydantic and the standard library."""
    code = f"import schemas.export, schemas.policy, sys; sys.exit({part!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
