"""The senders' parts that need no Kafka: offsets, tries, the mail as it is written, and the figures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.policy import SMTP
from typing import Any

import pytest
import stamina
from prometheus_client import REGISTRY

from schemas.base import ReplyAddress
from schemas.updates import UpdateFailed, UpdateRequested
from services.notifier import figures
from services.notifier.core.facts import Settled
from services.notifier.senders.attempts import InDoubt, NotNow, Refused, failed, hand_over
from services.notifier.senders.mail import write
from services.notifier.senders.offsets import Offsets
from tests.unit.notifier.scene import CALL, MAIL, NOON, at, core, delivered, opened, policy, told

SENDER = Address("Acme Support", "support", "acme.example")


def request(**changes: Any) -> UpdateRequested:
    (update,) = told(core(), opened())
    return update.model_copy(update=changes)


def test_offsets_in_order() -> None:
    """What is done in order is committed as it is done, gaps or not."""
    offsets = Offsets()
    assert [offsets.begin(0, n) for n in (5, 6, 9)] == [True, True, True]
    assert offsets.advanced() == {}
    offsets.done(0, 5)
    assert offsets.advanced() == {0: 6}
    offsets.done(0, 6)
    assert offsets.advanced() == {0: 9}
    offsets.done(0, 9)
    assert offsets.advanced() == {0: 10}
    assert offsets.advanced() == {}


def test_offsets_wait_for_the_first() -> None:
    """What is done early is committed when everything before it is, partition by partition."""
    offsets = Offsets()
    for partition, offset in ((0, 1), (0, 2), (1, 1)):
        offsets.begin(partition, offset)
    offsets.done(0, 2)
    offsets.done(1, 1)
    assert offsets.advanced() == {1: 2}
    offsets.done(0, 1)
    assert offsets.advanced() == {0: 3}


def test_offsets_that_come_again() -> None:
    """A record that was begun is not begun again; after its partition was revoked it is."""
    offsets = Offsets()
    offsets.begin(0, 1)
    assert offsets.begin(0, 1) is False
    offsets.forget()
    offsets.done(0, 1)
    assert offsets.advanced() == {}
    assert offsets.begin(0, 1) is True


def tries(*results: Any) -> Callable[[], Awaitable[str | None]]:
    left = list(results)

    async def attempt() -> str | None:
        result = left.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    return attempt


@pytest.mark.parametrize(
    ("results", "kind", "reason", "attempts", "detail"),
    [
        (["id-1"], "update_delivered", None, 1, None),
        ([NotNow("away"), NotNow("away"), None], "update_delivered", None, 3, None),
        ([Refused("gone")], "update_failed", "refused", 1, "gone"),
        ([NotNow("away"), InDoubt("broke")], "update_failed", "in_doubt", 2, "broke"),
        ([NotNow("450", answered=True)] * 5, "update_failed", "refused", 5, "put off 5 times: 450"),
    ],
)
async def test_hand_over(results: Any, kind: str, reason: str | None, attempts: int, detail: str | None) -> None:
    """Tried until it is taken or refused; a doubt ends it; a server that only puts off is left in the end."""
    with stamina.set_testing(True, attempts=100):
        outcome = await hand_over(request(), tries(*results), within=timedelta(minutes=1), clock=lambda: at(0.5))
    assert outcome is not None
    assert (outcome.kind, outcome.attempts) == (kind, attempts)
    assert (getattr(outcome, "reason", None), getattr(outcome, "detail", None)) == (reason, detail)


async def test_hand_over_gives_up() -> None:
    """When the time is up, the last failure is told."""
    with stamina.set_testing(True, attempts=3):
        outcome = await hand_over(
            request(), tries(*[NotNow("away")] * 3), within=timedelta(minutes=1), clock=lambda: at(0.5)
        )
    assert isinstance(outcome, UpdateFailed)
    assert (outcome.reason, outcome.attempts, outcome.detail) == ("unreachable", 3, "away")


@pytest.mark.parametrize("minutes", [1, 60])
async def test_hand_over_comes_too_late(minutes: float) -> None:
    """What is past its time is not tried, and not told of: the ledger does that."""

    def now() -> datetime:
        return at(minutes)

    assert await hand_over(request(), tries(), within=timedelta(minutes=1), clock=now) is None


@pytest.mark.parametrize("address", ["not an address", "a@b.example\r\nBcc: all@example.com", "a@b, c@d", "", "@"])
def test_no_mail_without_an_address(address: str) -> None:
    """What is no address is refused and cannot add a header or a recipient."""
    to = MAIL.model_copy(update={"address": address})
    with pytest.raises(Refused):
        write(request(reply_to=to), SENDER)


@pytest.mark.parametrize(
    "thread", [None, "", "m1@example.com", "<m1>", "<a@b> <c@d>", "<a@b>\r\nBcc: x@y.example", "<a b@c>", "<ä@\x00>"]
)
def test_strange_threads_are_left_out(thread: str | None) -> None:
    """Only what is a Message-ID is answered to."""
    mail = write(request(reply_to=MAIL.model_copy(update={"thread": thread})), SENDER)
    assert mail["In-Reply-To"] is None
    assert mail["References"] is None
    assert mail["Bcc"] is None


def test_long_lines_and_odd_characters_travel() -> None:
    """A text of any shape arrives as it was, in lines that SMTP allows."""
    text = "я" * 3000 + "\n.\nFrom me\n" + "🙂" * 500 + "\n"
    mail = write(request(text=text), SENDER)
    wire = mail.as_bytes(policy=SMTP)
    assert max(map(len, wire.split(b"\r\n"))) <= 998
    assert mail.get_content().replace("\r\n", "\n") == text


def test_subject_without_one() -> None:
    """A mail is never without a subject, nor without its reference."""
    assert write(request(subject=None), SENDER)["Subject"] == "[AC-7K3Q9XM]"


def counted(outcome: str, channel: str = "email", kind: str = "acknowledged") -> float | None:
    labels = {"desk": "acme", "channel": channel, "kind": kind, "outcome": outcome}
    return REGISTRY.get_sample_value("switchboard_updates_total", labels)


def test_figures() -> None:
    """Every label set is there at zero; an update counts once as requested and once as settled."""
    figures.begin(policy())
    assert counted("requested", "phone", "reply") is not None
    assert REGISTRY.get_sample_value("switchboard_promises_total", {"desk": "acme", "outcome": "kept"}) == 0
    before = [counted(outcome) or 0 for outcome in figures.OUTCOMES]
    update = request()
    given_up = failed(update, lambda: NOON, 1, "in_doubt", "who knows")
    figures.observe([update, update.model_copy(update={"attempt": 2}), Settled(update, delivered(update))])
    figures.observe([Settled(update, given_up), given_up])
    assert [counted(o) for o in figures.OUTCOMES] == [before[0] + 1, before[1] + 1, before[2] + 2]


def test_phone_numbers_get_no_mail() -> None:
    """An address of another channel cannot be written to."""
    with pytest.raises(Refused):
        write(request(reply_to=ReplyAddress(channel="email", provider="mime", address=CALL.address)), SENDER)
