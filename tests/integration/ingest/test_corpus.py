"""Real mails and payloads through the real endpoint, signed: each is taken, or refused for the right reason."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.ingest.provider_side import signed

pytestmark = pytest.mark.kafka

CORPUS = os.environ.get("SWITCHBOARD_CORPUS")
needs_corpus = pytest.mark.skipif(CORPUS is None, reason="SWITCHBOARD_CORPUS names no folder of real inputs")

REFUSED = {
    "attached-pdf.eml": "nobody",
    "bad_encoded_subject.eml": "nobody",
    "delayed-broken.eml": "nobody",
    "enclosed-endless.eml": "200 parts",
    "long-header.eml": "longer than",
}
"""Mails that are not taken, and the word in the refusal that says why."""

NO_MESSAGE = {
    "account_update.json", "call_connect.json", "call_permission_update.json", "call_status.json",
    "call_terminate.json", "deleted_message.json", "edited_message.json", "message_status.json",
    "outgoing_message.json", "system.json", "template_category_update.json", "template_components_update.json",
    "template_quality_update.json", "template_status_update.json", "user_marketing_preferences.json",
}  # fmt: skip
"""Files of notices that hold no new message."""


def payloads(found: Any) -> Iterator[dict[str, Any]]:
    """The webhook bodies in a file, which are collected under names of their own."""
    if isinstance(found, dict):
        if isinstance(found.get("entry"), list):
            yield found if "object" in found else {"object": "whatsapp_business_account", **found}
        else:
            for inner in found.values():
                yield from payloads(inner)


def inputs(folder: str, pattern: str) -> list[Path]:
    """The files of the corpus that fit, always in the same order."""
    found = [file for file in sorted(Path(CORPUS, folder).rglob(pattern)) if file.is_file()]
    assert found
    return found


@needs_corpus
async def test_mails(application):
    """Every mail gets 2xx with one id, or the refusal that is listed here; none a 5xx."""
    wrong = []
    for file in inputs("mail", "*.eml"):
        answer = await application.send(signed("mime", file.read_bytes()))
        if file.name in REFUSED:
            right = answer.status_code == 422 and REFUSED[file.name] in answer.json()["error"]["detail"]
        else:
            right = answer.status_code == 200 and len(answer.json()["accepted"]) == 1
        if not right:
            wrong.append((file.name, answer.status_code, answer.text))
    assert not wrong


@needs_corpus
async def test_whatsapp(application):
    """Every payload gets 2xx; those that hold a message of a customer's, except for reactions, give one."""
    wrong = []
    for file in inputs("webhooks/whatsapp_cloud", "*.json"):
        for payload in payloads(json.loads(file.read_text())):
            body = json.dumps(payload).encode()
            answer = await application.send(signed("whatsapp", body))
            expected = 0 if file.name in NO_MESSAGE or b'"type": "reaction"' in body else 1
            if answer.status_code != 200 or len(answer.json()["accepted"]) != expected:
                wrong.append((file.name, answer.status_code, answer.text, body[:300]))
    assert not wrong


@needs_corpus
async def test_other_providers_payloads_are_refused(application):
    """Payloads of providers that this source is not for are refused as malformed, whatever they are."""
    wrong = []
    for file in inputs("webhooks", "*"):
        if "whatsapp" in file.parent.name:
            continue
        answer = await application.send(signed("whatsapp", file.read_bytes()))
        if answer.status_code != 422:
            wrong.append((str(file), answer.status_code, answer.text))
    assert not wrong
