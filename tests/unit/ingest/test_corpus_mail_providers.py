"""Real payloads of Mailgun, SendGrid, Postmark, SES and Mailjet: each holds a message, or is refused for the right
reason, signed and with the door open.
"""

from __future__ import annotations

import base64
import json
import os
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.ingest.provider import Rejected, Request
from tests.unit.ingest.mail_providers import (
    NOW,
    SIDES,
    door,
    intake,
    mailgun_fields,
    post,
    provider_of,
    sendgrid_signed,
    sns,
)

CORPUS = os.environ.get("SWITCHBOARD_CORPUS")
pytestmark = pytest.mark.skipif(CORPUS is None, reason="SWITCHBOARD_CORPUS names no folder of real inputs")

FOLDERS = {name: name for name in SIDES} | {"ses": "amazon_ses"}
CPU_SECONDS = 1.0

REFUSED = {
    "001_test_inbound_s3_failure_message": "nobody",
    "024_test_attachments": "nobody",
    "025_test_filtered_attachment_filenames": "nobody",
    "031_test_unusual_content_id_map": "nobody",
    "032_test_attachments": "nobody",
    "037_test_attachments": "nobody",
    "062_test_attachments": "nobody",
    "063_test_filtered_attachment_filenames": "nobody",
    "067_test_not_supported_warning": "no headers",
}
"""What is not taken, and the word in the refusal that says why: files without a mail around them."""
NO_MESSAGE = {
    "004_test_incorrect_tracking_event",
    "029_test_misconfigured_tracking",
    "030_test_misconfigured_tracking_legacy",
    "042_test_misconfigured_tracking",
}
"""Reports on mail that was sent, brought to the address for mail that comes in."""


def files(name: str) -> list[tuple[str, Request]]:
    """Each real request of a provider with its name, always in the same order."""
    found = []
    for file in sorted(Path(CORPUS or "", "webhooks", "anymail_inbound_http", FOLDERS[name]).glob("*.body")):
        meta = json.loads(file.with_suffix(".meta.json").read_text())
        headers = {"content-type": meta["content_type"]}
        headers |= {key.lower(): str(value) for key, value in meta["headers"].items()}
        found.append((file.stem, post(name, file.read_bytes(), headers)))
    assert found
    return found


def signed(name: str, request: Request) -> tuple[Request, datetime]:
    """The request as it would come from the provider with the desk's first secret, and when."""
    first = SIDES[name].first
    if name == "mailgun":
        at, token = (
            re.search(rb'(?:name="%s"\r\n\r\n|"%s": ")(\w+)' % (field, field), request.body)[1].decode()
            for field in (b"timestamp", b"token")
        )
        moment = datetime.fromtimestamp(int(at), UTC)
        signature = mailgun_fields({}, first, moment, token)["signature"].encode()
        return replace(request, body=re.sub(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", signature, request.body)), moment
    if name == "sendgrid":
        own = sendgrid_signed(request.body, first, NOW)
        return replace(own, headers={**own.headers, **request.headers}), NOW
    if name == "ses":
        envelope = json.loads(request.body)
        return sns(envelope["Message"], MessageId=envelope["MessageId"], Subject=envelope.get("Subject")), NOW
    credentials = "Basic " + base64.b64encode(first.encode()).decode()
    return replace(request, headers={**request.headers, "authorization": credentials}), NOW


@pytest.mark.parametrize("name", sorted(SIDES))
@pytest.mark.parametrize("proven", [True, False], ids=["signed", "open"])
def test_every_file(name, proven):
    """Every real payload gives the message that it holds, or the refusal that is listed here, within a second of
    the processor.
    """
    wrong = []
    for stem, unsigned in files(name):
        request, at = signed(name, unsigned) if proven else (unsigned, NOW)
        began = time.process_time()
        try:
            assert not proven or door(name).prove(request)
            events = provider_of(name).parse(request, intake(name, proven=proven, at=at))
        except Rejected as rejected:
            right = stem in REFUSED and rejected.reason == "malformed" and REFUSED[stem] in rejected.detail
            found = rejected.detail
        else:
            right = stem not in REFUSED and len(events) == (0 if stem in NO_MESSAGE else 1)
            found = str(events)
        if not right or time.process_time() - began > CPU_SECONDS:
            wrong.append((stem, found))
    assert not wrong


def test_what_they_hold():
    """What is in a few of the real payloads, as their senders meant it."""
    found = {}
    for name in SIDES:
        for stem, request in files(name):
            if stem not in REFUSED and stem not in NO_MESSAGE:
                (found[stem],) = provider_of(name).parse(request, intake(name, proven=False))
    for stem in (
        "026_test_inbound_basics",
        "033_test_inbound_basics",
        "040_test_inbound_basics",
        "064_test_inbound_basics",
    ):
        event = found[stem]
        assert (event.sender.identifiers, event.sender.name) == (("email:from+test@example.org",), "Displayed From")
        assert (event.subject, event.text) == ("Test subject", "Test body plain")
        assert event.provider_message_id == "<CAEPk3R+4Zr@mail.example.org>"
        assert event.sent_at == datetime(2017, 10, 12, 1, 31, 4, tzinfo=UTC)
        assert event.automatic is None
    for stem in (
        "002_test_inbound_sns_base64",
        "003_test_inbound_sns_utf8",
        "027_test_inbound_mime",
        "066_test_inbound_mime",
    ):
        assert found[stem].text == "It's a body…"
    charsets = found["065_test_inbound_charsets"]
    assert (charsets.subject, charsets.text) == ("Como usted pidió", "Test the ESP’s inbound charset handling…")
    assert charsets.sender.name == "Opérateur de test"
    assert [file.name for file in found["041_test_inbound_with_raw_email"].attachments] == ["attachment.txt"]
    assert [file.size for file in found["028_test_misconfigured_store_action"].attachments] == [20202]
    assert found["038_test_check_payload"].text == "This is a test text body."
    assert len(found["038_test_check_payload"].attachments) == 1
    assert found["043_test_spammy_address"].sender.identifiers == ("email:noreply@spam.example.com",)
