"""The notifier as a process: a case all the way, and kill -9 at the worst moments."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiosmtpd.smtp import SMTP

from runtime.settings import KafkaSettings, Settings
from schemas.base import ReplyAddress
from schemas.codec import derive_id
from tests.integration.notifier.outside import Mailbox, Receiver
from tests.integration.notifier.scene import GUARD_SECONDS, Outcomes, document, publish
from tests.integration.service_process import ServiceProcess, serving
from tests.unit.notifier.scene import CHAT, MAIL, assigned, opened, replied, resolved, warned

pytestmark = pytest.mark.kafka


@pytest.fixture
def policy_file(tmp_path: Path, mailbox: Mailbox, receiver: Receiver) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(document(mailbox.port, receiver.url)))
    return file


async def test_a_case_all_the_way(
    installation: Settings, kafka: KafkaSettings, mailbox: Mailbox, policy_file: Path, outcomes: Outcomes
) -> None:
    """A customer is told everything in its order, it is counted, and neither words nor addresses are logged."""
    events = (opened(), assigned(), warned(), replied(), resolved())
    async with serving("notifier", installation, kafka, policy_file) as notifier:
        await notifier.until_ready()
        assert await notifier.metric(_updates("email", "reply", "delivered")) == 0
        for event in events:  # the topics are read side by side: one after the other keeps their order
            before = len(outcomes.by_update())
            await publish(installation, kafka, [event.model_copy(update={"at": datetime.now(UTC)})])
            await outcomes.until(before + 1)
        assert [str(mail["Subject"]) for mail in mailbox.mails] == [
            "We have your message [AC-7K3Q9XM]",
            "Thandi Nkosi is looking after your request [AC-7K3Q9XM]",
            "We have not forgotten you [AC-7K3Q9XM]",
            "Re: Printer on fire [AC-7K3Q9XM]",
            "Your request is resolved [AC-7K3Q9XM]",
        ]
        await _until_counted(notifier, _updates("email", "resolved", "delivered"))
        assert await notifier.metric(_updates("email", "reply", "requested")) == 1
        assert await notifier.metric('switchboard_promises_total{desk="acme",outcome="kept"}') == 0
        assert (await notifier.http.get("/asyncapi")).json()["info"]["title"] == "Switchboard notifier"
        assert await notifier.stop() == 0
    logged = json.dumps(notifier.log)
    assert "update settled" in logged
    for private in ("jan@example.com", "Jan Botha", "Printer on fire", "unplug", "whsec_"):
        assert private not in logged


@pytest.mark.slow
async def test_killed_while_it_delivers(
    installation: Settings,
    kafka: KafkaSettings,
    mailbox: Mailbox,
    receiver: Receiver,
    policy_file: Path,
    outcomes: Outcomes,
) -> None:
    """Killed once while the mail server takes a mail and once while the adapter takes a post: no mail comes twice,
    a post comes again under the same key only, and each update has one outcome.
    """
    running: list[ServiceProcess] = []
    killed_in: list[str] = []

    def kill(number: int, where: str) -> None:
        running[-1].process.kill()
        killed_in.append(where)
        assert len(killed_in) == number

    def data(mail: EmailMessage, _: SMTP) -> str | None:
        if not killed_in and len(mailbox.mails) >= 5:
            kill(1, str(mail["Message-ID"]).strip("<>").partition("@")[0])
        return None

    def answering(update: str) -> None:
        if len(killed_in) == 1 and len(running) == 2 and len(receiver.told) >= 30:
            kill(2, update)

    mailbox.data, mailbox.slow, receiver.answering, receiver.slow = data, 0.02, answering, 0.05
    cases = [_case(number, MAIL if number % 2 else CHAT) for number in range(80)]
    expected = {derive_id(case.case_id, "acknowledged", case.message_id) for case in cases}
    patience = {"SWITCHBOARD_DELIVERY_SECONDS": "30", "SWITCHBOARD_OUTCOME_SECONDS": "35"}
    await publish(installation, kafka, cases[:40])
    for wave in (1, 2):
        async with serving("notifier", installation, kafka, policy_file, patience) as notifier:
            running.append(notifier)
            async with asyncio.timeout(GUARD_SECONDS):
                await notifier.process.wait()
        assert len(killed_in) == wave
        await publish(installation, kafka, cases[40:] if wave == 1 else [])
    async with serving("notifier", installation, kafka, policy_file, patience) as notifier:
        running.append(notifier)
        found = await outcomes.until(len(expected), seconds=120)
        assert await notifier.stop() == 0

    assert mailbox.repeats() == {}
    bodies = defaultdict(set)
    for sent in receiver.posts:
        bodies[sent.headers["idempotency-key"]].add((sent.body["case_id"], sent.body["text"]))
    assert all(len(same) == 1 for same in bodies.values())
    assert len(receiver.told) == len(set(receiver.told)) == 40
    assert found.keys() == expected
    assert len({event_id for event_id, _ in outcomes.all}) == len(expected), "one outcome for each update"
    in_doubt = {update for update, outcome in found.items() if outcome.kind == "update_failed"}
    assert {found[update].reason for update in in_doubt} == {"in_doubt"}
    assert killed_in[0] in in_doubt, "the mail server took it, and nobody was left to hear so"
    assert len(in_doubt) <= 2 * 2, "at most what each lane had begun when it was killed"
    assert killed_in[1] in set(found) - in_doubt
    await outcomes.read()
    assert sorted(r.update_id for r in outcomes.requests if r.attempt == 1) == sorted(expected)


def _case(number: int, to: ReplyAddress) -> Any:
    return opened(
        case_id=f"case-{number}",
        message_id=f"m-{number}",
        reference=f"AC-{number:07}",
        at=datetime.now(UTC),
        reply_to=to,
    )


def _updates(channel: str, kind: str, outcome: str) -> str:
    return f'switchboard_updates_total{{channel="{channel}",desk="acme",kind="{kind}",outcome="{outcome}"}}'


async def _until_counted(notifier: ServiceProcess, line: str) -> None:
    """The outcome has come back to the core, too."""
    while not await notifier.metric(line):
        assert notifier.process.returncode is None
