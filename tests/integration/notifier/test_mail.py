"""Mail on its way out: delivered, put off, refused, in doubt; and never twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from runtime.settings import KafkaSettings, Settings
from schemas.base import ReplyAddress
from schemas.codec import derive_id
from tests.integration.notifier.outside import Mailbox, Receiver, free_port
from tests.integration.notifier.scene import TRACE, Outcomes, chat, policy, publish, request, sending, until

pytestmark = pytest.mark.kafka
NOWHERE = "http://127.0.0.1:9/updates"


async def test_delivered(installation: Settings, kafka: KafkaSettings, mailbox: Mailbox, outcomes: Outcomes) -> None:
    """A mail arrives as it was written, marked as automatic and threaded, and its outcome comes back."""
    update = request()
    await publish(installation, kafka, [update])
    async with sending(installation, kafka, policy(mailbox.port, NOWHERE)):
        found = await outcomes.until(1)
    (mail,) = mailbox.mails
    assert mailbox.envelopes == [("support@acme.example", ["jan@example.com"])]
    assert {name: str(value) for name, value in mail.items() if name not in {"Date", "X-Peer"}} == {
        "From": "Acme Support <support@acme.example>",
        "To": "jan@example.com",
        "Subject": "Мы получили ваше сообщение [AC-7K3Q9XM]",
        "Message-ID": f"<{update.update_id}@acme.example>",
        "In-Reply-To": "<m1@example.com>",
        "References": "<m1@example.com>",
        "Content-Language": "ru",
        "Auto-Submitted": "auto-replied",
        "X-Auto-Response-Suppress": "All",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": mail["Content-Transfer-Encoding"],
        "MIME-Version": "1.0",
    }
    assert mail.get_content().replace("\r\n", "\n") == update.text
    outcome = found[update.update_id]
    assert (outcome.kind, outcome.attempts, outcome.provider_message_id) == (
        "update_delivered",
        1,
        f"<{update.update_id}@acme.example>",
    )
    assert outcomes.all[0][0] == derive_id(update.update_id, "outcome")
    assert outcomes.traces == [TRACE]


async def test_a_persons_words_are_not_automatic(
    installation: Settings, kafka: KafkaSettings, mailbox: Mailbox, outcomes: Outcomes
) -> None:
    """An agent's own words carry no mark of a machine."""
    await publish(installation, kafka, [request(update_kind="reply", template="agent")])
    async with sending(installation, kafka, policy(mailbox.port, NOWHERE)):
        await outcomes.until(1)
    (mail,) = mailbox.mails
    assert mail["Auto-Submitted"] is None
    assert mail["X-Auto-Response-Suppress"] is None


async def test_server_away_then_back(installation: Settings, kafka: KafkaSettings, outcomes: Outcomes) -> None:
    """Mail waits for its server, also across a stop of the senders, and is sent once."""
    port = free_port()
    rules = policy(port, NOWHERE)
    await publish(installation, kafka, [request(number) for number in range(4)])
    async with sending(installation, kafka, rules):
        await asyncio.sleep(1)  # some tries fail; how many does not matter
    async with sending(installation, kafka, rules):
        await asyncio.sleep(1)
        async with Mailbox().open(port) as mailbox:
            found = await outcomes.until(4)
    assert {o.kind for o in found.values()} == {"update_delivered"}
    assert max(o.attempts for o in found.values()) > 1
    assert len(mailbox.mails) == 4
    assert mailbox.repeats() == {}


async def test_put_off_then_taken(
    installation: Settings, kafka: KafkaSettings, mailbox: Mailbox, outcomes: Outcomes
) -> None:
    """451 after the content means that the server has it not: it is handed over again, also by other senders."""
    refusals = 0

    def later(_: EmailMessage, __: SMTP) -> str:
        nonlocal refusals
        refusals += 1
        return "451 not now"

    rules = policy(mailbox.port, NOWHERE)
    mailbox.data = later
    await publish(installation, kafka, [request()])
    async with sending(installation, kafka, rules):
        await until(lambda: refusals > 0, "put off")
    answers = ["421 closing", None]
    mailbox.data = lambda _mail, _server: answers.pop(0)
    async with sending(installation, kafka, rules):
        found = await outcomes.until(1)
    (outcome,) = found.values()
    assert (outcome.kind, outcome.attempts, len(mailbox.mails)) == ("update_delivered", 2, 1)


