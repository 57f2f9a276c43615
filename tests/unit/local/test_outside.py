"""The receivers check what they get, and count what comes twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest

from local.outside import HOST, Outside, listening
from local.signing import Request, new_webhook_secret, standard
from schemas.base import ReplyAddress
from schemas.updates import UpdateRequested

SECRET = new_webhook_secret()
UPDATE = UpdateRequested(
    desk="acme",
    at=datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
    update_id="u-1",
    case_id="c-1",
    reference="AC-7K3Q9XM",
    update_kind="acknowledged",
    reply_to=ReplyAddress(channel="chat", provider="standard", address="c-5001"),
    language="af",
    text="Dankie dat jy ons gekontak het.",
    template="acknowledged.af",
    policy_version="1",
)


@pytest.fixture
async def outside(tmp_path: Path) -> AsyncIterator[Outside]:
    async with listening(tmp_path, [SECRET]) as receivers:
        yield receivers


def written(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def post(outside: Outside, secret: str, key: str = "u-1") -> int:
    body = UPDATE.model_dump_json().encode()
    url = f"http://{HOST}:{outside.webhook_port}/updates"
    headers = standard(secret, Request(url, body, key, datetime.now(UTC)))
    async with httpx.AsyncClient() as http:
        return (await http.post(url, content=body, headers={**headers, "idempotency-key": key})).status_code


async def test_update_becomes_a_file_that_can_be_read(outside: Outside, tmp_path: Path) -> None:
    """A signed update is taken and written down as the customer would get it."""
    assert await post(outside, SECRET) == 202
    (file,) = written(tmp_path)
    assert file.name == "0001-chat-c-5001.txt"
    assert file.read_text(encoding="utf-8") == (
        "To: c-5001 (chat, standard)\nCase: AC-7K3Q9XM\nKind: acknowledged\n\nDankie dat jy ons gekontak het.\n"
    )


async def test_repeat_is_counted_and_dropped_by_its_key(outside: Outside, tmp_path: Path) -> None:
    """The customer gets it once; that it came twice is known."""
    assert [await post(outside, SECRET), await post(outside, SECRET)] == [202, 202]
    assert (outside.repeats, outside.doubled_mails, len(written(tmp_path))) == (1, 0, 1)


@pytest.mark.parametrize(
    ("secret", "key", "status"),
    [(new_webhook_secret(), "u-1", 401), (SECRET, "u-2", 422)],
    ids=["other secret", "other key"],
)
async def test_wrong_signature_or_key_is_turned_away(
    outside: Outside, tmp_path: Path, secret: str, key: str, status: int
) -> None:
    """An adapter that is told anything by anybody would tell customers anything."""
    assert await post(outside, secret, key) == status
    assert sum(outside.refused.values()) == 1
    assert written(tmp_path) == []


async def test_mail_becomes_a_file_and_a_second_one_is_doubled(outside: Outside, tmp_path: Path) -> None:
    """Mail has no idempotency key: what arrives twice, the customer has twice."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "support@acme.example", "olga@lesnoy.example", "Ваше сообщение"
    mail["Message-ID"] = "<u-2@acme.example>"
    mail.set_content("Здравствуйте!")
    for _ in range(2):
        await aiosmtplib.send(mail, hostname=HOST, port=outside.smtp_port)
    files = written(tmp_path)
    assert [file.name for file in files] == [f"000{n}-email-olga_lesnoy.example.txt" for n in (1, 2)]
    assert "Здравствуйте!" in files[0].read_text(encoding="utf-8")
    assert outside.doubled_mails == 1
