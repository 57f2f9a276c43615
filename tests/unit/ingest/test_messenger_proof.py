"""Proofs of messengers' webhooks: what is let in, and what is not."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from pywa.utils import webhook_updates_validator

from services.ingest.provider import Rejected, Request
from services.ingest.providers import registry
from tests.unit.ingest.messenger_side import SIDES, door, dumped, line, parse, proved, signed, slack_event, vk_callback

ALL = pytest.mark.parametrize("name", SIDES)
SIGNED = pytest.mark.parametrize("name", [name for name, side in SIDES.items() if side.covers_body])
IN_HEADERS = pytest.mark.parametrize("name", [name for name in SIDES if name != "vk"])
META = pytest.mark.parametrize("name", ["messenger", "instagram"])


def proofs(name: str) -> set[str]:
    """The headers that prove a request."""
    return set(signed(name).headers) - set(SIDES[name].headers)


@ALL
def test_valid(name):
    """A request with the first secret is let in, and so is one with the second while secrets are rotated."""
    assert proved(name, signed(name)) == "proven"
    assert proved(name, signed(name, secret=SIDES[name].secrets[1])) == "proven"


@ALL
def test_other_secret(name):
    """One with a secret that is not the source's is forged."""
    assert proved(name, signed(name, secret=SIDES[name].secrets[2])) == "forged"


@IN_HEADERS
def test_unsigned(name):
    """A request without the proof, or with an empty one, is told that it needs one."""
    sent = signed(name)
    for header in proofs(name):
        without = {other: value for other, value in sent.headers.items() if other != header}
        assert proved(name, replace(sent, headers=without)) == "unsigned"
        assert proved(name, replace(sent, headers={**sent.headers, header: ""})) == "unsigned"


@IN_HEADERS
@pytest.mark.parametrize(
    "value", ["é", "v0=é", "v0=", "v0", "sha256=", "sha256=é", "====", "\ud800", "Я", "-1", "a" * 70_000, "9" * 5000]
)
def test_hostile_proof(name, value):
    """What makes validators crash is a forgery, not a fault."""
    sent = signed(name)
    for header in proofs(name):
        refused = proved(name, replace(sent, headers={**sent.headers, header: value}))
        assert refused == "stale" if value == "-1" and "timestamp" in header else refused == "forged"


@IN_HEADERS
def test_forged(name):
    """A proof with one character changed fits nothing."""
    sent = signed(name)
    for header in proofs(name):
        value = sent.headers[header]
        for place in (0, len(value) // 2, len(value) - 2):
            other = "1" if value[place] != "1" else "2"
            changed = value[:place] + other + value[place + 1 :]
            refused = proved(name, replace(sent, headers={**sent.headers, header: changed}))
            assert refused in ({"forged", "stale"} if "timestamp" in header else {"forged"})


@SIGNED
def test_body_changed_by_one_byte(name):
    """A signature covers every byte of the body."""
    sent = signed(name)
    for place in (0, len(sent.body) // 2, len(sent.body) - 1):
        changed = bytearray(sent.body)
        changed[place] ^= 1
        assert proved(name, replace(sent, body=bytes(changed))) == "forged"
    assert proved(name, replace(sent, body=sent.body + b" ")) == "forged"
    assert proved(name, replace(sent, body=b"")) == "forged"


@SIGNED
def test_bodies_of_any_bytes(name):
    """Bytes that are not ASCII are signed as they are; an empty body can be signed, too."""
    assert proved(name, signed(name, '{"text": "Здравствуйте 😀"}'.encode())) == "proven"
    assert proved(name, signed(name, b"")) == "proven"


@pytest.mark.parametrize("name", ["telegram", "vk"])
def test_what_is_no_signature_covers_no_body(name):
    """Telegram and VK prove who calls, not what is said: a changed text is let in. TLS has to do the rest."""
    sent = signed(name)
    changed = sent.body.replace(b"broken", b"stolen")
    assert changed != sent.body
    assert proved(name, replace(sent, body=changed)) == "proven"


@ALL
def test_replayed(name):
    """A request that comes again is let in, and comes to the same event: the provider may be repeating it."""
    sent = signed(name)
    assert proved(name, sent) == proved(name, sent) == "proven"
    assert parse(name, sent.body) == parse(name, sent.body) != []


@pytest.mark.parametrize("minutes", [-5.1, 5.2])
def test_stale(minutes):
    """Slack signs the time: more than five minutes off, either way, is stale although well signed."""
    assert proved("slack", signed("slack", minutes=minutes)) == "stale"
    assert proved("slack", signed("slack", minutes=minutes * 0.95)) == "proven"


def test_slack_signs_forms_as_they_came():
    """Forms are proved byte by byte, before anything is decoded."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    sent = signed("slack", b"command=%2Fhelp&text=caf%C3%A9+%26+more", headers=form)
    assert proved("slack", sent) == "proven"
    assert proved("slack", replace(sent, body=sent.body.replace(b"%C3%A9", b"%c3%a9"))) == "forged"


def test_slack_bodies_that_are_no_text():
    """Bytes that are no UTF-8 cannot be Slack's."""
    sent = replace(signed("slack"), body=b"\xff\xfe")
    assert proved("slack", sent) == "forged"


@META
def test_meta_by_another_implementation(name):
    """pywa, which many WhatsApp bots run on, accepts the very requests that we accept."""
    for secret in SIDES[name].secrets[:2]:
        sent = signed(name, secret=secret)
        signature = sent.headers["x-hub-signature-256"]
        assert webhook_updates_validator(secret, sent.body, signature)
        assert not webhook_updates_validator(secret, sent.body + b" ", signature)
        assert proved(name, sent) == "proven"


def test_line_by_another_implementation():
    """A signature that `linebot.v3.webhook.SignatureValidator` (line-bot-sdk 3.27.0) was seen to accept."""
    secret = "8c570fa6dd201bb328f1c1eac23a96d8"
    body = '{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[{"text":"Здравствуйте 😀"}]}'.encode()
    signature = "IMuVPgGaVfeZOZsSGElGEKhS1WZc8ccxCejx68icvNs="
    proof = registry()["social", "line"].proof
    assert line(body, secret, None) == {"x-line-signature": signature}
    proof(Request("POST", "", {"x-line-signature": signature}, {}, body), secret)
    with pytest.raises(Rejected, match="does not fit"):
        proof(Request("POST", "", {"x-line-signature": signature}, {}, body + b" "), secret)


@pytest.mark.parametrize("secret", [None, "", 5, ["aaQ13axAPQEcczQa"], "é", "\u0000", "aaQ13axAPQEcczQa:2fd1cb35"])
def test_vk_secrets_that_are_none(secret):
    """The key has to be there, whole and alone."""
    payload = {name: value for name, value in vk_callback().items() if name != "secret"}
    body = dumped(payload if secret is None else payload | {"secret": secret})
    assert proved("vk", replace(signed("vk"), body=body)) in {"unsigned", "forged", "malformed"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"secret":' * 9000, b'{"type": "x", "secret": "\\ud800"}', b"\xff"]
)
def test_vk_bodies_that_are_none(body):
    """VK's proof has to read the body; what cannot be read is refused."""
    assert proved("vk", replace(signed("vk"), body=body)) == "malformed"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("telegram", ""),
        ("telegram", "two words"),
        ("telegram", "ключ"),
        ("telegram", "a" * 257),
        ("vk", ""),
        ("vk", "only-a-key"),
        ("vk", ":2fd1cb35"),
        ("vk", "key:"),
        ("vk", "ключ:2fd1cb35"),
    ],
)
def test_secrets_that_could_prove_nothing(name, secret):
    """At start they are refused, with the form that is expected."""
    with pytest.raises(ValueError, match=r"letters, digits|<secret key>:<confirmation string>"):
        registry()["social", name].check_secret(secret)
    for usable in SIDES[name].secrets:
        registry()["social", name].check_secret(usable)


