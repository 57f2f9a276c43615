"""What the customer is told, and when: given / when / then on whole events."""

from __future__ import annotations

import pytest

from runtime.core import step
from schemas.base import ReplyAddress
from schemas.cases import CaseAbandoned, CaseMerged, CaseReleased, CaseReopened
from schemas.codec import derive_id
from schemas.updates import UpdateRequested
from tests.unit.notifier.scene import (
    CALL,
    CASE,
    CHAT,
    MAIL,
    NOON,
    SOCIAL,
    WHY,
    assigned,
    at,
    core,
    message,
    opened,
    policy,
    replied,
    resolved,
    told,
    warned,
)


def test_acknowledged_by_mail() -> None:
    """A mail is acknowledged with its reference, to where it came from, and without a word of its own."""
    assert told(core(), opened()) == [
        UpdateRequested(
            desk="acme",
            at=NOON,
            update_id=derive_id("case-1", "acknowledged", "m-1"),
            case_id="case-1",
            reference="AC-7K3Q9XM",
            update_kind="acknowledged",
            reply_to=MAIL,
            language="en",
            subject="We have your message [AC-7K3Q9XM]",
            text="Hello,\n\nYour message has reached us. Its reference is AC-7K3Q9XM.\n\n"
            "Someone will read it and answer you. If you want to add something, just reply to this mail.\n\n"
            "Acme Support\n",
            template="acknowledged.en",
            policy_version="test-1",
        )
    ]


@pytest.mark.parametrize("to", [CHAT, CALL, SOCIAL], ids=["chat", "phone", "social"])
def test_acknowledged_elsewhere(to: ReplyAddress) -> None:
    """On every other channel it is short and has no subject."""
    (update,) = told(core(), opened(reply_to=to, language="af"))
    assert update.reply_to == to
    assert update.subject is None
    assert update.text == (
        "Dankie dat jy ons gekontak het. Jou verwysing is AC-7K3Q9XM. As jy iets wil byvoeg, skryf net hier."
    )


@pytest.mark.parametrize(
    "changes",
    [{"acknowledge": False}, {"automatic": True}, {"automatic": True, "acknowledge": True}],
    ids=["above the limits", "automatic", "automatic and yet to be acknowledged"],
)
def test_not_acknowledged(changes: dict[str, bool]) -> None:
    """Machines are not answered, nor is anybody above the policy's limits."""
    assert told(core(), opened(**changes)) == []


def test_a_stranger_is_not_echoed() -> None:
    """Neither the subject, nor the name that an unverified sender gives, is in what is sent."""
    (update,) = told(core(), opened(customer_name="Jan Botha", subject="Cheap watches http://spam.example"))
    assert "Jan" not in update.text
    assert "watches" not in f"{update.subject} {update.text}"


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("Jan Botha", "Hello Jan Botha,"),
        ("Anna-Marie d’Almeida Jr.", "Hello Anna-Marie d’Almeida Jr.,"),
        ("Иван Петров", "Hello Иван Петров,"),
        ("  Jan\r\nBotha ", "Hello Jan Botha,"),
        ("Visit spam.example now", "Hello,"),
        ("http://spam.example", "Hello,"),
        ("jan@example.com", "Hello,"),
        ("Win 1000000", "Hello,"),
        ("x" * 61, "Hello,"),
        ("", "Hello,"),
    ],
)
def test_greeting(name: str, greeting: str) -> None:
    """A verified customer is greeted by name when it looks like one, and not when it is an advertisement."""
    (update,) = told(core(), opened(verified=True, customer_name=name))
    assert update.text.splitlines()[0] == greeting


def test_assigned_names_the_agent() -> None:
    """The customer is told who looks after the case."""
    (update,) = told(core(), opened(acknowledge=False), assigned())
    assert (update.update_kind, update.template, update.update_id) == (
        "assigned",
        "assigned.en",
        derive_id("case-1", "assigned", "thandi"),
    )
    assert update.subject == "Thandi Nkosi is looking after your request [AC-7K3Q9XM]"
    assert "Thandi Nkosi is now looking after your request AC-7K3Q9XM" in update.text


def test_assigned_once_for_each_agent() -> None:
    """Another agent is told of, the same one is not told of again."""
    events = opened(acknowledge=False), assigned(), assigned("pieter", "Pieter Smit"), assigned()
    assert [u.subject for u in told(core(), *events)] == [
        "Thandi Nkosi is looking after your request [AC-7K3Q9XM]",
        "Pieter Smit is looking after your request [AC-7K3Q9XM]",
    ]


