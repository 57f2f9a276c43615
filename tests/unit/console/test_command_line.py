"""The command line: help that teaches, refusals in plain words, exit codes."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

import console.play
from console.app import main
from local.sample import POLICY, TRAFFIC
from runtime.release import VERSION
from schemas.topics import REGISTRY, SERVICES


@pytest.fixture
def switchboard(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["switchboard", *arguments])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as left:
            main()
        told = capsys.readouterr()
        return int(left.value.code or 0), told.out, told.err

    level = logging.getLogger("aiokafka").level
    yield run
    # A command is a process's first and last; here others follow, with streams of their own.
    structlog.reset_defaults()
    logging.getLogger("aiokafka").setLevel(level)


COMMANDS = [
    ("up",),
    ("serve",),
    ("broker",),
    ("play",),
    ("why",),
    ("watch",),
    ("topics", "show"),
    ("topics", "apply"),
    ("policy", "check"),
    ("agents", "apply"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_of_every_command_teaches(switchboard, command: tuple[str, ...]) -> None:
    """It says what the command does; those that take something show an example."""
    code, out, _ = switchboard(*command, "--help")
    assert code == 0
    assert "Usage: switchboard " + " ".join(command) in out
    if command != ("topics", "show"):
        assert "Example" in out
    assert "\x1b" not in out, "no colour without a terminal"


def test_help_names_every_command(switchboard) -> None:
    """The first page leads to all of them."""
    code, out, _ = switchboard("--help")
    assert code == 0
    assert all(command[0] in out for command in COMMANDS)


def test_version(switchboard) -> None:
    """The version of the installed package."""
    assert switchboard("--version") == (0, f"switchboard {VERSION}\n", "")


def test_good_policy_is_told_to_be_valid(switchboard) -> None:
    """With its version and what it holds."""
    code, out, _ = switchboard("policy", "check", str(POLICY))
    assert code == 0
    assert out.startswith(f"{POLICY}: valid, version ")
    assert "email/mime" in out


def test_bad_policy_is_refused_with_line_and_field(switchboard, tmp_path: Path) -> None:
    """On stderr, in plain words, with exit code 2."""
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY.read_text(encoding="utf-8").replace("warn_at: 0.75", "warn_at: 75"), encoding="utf-8")
    code, out, err = switchboard("policy", "check", str(file))
    line = next(n for n, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1) if "warn_at: 75" in text)
    assert (code, out) == (2, "")
    assert err.startswith(f"{file}:{line}: desks.acme.sla.warn_at: ")


def test_bad_setting_is_refused_by_name(switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable and what is wrong with it."""
    monkeypatch.setenv("SWITCHBOARD_PARTITIONS", "many")
    code, _, err = switchboard("topics", "show")
    assert code == 2
    assert err.startswith("SWITCHBOARD_PARTITIONS: ")


@pytest.mark.parametrize("service", SERVICES)
def test_service_without_a_policy_refuses_to_start(service: str) -> None:
    """A process of its own, as a pod has it: it names the variable that is missing, and exits with 2."""
    env = {name: value for name, value in os.environ.items() if name != "SWITCHBOARD_POLICY"}
    done = subprocess.run(
        [sys.executable, "-m", "console.app", "serve", service], env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("SWITCHBOARD_POLICY is not set")


def test_unknown_service_is_a_wrong_use(switchboard) -> None:
    """The services that there are, are named."""
    code, _, err = switchboard("serve", "kitchen")
    assert code == 2
    assert all(service in err for service in SERVICES)


def test_registry_is_shown_under_the_prefix(switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every topic, a line each, with the installation's own names."""
    monkeypatch.setenv("SWITCHBOARD_TOPIC_PREFIX", "acme.")
    code, out, _ = switchboard("topics", "show")
    assert code == 0
    assert [line.split("\t")[0] for line in out.splitlines()] == ["acme." + topic.name for topic in REGISTRY]


@pytest.mark.parametrize("command", [("topics", "apply"), ("agents", "apply", "local/sample/agents.yaml")])
def test_kafka_that_is_away_is_named(switchboard, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    """The address that was tried, and the variable to set."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.chdir(POLICY.parents[2])
    code, _, err = switchboard(*command)
    assert code == 2
    assert "127.0.0.1:1" in err
    assert "KAFKA_BOOTSTRAP_SERVERS" in err


SECRETS = ("ACME_MIME_SECRET", "ACME_CHAT_SECRET", "ACME_TWILIO_TOKEN", "ACME_WHATSAPP_SECRET")


def test_play_without_a_secret_names_it(switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent unsigned."""
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    code, _, err = switchboard("play", str(TRAFFIC))
    assert code == 2
    assert "ACME_MIME_SECRET" in err


def test_play_to_nobody_says_so_soon(switchboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that was tried, and the option that names another."""
    for name in SECRETS:
        monkeypatch.setenv(name, "whsec_AAAA")
    monkeypatch.setattr(console.play, "REACH_SECONDS", 0.1)
    code, _, err = switchboard("play", str(TRAFFIC), "--url", "http://127.0.0.1:1")
    assert code == 2
    assert "http://127.0.0.1:1 cannot be reached" in err
    assert "--url" in err


def test_play_with_nothing_to_send_says_why(switchboard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every file has its reason."""
    for name in SECRETS:
        monkeypatch.setenv(name, "whsec_AAAA")
    (tmp_path / "slack.json").write_text(json.dumps({"type": "event_callback"}))
    code, _, err = switchboard("play", str(tmp_path))
    assert code == 2
    assert "slack.json: JSON of a provider that is not served yet" in err