async def test_refused(installation: Settings, kafka: KafkaSettings, mailbox: Mailbox, outcomes: Outcomes) -> None:
    """A 5xx is the end of it, for the address or for the content."""
    mailbox.rcpt = lambda address: "550 5.1.1 no such mailbox" if address.startswith("gone") else None
    mailbox.data = lambda _mail, _server: "554 5.7.1 not wanted"
    gone = ReplyAddress(channel="email", provider="mime", address="gone@example.com")
    await publish(installation, kafka, [request(1, reply_to=gone), request(2)])
    async with sending(installation, kafka, policy(mailbox.port, NOWHERE)):
        found = await outcomes.until(2)
    assert {(o.kind, o.reason, o.attempts, o.detail) for o in found.values()} == {
        ("update_failed", "refused", 1, "550 5.1.1 no such mailbox"),
        ("update_failed", "refused", 1, "554 5.7.1 not wanted"),
    }


async def test_broken_off_is_in_doubt(
    installation: Settings, kafka: KafkaSettings, mailbox: Mailbox, outcomes: Outcomes
) -> None:
    """When the connection breaks under the content nobody knows: it is told so, and never sent again."""
    seen: list[str] = []

    def break_off(mail: EmailMessage, server: SMTP) -> str | None:
        seen.append(str(mail["Message-ID"]))
        if server.transport is not None:
            server.transport.abort()
        return "250 nobody hears this"

    mailbox.data = break_off
    rules = policy(mailbox.port, NOWHERE)
    await publish(installation, kafka, [request()])
    async with sending(installation, kafka, rules):
        found = await outcomes.until(1)
    (outcome,) = found.values()
    assert (outcome.kind, outcome.reason, outcome.attempts) == ("update_failed", "in_doubt", 1)
    await publish(installation, kafka, [request(2)])
    async with sending(installation, kafka, rules):
        await outcomes.until(2)
    assert len(seen) == len(set(seen)) == 2


async def test_too_old(installation: Settings, kafka: KafkaSettings, mailbox: Mailbox, outcomes: Outcomes) -> None:
    """What was requested longer ago than updates are tried is left to the ledger, which has given it up."""
    old = request(1, at=datetime.now(UTC) - timedelta(seconds=installation.delivery_seconds + 1))
    await publish(installation, kafka, [old, request(1, update_id="new")])
    async with sending(installation, kafka, policy(mailbox.port, NOWHERE)):
        found = await outcomes.until(1)
    assert list(found) == ["new"]
    assert mailbox.ids() == {"new"}


async def test_a_slow_mail_server_does_not_hold_up_webhooks(
    installation: Settings, kafka: KafkaSettings, mailbox: Mailbox, receiver: Receiver, outcomes: Outcomes
) -> None:
    """Webhooks are told of while mail is still on its way."""
    release = asyncio.Event()

    async def wait(*_: Any) -> str:
        await release.wait()
        return "250 OK"

    mailbox.handle_RCPT = wait  # type: ignore[method-assign]
    await publish(installation, kafka, [request(1), request(2), chat(3), chat(4)])
    async with sending(installation, kafka, policy(mailbox.port, receiver.url)):
        found = await outcomes.until(2)
        assert {o.channel for o in found.values()} == {"chat"}
        release.set()
        await outcomes.until(4)


@pytest.mark.parametrize("installation", [4], indirect=True)
async def test_rebalances_send_nothing_twice(
    installation: Settings, kafka: KafkaSettings, mailbox: Mailbox, outcomes: Outcomes
) -> None:
    """Senders that come and go while mail is sent pass partitions on without repeating or losing any."""
    mailbox.slow = 0.01
    rules = policy(mailbox.port, NOWHERE)
    updates = [request(number) for number in range(80)]
    await publish(installation, kafka, updates)
    async with sending(installation, kafka, rules):
        await until(lambda: len(mailbox.mails) >= 10, "the first sender sends")
        async with sending(installation, kafka, rules):
            await until(lambda: len(mailbox.mails) >= 40, "both send")
        found = await outcomes.until(80)
    assert mailbox.repeats() == {}
    assert {o.kind for o in found.values()} == {"update_delivered"}
    assert mailbox.ids() == {u.update_id for u in updates}