def test_slack_retries():
    """A retry is signed anew, says which it is, and comes to the same event."""
    first, again = signed("slack", minutes=-4), signed("slack")
    again = replace(again, headers={**again.headers, "x-slack-retry-num": "2", "x-slack-retry-reason": "http_timeout"})
    assert proved("slack", first) == proved("slack", again) == "proven"
    assert parse("slack", first.body, first.headers) == parse("slack", again.body, again.headers)


@META
@pytest.mark.parametrize("which", [0, 1])
def test_handshake(name, which):
    """Whoever knows one of the secrets gets the challenge back."""
    answered = handshake(name, {"hub.verify_token": SIDES[name].secrets[which]})
    assert answered.body == b"1158201444"
    assert answered.media_type.startswith("text/plain")


@META
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hub.verify_token": "wrong"}, "forged"),
        ({"hub.verify_token": "é"}, "forged"),
        ({"hub.verify_token": ""}, "unsigned"),
        ({"hub.mode": "unsubscribe"}, "unsigned"),
        ({"hub.challenge": "é"}, "malformed"),
        ({"hub.challenge": "1" * 201}, "malformed"),
    ],
)
def test_handshake_refused(name, changes, reason):
    """Nobody else does, and nothing long or odd is echoed."""
    with pytest.raises(Rejected) as rejected:
        handshake(name, changes)
    assert rejected.value.reason == reason


def handshake(name, changes):
    query = {
        "hub.mode": "subscribe",
        "hub.verify_token": SIDES[name].secrets[0],
        "hub.challenge": "1158201444",
    } | changes
    return registry()["social", name].handshake(Request("GET", "", {}, query, b""), SIDES[name].secrets[:2])


@pytest.mark.parametrize("name", SIDES)
def test_secrets_are_not_shown(name):
    """Neither a door nor a refusal tells a secret."""
    first = SIDES[name].secrets[0]
    assert first not in repr(door(name))
    with pytest.raises(Rejected) as rejected:
        door(name).prove(signed(name, secret=SIDES[name].secrets[2]))
    assert first not in rejected.value.detail
    assert SIDES[name].secrets[2] not in rejected.value.detail


def test_slack_checks_the_clock_of_this_machine():
    """The timestamp is held against the time of the check, not against anything in the request."""
    old = signed("slack", slack_event({"event_time": int(time.time())}), minutes=-60)
    assert proved("slack", old) == "stale"
