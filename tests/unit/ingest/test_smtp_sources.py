"""Which desk a mail by SMTP is for, and policies that leave it open."""

from __future__ import annotations

import pytest

from runtime.policy_file import parse_policy
from runtime.refusal import Refusal
from services.ingest.doors import open_doors
from services.ingest.smtp import recipients
from tests.unit.ingest.provider_side import ENVIRONMENT, POLICY

OPEN = "channel: email, provider: smtp, open: anyone can forge messages here"


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def found(source: str, second: str | None = None):
    """The recipients under a policy with one source more, or with a second desk that has another."""
    text = POLICY.replace("    intake:\n", f"    intake:\n      - {{{source}}}\n")
    if second is not None:
        desk = text[text.index("  acme:\n") :].replace("  acme:\n", "  other:\n").replace(source, second)
        text += desk
    return recipients(open_doors(parse_policy(text, "policy.yaml")))


def test_addresses_are_told_apart_by_desk():
    """Case does not matter, and the domain may be written in its own script."""
    doors = found(f"{OPEN}, addresses: [Support@Acme.example]", f"{OPEN}, addresses: [help@пример.example]")
    assert {address: door.desk for address, door in doors.items()} == {
        "support@acme.example": "acme",
        "help@xn--e1afmkfd.example": "other",
    }


@pytest.mark.parametrize(
    ("source", "second", "said"),
    [
        (OPEN, None, "needs addresses"),
        (f"{OPEN}, addresses: [support+tag@acme.example]", None, "without a tag"),
        (f"{OPEN}, addresses: [a@acme.example]", f"{OPEN}, addresses: [A@acme.example]", "is the address of acme"),
        (f"{OPEN}, addresses: [nobody]", None, "addresses"),
        ("channel: email, provider: smtp, addresses: [a@acme.example]", None, "anyone can forge messages here"),
        ('channel: email, provider: smtp, secrets: ["env:TEST_MIME"], addresses: [a@acme.example]', None, "no secret"),
    ],
)
def test_a_policy_that_leaves_it_unclear_is_refused(source, second, said):
    """No addresses, a tag, an address of two desks, none at all, not said to be open, a secret that proves nothing."""
    with pytest.raises(Refusal, match=said):
        found(source, second)
