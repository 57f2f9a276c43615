"""What a policy opens, and what it is refused for at start."""

from __future__ import annotations

from pkgutil import iter_modules

import pytest

from runtime.policy_file import parse_policy
from runtime.refusal import Refusal
from services.ingest import providers
from services.ingest.doors import open_doors
from services.ingest.provider import REASONS, STATUS, Request
from services.ingest.providers import registry
from tests.unit.ingest.provider_side import CHANNEL, ENVIRONMENT, POLICY, SECRETS, policy


@pytest.fixture
def secrets(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_registry():
    """Each module in `providers` is one provider, under its channel and name."""
    modules = {name for _, name, _ in iter_modules(providers.__path__)}
    assert {f"{channel}_{name}".replace("-", "_") for channel, name in registry()} == modules


def test_every_reason_has_a_status():
    """Providers' faults are 4xx; ours are 5xx, so that nothing is dropped for them."""
    assert set(REASONS) == set(STATUS)
    assert {reason for reason, status in STATUS.items() if status >= 500} == {"failed", "unavailable"}


def test_a_door_for_every_source(secrets):
    """Secrets are resolved at start, and never shown."""
    doors = open_doors(policy())
    assert sorted(doors) == sorted(("acme", CHANNEL[name], name) for name in SECRETS)
    assert doors["acme", "phone", "twilio"].secrets[0] == SECRETS["twilio"]
    assert SECRETS["twilio"] not in repr(doors)


def test_a_missing_secret_is_refused(secrets, monkeypatch):
    """A desk does not run open because a secret was forgotten."""
    monkeypatch.delenv("TEST_TWILIO")
    with pytest.raises(Refusal, match="TEST_TWILIO"):
        open_doors(policy())


def test_an_unusable_secret_is_refused(secrets, monkeypatch):
    """A secret that could never prove anything is named, not shown."""
    monkeypatch.setenv("TEST_MIME", "whsec_é-not-base64")
    with pytest.raises(Refusal, match="env:TEST_MIME") as refused:
        open_doors(policy())
    assert "not-base64" not in str(refused.value)


def test_an_unknown_provider_is_refused(secrets):
    """The refusal names the place and the providers that there are."""
    other = parse_policy(POLICY.replace("channel: chat, provider: standard", "channel: chat, provider: nosuch"), "p")
    with pytest.raises(Refusal, match=r"desks\.acme\.intake chat/nosuch.*email/mime"):
        open_doors(other)


def test_open_in_words(secrets):
    """A source that the policy leaves open takes anything, and vouches for nothing."""
    opened = POLICY.replace(
        'provider: twilio, secrets: ["env:TEST_TWILIO", "env:TEST_SECOND"]',
        "provider: twilio, open: anyone can forge messages here",
    )
    door = open_doors(parse_policy(opened, "p"))["acme", "phone", "twilio"]
    assert door.prove(Request("POST", "https://x.example", {}, {}, b"")) is False