def test_agents_name_cannot_make_headers() -> None:
    """A line break in an agent's name stays out of the subject."""
    (update,) = told(core(), opened(acknowledge=False), assigned(name="Eve\r\nBcc: all@example.com"))
    assert update.subject == "Eve Bcc: all@example.com is looking after your request [AC-7K3Q9XM]"


def test_reply_is_the_agents_own_words() -> None:
    """An answer goes out word for word, to the address that the router gives, under the mail's own subject."""
    (update,) = told(core(), opened(acknowledge=False), replied("Unplug it.\n\n{{ agent }} <b>now</b>"))
    assert update == UpdateRequested(
        desk="acme",
        at=at(3),
        update_id=derive_id("case-1", "reply", "r-1"),
        case_id="case-1",
        reference="AC-7K3Q9XM",
        update_kind="reply",
        reply_to=MAIL,
        language="en",
        subject="Re: Printer on fire [AC-7K3Q9XM]",
        text="Unplug it.\n\n{{ agent }} <b>now</b>",
        template="agent",
        policy_version="test-1",
    )


@pytest.mark.parametrize(
    ("subject", "answer"),
    [
        ("Printer", "Re: Printer [AC-7K3Q9XM]"),
        ("RE: re: Printer", "Re: Printer [AC-7K3Q9XM]"),
        ("Re: We have your message [AC-7K3Q9XM]", "Re: We have your message [AC-7K3Q9XM]"),
        ("a\r\nBcc: all@example.com", "Re: a Bcc: all@example.com [AC-7K3Q9XM]"),
        (None, "Re: [AC-7K3Q9XM]"),
        ("я" * 900, f"Re: {'я' * 150} [AC-7K3Q9XM]"),
    ],
)
def test_subject_of_a_reply(subject: str | None, answer: str) -> None:
    """One `Re:`, one line, one reference, a bounded length."""
    (update,) = told(core(), opened(acknowledge=False, subject=subject), replied())
    assert update.subject == answer


def test_reply_to_chat_has_no_subject() -> None:
    """Only mail has subjects."""
    (update,) = told(core(), opened(acknowledge=False, reply_to=CHAT), replied(reply_to=CHAT))
    assert (update.subject, update.reply_to) == (None, CHAT)


def test_a_person_may_write_to_a_machine() -> None:
    """What an agent writes is sent, whoever it is for: it is no automatic answer."""
    updates = told(core(), opened(automatic=True), assigned(), warned(), replied(), resolved())
    assert [u.update_kind for u in updates] == ["reply"]


def test_a_case_begun_by_a_machine_turns_into_a_persons() -> None:
    """Once a person wrote to the case, that person is told."""
    updates = told(core(), opened(automatic=True), message(), assigned())
    assert [(u.update_kind, u.reply_to, u.language) for u in updates] == [("assigned", CHAT, "ru")]


def test_out_of_office_in_a_case_changes_nothing() -> None:
    """An automatic message neither moves the address nor the language."""
    away = message(automatic=True, language="af", reply_to=CHAT)
    updates = told(core(), opened(acknowledge=False), away, assigned())
    assert [(u.reply_to, u.language) for u in updates] == [(MAIL, "en")]


def test_progress_before_an_answer() -> None:
    """When the first answer's clock warns, the customer is told how long it has been, and no time is promised."""
    (update,) = told(core(), opened(acknowledge=False), warned())
    assert (update.update_kind, update.update_id) == ("progress", derive_id("case-1", "progress", "first_response"))
    assert "You contacted us 25 minutes ago and we have not answered you yet." in update.text
    assert "is still in our queue" in update.text


def test_progress_names_the_holder() -> None:
    """Who has the case is named."""
    updates = told(core(), opened(acknowledge=False), assigned(), warned())
    assert "Thandi Nkosi is looking after your request AC-7K3Q9XM." in updates[-1].text


def test_progress_after_the_holder_is_gone() -> None:
    """Who has the case no longer is not named."""
    lost = CaseReleased(**CASE, at=at(5), agent_id="thandi", reason="agent_lost", assigned=True, decision=WHY)
    updates = told(core(), opened(acknowledge=False), assigned(), lost, warned())
    assert "Thandi" not in updates[-1].text


@pytest.mark.parametrize(
    "before",
    [
        [replied()],
        [resolved(agent_id=None)],
        [CaseAbandoned(**CASE, at=at(5), channel="phone", waited_seconds=300.0)],
        [CaseMerged(**CASE, at=at(5), into="case-2")],
        [warned()],
    ],
    ids=["answered", "resolved", "abandoned", "merged", "told already"],
)
def test_no_progress(before: list[object]) -> None:
    """Nobody is told of progress after an answer or an end, nor twice."""
    one = core()
    told(one, opened(acknowledge=False), *before)
    assert told(one, warned(at=at(26))) == []


