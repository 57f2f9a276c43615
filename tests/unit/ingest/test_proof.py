"""Signatures of every provider: what is let in, and what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.doors import Door, open_doors
from services.ingest.provider import Rejected, Request
from tests.unit.ingest.provider_side import (
    CHANNEL,
    ENVIRONMENT,
    EXAMPLES,
    OTHER,
    SECOND,
    URL,
    Sent,
    form,
    mail,
    policy,
    signed,
)

PROVIDERS = sorted(EXAMPLES)
TIMED = ("mime", "standard")


@pytest.fixture
def doors(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return open_doors(policy())


@pytest.fixture(params=PROVIDERS)
def provider(request):
    return request.param


@pytest.fixture
def door(doors, provider) -> Door:
    return doors["acme", CHANNEL[provider], provider]


def proved(door: Door, sent: Sent) -> str:
    """`proven`, or why not."""
    url = f"{URL}/{CHANNEL[sent.provider]}/{sent.provider}"
    try:
        door.prove(Request("POST", url, dict(sent.headers), {}, sent.body))
    except Rejected as rejected:
        return rejected.reason
    return "proven"


def with_signature(sent: Sent, change) -> Sent:
    """The request with its signature header changed."""
    return replace(sent, headers={k: change(v) if "signature" in k else v for k, v in sent.headers.items()})


def test_valid(door, provider):
    """A request signed with the first secret is let in."""
    assert proved(door, signed(provider, EXAMPLES[provider])) == "proven"


def test_second_secret(door, provider):
    """So is one signed with the second, while secrets are being rotated."""
    assert proved(door, signed(provider, EXAMPLES[provider], secret=SECOND)) == "proven"


def test_other_secret(door, provider):
    """One signed with a secret that is not the source's is forged."""
    assert proved(door, signed(provider, EXAMPLES[provider], secret=OTHER)) == "forged"


def test_body_changed_by_one_byte(door, provider):
    """A signature covers every byte of the body."""
    sent = signed(provider, EXAMPLES[provider])
    for place in (0, len(sent.body) // 2, len(sent.body) - 1):
        changed = bytearray(sent.body)
        changed[place] ^= 1
        assert proved(door, replace(sent, body=bytes(changed))) in {"forged", "malformed"}
    assert proved(door, replace(sent, body=sent.body + b"&a=1")) == "forged"


def test_unsigned(door, provider):
    """A request without a signature, or with an empty one, is told that it needs one."""
    sent = signed(provider, EXAMPLES[provider])
    assert proved(door, replace(sent, headers={})) == "unsigned"
    assert proved(door, with_signature(sent, lambda _: "")) == "unsigned"


@pytest.mark.parametrize(
    "signature",
    ["é", "v1,é", "v1,", "v1", "v1,====", "sha256=é", "sha256=", "\ud800", "v1,\udc80", "a" * 70_000, "v1,a " * 9000],
)
def test_hostile_signature(door, provider, signature):
    """What makes validators crash is a forgery, not a fault."""
    sent = signed(provider, EXAMPLES[provider])
    assert proved(door, with_signature(sent, lambda _: signature)) == "forged"


def test_forged(door, provider):
    """A signature with one character changed fits nothing."""
    sent = signed(provider, EXAMPLES[provider])
    flip = {"0": "1"}
    assert proved(door, with_signature(sent, lambda v: v[:-5] + flip.get(v[-5], "0") + v[-4:])) == "forged"


@pytest.mark.parametrize("minutes", [-6, 6])
@pytest.mark.parametrize("provider", TIMED)
def test_stale(doors, provider, minutes):
    """A timestamp more than five minutes off, in either direction, is stale although well signed."""
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    door = doors["acme", CHANNEL[provider], provider]
    assert proved(door, signed(provider, EXAMPLES[provider], at=at)) == "stale"


@pytest.mark.parametrize("stamp", ["", "nan", "inf", "1e400", "-1", "é", "9" * 400, "2026-11-22"])
@pytest.mark.parametrize("provider", TIMED)
def test_hostile_timestamp(doors, provider, stamp):
    """A timestamp that is none lets nobody in."""
    sent = signed(provider, EXAMPLES[provider])
    sent = replace(sent, headers={**sent.headers, "webhook-timestamp": stamp})
    assert proved(doors["acme", CHANNEL[provider], provider], sent) in {"unsigned", "forged", "stale"}


def test_mail_in_eight_bits(doors):
    """Mail that is no UTF-8 is signed byte by byte, and proved so."""
    body = mail().replace(b"printer", "принтер".encode("koi8-r"))
    door = doors["acme", "email", "mime"]
    sent = signed("mime", body)
    assert proved(door, sent) == "proven"
    assert proved(door, replace(sent, body=body.replace(b"\xd0", b"\xd1", 1))) == "forged"


def test_twilio_signs_the_address_and_all_values(doors):
    """Twilio's signature holds for one address only, and covers a parameter that is there twice."""
    door = doors["acme", "phone", "twilio"]
    sent = signed("twilio", form(CallSid="CA1", CallStatus="ringing"))
    elsewhere = signed("twilio", sent.body, url="https://elsewhere.example/v1/desks/acme/phone/twilio")
    assert proved(door, sent) == "proven"
    assert proved(door, elsewhere) == "forged"
    assert proved(door, replace(sent, body=sent.body + b"&CallStatus=completed")) == "forged"
