"""Signatures of mail and chat webhooks: what is let in, and what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.ingest.providers import registry
from tests.unit.ingest.webhook_side import SIDES, Place, keys, proved, public, signed, whsec

PLACES = pytest.mark.parametrize("place", SIDES, ids="/".join)
SIGNED = pytest.mark.parametrize("place", [place for place in SIDES if SIDES[place].covers_body], ids="/".join)
TIMED = pytest.mark.parametrize("place", [place for place in SIDES if SIDES[place].timed], ids="/".join)


def proofs(place: Place) -> set[str]:
    """The names of the headers that prove a request."""
    return set(signed(place).headers) - set(SIDES[place].headers)


@PLACES
def test_valid(place):
    """A request with the first secret is let in, and so is one with the second while secrets are rotated."""
    assert proved(place, signed(place)) == "proven"
    assert proved(place, signed(place, secret=SIDES[place].secrets[1])) == "proven"


@PLACES
def test_other_secret(place):
    """One with a secret that is not the source's is forged."""
    assert proved(place, signed(place, secret=SIDES[place].secrets[2])) == "forged"


@PLACES
def test_unsigned(place):
    """A request without the proof, or with an empty one, is told that it needs one."""
    sent = signed(place)
    for name in proofs(place) - {"x-postal-signature"}:
        if name != "x-postal-signature-256":
            without = {other: value for other, value in sent.headers.items() if other != name}
            assert proved(place, replace(sent, headers=without)) == "unsigned"
        assert proved(place, replace(sent, headers={**sent.headers, name: ""})) == "unsigned"


@PLACES
@pytest.mark.parametrize(
    "value",
    [
        "é",
        "v1,é",
        "v1,",
        "sha1=",
        "sha1=é",
        "====",
        "\ud800",
        "v1,\udc80",
        "a" * 70_000,
        "Basic é",
        "Bearer \ud800",
        "Я",
    ],
)
def test_hostile_proof(place, value):
    """What makes validators crash is no fault and lets nobody in."""
    sent = signed(place)
    for name in proofs(place) - {"x-postal-signature"}:
        assert proved(place, replace(sent, headers={**sent.headers, name: value})) in {"forged", "unsigned", "stale"}


@PLACES
def test_forged(place):
    """A proof with one character changed fits nothing."""
    sent = signed(place)
    for name in proofs(place) - {"x-postal-signature"}:
        if "id" in name.split("-") or "timestamp" in name:
            changed = sent.headers[name][:-1] + "9" * 2
        else:
            middle = len(sent.headers[name]) // 2
            letter = "A" if sent.headers[name][middle] != "A" else "B"
            changed = f"{sent.headers[name][:middle]}{letter}{sent.headers[name][middle + 1 :]}"
        assert proved(place, replace(sent, headers={**sent.headers, name: changed})) in {"forged", "stale"}


@SIGNED
def test_body_changed_by_one_byte(place):
    """A signature covers every byte of the body."""
    sent = signed(place)
    for at in (0, len(sent.body) // 2, len(sent.body) - 1):
        changed = bytearray(sent.body)
        changed[at] ^= 1
        assert proved(place, replace(sent, body=bytes(changed))) == "forged"
    assert proved(place, replace(sent, body=sent.body + b" ")) == "forged"
    assert proved(place, replace(sent, body=b"")) == "forged"


@TIMED
@pytest.mark.parametrize("minutes", [-6, 6])
def test_stale(place, minutes):
    """More than five minutes off, in either direction, is stale although well signed."""
    assert proved(place, signed(place, minutes=minutes)) == "stale"


@TIMED
@pytest.mark.parametrize("stamp", ["nan", "inf", "1e400", "-1", "é", "9" * 400, "2026-11-22", "2026-11-22T09:00:00"])
def test_hostile_timestamp(place, stamp):
    """A timestamp that is none lets nobody in."""
    sent = signed(place)
    (name,) = (name for name in sent.headers if "timestamp" in name)
    assert proved(place, replace(sent, headers={**sent.headers, name: stamp})) in {"forged", "stale"}


@PLACES
def test_replayed(place):
    """A request that comes again gives the same events: it is known by its id."""
    sent = signed(place)
    assert proved(place, sent) == proved(place, sent) == "proven"


@pytest.mark.parametrize("secret", ["", "whsec_é"])
def test_unusable_secrets(secret):
    """A secret that could never prove anything is refused at the start."""
    for place, provider in ((place, registry()[place]) for place in SIDES):
        if provider.check_secret is not None and (secret or place[1] == "postal"):
            with pytest.raises(ValueError, match=place[1] if place[1] == "postal" else "whsec_"):
                provider.check_secret(secret)


def test_postal_keys():
    """A key as PEM, as the whole DNS record and as what stands behind p= is the same key; an EC key is none."""
    record = f"v=DKIM1; t=s; h=sha256; p={public('first')};"
    pem = "-----BEGIN PUBLIC KEY-----\n" + public("first") + "\n-----END PUBLIC KEY-----\n"
    postal = registry()["email", "postal"]
    for secret in (public("first"), record, pem):
        postal.check_secret(secret)
        postal.proof(signed(("email", "postal")), secret)
    assert keys("first") is not keys("second")
    with pytest.raises(ValueError, match="postal"):
        postal.check_secret(whsec("x"))


def test_old_postal():
    """A server too old for SHA-256 is believed with SHA-1; where both are there, only the better one counts."""
    place = ("email", "postal")
    sent = signed(place)
    old = {name: value for name, value in sent.headers.items() if not name.endswith("256")}
    assert proved(place, replace(sent, headers=old)) == "proven"
    assert proved(place, replace(sent, headers={**old, "x-postal-signature-256": "AAAA"})) == "forged"


def test_brevo_token():
    """Brevo may bring a token in place of credentials."""
    place = ("email", "brevo")
    assert proved(place, replace(signed(place), headers={"authorization": "Bearer brevo:second"})) == "proven"
    assert proved(place, replace(signed(place), headers={"authorization": "Bearer brevo"})) == "forged"
    assert proved(place, replace(signed(place), headers={"authorization": "Bearer"})) == "forged"


@pytest.mark.parametrize("channel", ["email", "chat", "phone", "social"])
def test_cloud_events_under_another_id(channel):
    """What was signed for one event cannot be brought again under another id, nor without one."""
    place = (channel, "cloudevents")
    sent = signed(place)
    assert proved(place, replace(sent, headers={**sent.headers, "ce-id": "e-2"})) == "forged"
    assert proved(place, replace(sent, headers={n: v for n, v in sent.headers.items() if n != "ce-id"})) == "forged"