@pytest.mark.parametrize(("minutes", "kinds"), [(26, ["progress"]), (26.1, [])])
def test_no_progress_from_an_old_warning(minutes: float, kinds: list[str]) -> None:
    """After an outage nobody is told that there was no answer, since there may be one that was not read yet."""
    one = core()
    told(one, opened(acknowledge=False))
    assert [u.update_kind for u in told(one, warned(), minutes=minutes)] == kinds


def test_other_clocks_tell_nothing() -> None:
    """The clock of the resolution warns agents, not customers."""
    assert told(core(), opened(acknowledge=False), warned(clock="resolution")) == []


def test_resolved_by_an_agent() -> None:
    """The customer is told that the matter is settled, and by whom."""
    updates = told(core(), opened(acknowledge=False), assigned(), resolved())
    assert [u.update_kind for u in updates] == ["assigned", "resolved"]
    assert updates[-1].text == (
        "Hello,\n\nThandi Nkosi has marked your request AC-7K3Q9XM as resolved.\n\n"
        "If something is still wrong, just reply to this mail and we will look at it again.\n\nAcme Support\n"
    )


def test_resolved_by_a_rule() -> None:
    """What nobody settled is not told."""
    assert told(core(), opened(acknowledge=False), resolved(agent_id=None)) == []


def test_resolved_again_after_reopening() -> None:
    """Each settling is an occasion of its own."""
    again = CaseReopened(**CASE, at=at(5), message_id="m-3")
    updates = told(core(), opened(acknowledge=False), resolved(), again, resolved(at=at(6)))
    assert [u.update_kind for u in updates] == ["resolved", "resolved"]
    assert len({u.update_id for u in updates}) == 2


def test_answers_follow_the_customer() -> None:
    """What comes next goes to the channel, and in the language, that the customer used last."""
    updates = told(core(), opened(), message(), assigned())
    assert [(u.language, u.reply_to) for u in updates] == [("en", MAIL), ("ru", CHAT)]
    assert updates[-1].text == "Вашим вопросом AC-7K3Q9XM теперь занимается Thandi Nkosi."


@pytest.mark.parametrize(
    ("customer", "desk", "spoken"),
    [("af", ["en"], "af"), ("de", ["ru", "en"], "ru"), ("de", ["zu"], "en"), ("de", ["zu", "af"], "af")],
)
def test_language(customer: str, desk: list[str], spoken: str) -> None:
    """The customer's language, else the desk's first that has a text, else English."""
    (update,) = told(core(policy(languages=desk)), opened(language=customer))
    assert (update.language, update.template) == (spoken, f"acknowledged.{spoken}")


def test_the_policy_says_what_is_told() -> None:
    """What the desk does not tell is left out."""
    events = opened(), assigned(), warned(), replied(), resolved()
    assert [u.update_kind for u in told(core(policy(updates={"tell": ["resolved"]})), *events)] == ["resolved"]


def test_the_same_event_twice_tells_once() -> None:
    """Even if the router said everything twice, the customer hears it once."""
    one = core()
    events = opened(), assigned(), warned(), replied(), resolved()
    assert [u.update_kind for u in told(one, *events)] == ["acknowledged", "assigned", "progress", "reply", "resolved"]
    assert told(one, *events) == []


def test_another_desk_is_none_of_ours() -> None:
    """A desk that the policy does not name is told nothing and leaves nothing behind."""
    one = core()
    events = opened(desk="other"), message(desk="other"), replied(desk="other"), resolved(desk="other")
    assert told(one, *events) == []
    assert one.cases == {}


def test_a_reply_in_a_case_that_was_never_seen() -> None:
    """An agent's words are not lost when the case is older than the notifier."""
    (update,) = told(core(), replied())
    assert (update.subject, update.language) == ("Re: [AC-7K3Q9XM]", "en")


def test_a_message_in_a_case_that_was_never_seen() -> None:
    """The customer's address is known from then on."""
    updates = told(core(), message(), assigned())
    assert [(u.update_kind, u.reply_to, u.language) for u in updates] == [("assigned", CHAT, "ru")]


@pytest.mark.parametrize("event", [assigned(), warned(), resolved()], ids=["assigned", "warned", "resolved"])
def test_nothing_for_a_case_that_was_never_seen(event: object) -> None:
    """Without an address there is nobody to tell, and nothing to remember."""
    one = core()
    assert step(one, "event", event, at(5)) == []
    assert (one.cases, list(one.take_changes())) == ({}, [])
