"""Recorded inputs find their provider by their shape."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from local.placing import Input, Unplaced, place
from local.sample import TRAFFIC
from runtime.refusal import Refusal

WHATSAPP = {"object": "whatsapp_business_account", "entry": []}
CHAT = {"type": "message", "conversation": "c-1", "message_id": "m-1", "text": "Hi", "customer": {"id": "1"}}


def placed(tmp_path: Path, name: str, body: bytes | dict) -> list[Input | Unplaced]:
    (tmp_path / name).write_bytes(body if isinstance(body, bytes) else json.dumps(body).encode())
    return list(place(tmp_path))


@pytest.mark.parametrize(
    ("name", "body", "way"),
    [
        ("a.eml", b"From: a@x.example\r\nSubject: s\r\n\r\ntext", "email/mime"),
        ("mail", b"From: a@x.example\nSubject: s\n\ntext", "email/mime"),
        ("mbox.txt", b"From a@x.example Fri Nov 20\nFrom: a@x.example\nTo: b@x.example\n\ntext", "email/mime"),
        ("broken.eml", b"no header at all", "email/mime"),
        ("a.json", CHAT, "chat/standard"),
        ("cut.json", b'{"type": "message", "conversation": "c-1", ', "chat/standard"),
        ("b.json", WHATSAPP, "social/whatsapp"),
        ("sms.form", b"MessageSid=SM1&From=%2B27825550163&Body=Hi\n", "phone/twilio"),
        ("call.json", {"CallSid": "CA1", "CallStatus": "ringing"}, "phone/twilio"),
    ],
)
def test_shape_tells_the_provider(tmp_path: Path, name: str, body: bytes | dict, way: str) -> None:
    """Each kind of input goes the way of its provider."""
    (found,) = placed(tmp_path, name, body)
    assert isinstance(found, Input)
    assert found.way == way


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("empty", b"  \n", "empty"),
        ("a.png", b"\x89PNG\r\n", "neither mail"),
        ("letter.txt", b"Note: this is a letter\n\nand no mail", "neither mail"),
        ("slack.json", {"token": "", "type": "event_callback"}, "JSON of a provider"),
        ("cut.json", b'{"token": ', "looks like JSON and is not"),
        ("deep.json", b"[" * 100_000, "looks like JSON and is not"),
    ],
)
def test_what_fits_nowhere_is_named_with_the_reason(tmp_path: Path, name: str, body: bytes | dict, reason: str) -> None:
    """Nothing is left out in silence."""
    (found,) = placed(tmp_path, name, body)
    assert isinstance(found, Unplaced)
    assert found.path == name
    assert found.reason.startswith(reason)


def test_collection_is_every_payload_in_it(tmp_path: Path) -> None:
    """A file with several payloads by name gives one input for each."""
    found = placed(tmp_path, "all.json", {"text": WHATSAPP, "image": WHATSAPP})
    assert [entry.path for entry in found] == ["all.json#text", "all.json#image"]


def test_metadata_beside_a_body_tell_the_provider(tmp_path: Path) -> None:
    """A recording goes where it was recorded for, or is named as one that is not served."""
    (tmp_path / "1.body").write_bytes(b'{"Subject": "s"}')
    (tmp_path / "1.meta.json").write_text('{"path": "/inbound/postmark/"}')
    (tmp_path / "2.body").write_bytes(b"MessageSid=SM1")
    (tmp_path / "2.meta.json").write_text('{"path": "/inbound/twilio/"}')
    assert list(place(tmp_path)) == [
        Unplaced("1.body", "recorded for /inbound/postmark/, a provider that is not served yet"),
        Input("2.body", "phone", "twilio", "application/x-www-form-urlencoded", b"MessageSid=SM1"),
    ]


def test_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A misspelt path is not an empty folder."""
    with pytest.raises(Refusal, match="no such file"):
        list(place(tmp_path / "nowhere"))


def test_sample_traffic_is_what_was_promised() -> None:
    """At least forty inputs over all four channels, two of them forged, every one with a place."""
    found = list(place(TRAFFIC))
    inputs = [entry for entry in found if isinstance(entry, Input)]
    assert len(inputs) == len(found) >= 40
    assert all(count >= 9 for count in Counter(entry.channel for entry in inputs).values())
    assert {entry.channel for entry in inputs} == {"email", "chat", "phone", "social"}
    assert sum(entry.forged for entry in inputs) == 2
    for language in ("-en-", "-ru-", "-af-"):
        assert sum(language in entry.path for entry in inputs) >= 8


def test_corpus_is_placed_or_named() -> None:
    """Of real recordings every mail and every WhatsApp payload has a place, and the rest a reason."""
    corpus = os.environ.get("SWITCHBOARD_CORPUS")
    if not corpus:
        pytest.skip("SWITCHBOARD_CORPUS names no folder of recordings")
    found = list(place(Path(corpus)))
    ways = Counter(entry.way for entry in found if isinstance(entry, Input))
    assert ways["email/mime"] >= 150
    assert ways["social/whatsapp"] >= 50
    assert all(entry.reason for entry in found if isinstance(entry, Unplaced))
    mails = [entry for entry in found if isinstance(entry, Unplaced) and entry.path.endswith(".eml")]
    assert [entry for entry in mails if entry.reason != "empty"] == []
