"""The texts: every one in every language, the policy's own, and what is wrong with bad ones."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from schemas.base import CHANNELS, Channel
from services.notifier.core.templates import VARIABLES, BadTemplate, Templates, Variables, ago, one_line
from services.notifier.core.texts import BUILT_IN
from tests.unit.notifier.scene import core, opened, policy, told

KINDS = ("acknowledged", "assigned", "progress", "resolved")
LANGUAGES = ("en", "ru", "af")


def variables(channel: Channel, **changes: Any) -> Variables:
    given = {"customer": "Jan Botha", "agent": "Thandi Nkosi", **changes}
    return Variables("AC-7K3Q9XM", "Acme Support", channel, timedelta(minutes=25), **given)


@pytest.mark.parametrize(("language", "kind"), list(product(LANGUAGES, KINDS)))
def test_built_in(language: str, kind: Any) -> None:
    """Each text has the reference, the agent where there is one, no residue of a template, and fits its channel."""
    templates = Templates(policy())
    for channel, agent in product(CHANNELS, ("Thandi Nkosi", None)):
        if kind == "assigned" and agent is None:
            continue
        told = templates.render("acme", kind, language, variables(channel, agent=agent))
        assert told.language == language
        assert not re.search(r"[{}%]|None|Undefined|  ", told.text), told.text
        if channel == "email":
            assert "AC-7K3Q9XM" in told.text
            assert told.subject is not None
            assert told.subject.endswith("[AC-7K3Q9XM]")
            assert len(told.subject) <= 78
            assert told.text.endswith("\n\nAcme Support\n")
            assert max(map(len, told.text.splitlines())) <= 160
            assert len(told.text.strip().split("\n\n")) == 4
        else:
            assert told.subject is None
            assert "AC-7K3Q9XM" in told.text
            assert "\n" not in told.text
            assert len(told.text) <= 160, "one SMS in Latin letters, at most three in Cyrillic ones"
        if kind in {"assigned", "progress", "resolved"} and agent:
            assert "Thandi Nkosi" in told.text


@pytest.mark.parametrize(
    ("language", "kind", "channel", "subject", "text"),
    [
        (
            "en",
            "progress",
            "email",
            "We have not forgotten you [AC-7K3Q9XM]",
            (
                "Hello Jan Botha,\n\n"
                "You contacted us 25 minutes ago and we have not answered you yet. We are sorry that you have to wait.\n\n"
                "Thandi Nkosi is looking after your request AC-7K3Q9XM. You do not need to write again.\n\n"
                "Acme Support\n"
            ),
        ),
        (
            "ru",
            "acknowledged",
            "email",
            "Мы получили ваше сообщение [AC-7K3Q9XM]",
            (
                "Здравствуйте, Jan Botha!\n\n"
                "Мы получили ваше сообщение, его номер — AC-7K3Q9XM.\n\n"
                "Его прочитают и вам ответят. Если захотите что-то добавить, просто ответьте на это письмо.\n\n"
                "Acme Support\n"
            ),
        ),
        (
            "ru",
            "resolved",
            "chat",
            None,
            "Thandi Nkosi сообщает, что ваш вопрос AC-7K3Q9XM решён. Если что-то всё ещё не так, напишите сюда.",
        ),
        (
            "af",
            "assigned",
            "email",
            "Thandi Nkosi kyk na jou navraag [AC-7K3Q9XM]",
            (
                "Hallo Jan Botha,\n\n"
                "Thandi Nkosi kyk nou na jou navraag AC-7K3Q9XM en sal jou antwoord.\n\n"
                "Jy hoef vir eers niks te doen nie.\n\n"
                "Acme Support\n"
            ),
        ),
        (
            "af",
            "progress",
            "social",
            None,
            "Jammer dat jy moet wag: Thandi Nkosi kyk na jou navraag AC-7K3Q9XM. Jy hoef nie weer te skryf nie.",
        ),
    ],
)
def test_word_for_word(language: str, kind: Any, channel: Any, subject: str | None, text: str) -> None:
    """Some texts as the customer gets them."""
    told = Templates(policy()).render("acme", kind, language, variables(channel))
    assert (told.subject, told.text) == (subject, text)


def test_every_language_has_every_kind() -> None:
    """No text is missing in a language."""
    assert {language: tuple(kinds) for language, kinds in BUILT_IN.items()} == dict.fromkeys(LANGUAGES, KINDS)


@pytest.mark.parametrize(
    ("minutes", "language", "words"),
    [
        (0, "en", "1 minute ago"),
        (90, "en", "90 minutes ago"),
        (180, "af", "3 uur gelede"),
        (1, "ru", "1 минуту назад"),
        (60 * 24 * 5, "ru", "5 дней назад"),
        (5, "tlh", "5 minutes ago"),
    ],
)
def test_ago(minutes: int, language: str, words: str) -> None:
    """Durations are told in the customer's language, in English where nobody knows how."""
    assert ago(timedelta(minutes=minutes), language) == words


def own(**texts: Any) -> Any:
    return policy(updates={"templates": {"acknowledged": texts}})


def test_the_policys_own_text() -> None:
    """A desk's own text stands in place of the built-in one, on every channel; other languages keep theirs."""
    rules = own(en={"subject": "Got it", "text": "Hi {{ customer or 'there' }}, {{ reference }} via {{ channel }}."})
    (update,) = told(core(rules), opened())
    assert (update.subject, update.text) == ("Got it [AC-7K3Q9XM]", "Hi there, AC-7K3Q9XM via email.\n")
    (update,) = told(core(rules), opened(language="af"))
    assert update.subject == "Ons het jou boodskap ontvang [AC-7K3Q9XM]"


def test_the_policys_own_language() -> None:
    """A language that is not built in is spoken once the policy has a text for it."""
    rules = own(zu={"text": "Siyabonga, {{ reference }}"})
    (update,) = told(core(rules), opened(language="zu"))
    assert (update.language, update.subject) == ("zu", "Acme Support [AC-7K3Q9XM]")
    assert update.text == "Siyabonga, AC-7K3Q9XM\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{{ refrence }}", "there is no variable refrence; there are reference, desk"),
        ("{{ reference", "unexpected end of template"),
        ("{% if agent %}x", "Unexpected end of template"),
        ("{{ reference | shout }}", "No filter named 'shout'"),
        ("{{ reference.__class__.__mro__ }}", "unsafe"),
        ("{{ agent.upper() }}", "'None' has no attribute"),
        ("{{ waited + 1 }}", "fails when it is filled in: TypeError"),
        ("{% if False %}x{% endif %}", "the text comes out empty"),
        ("{% include 'other' %}", "no loader"),
    ],
)
def test_bad_template(text: str, fault: str) -> None:
    """A template that cannot work is refused at the start, with its place in the policy and its fault."""
    with pytest.raises(BadTemplate) as refused:
        Templates(own(en={"text": text}))
    assert str(refused.value).startswith("desks.acme.updates.templates.acknowledged.en: ")
    assert fault in str(refused.value)


def test_a_reply_has_no_template() -> None:
    """An agent's own words cannot be replaced."""
    with pytest.raises(BadTemplate, match="a reply carries the agent's own words"):
        Templates(policy(updates={"templates": {"reply": {"en": {"text": "x"}}}}))


def test_variables_are_those_that_are_documented() -> None:
    """Each name that a template can use has its meaning written down."""
    assert set(variables("chat").spoken("en")) == set(VARIABLES)


def test_one_line() -> None:
    """Line breaks, control characters and excess go."""
    assert one_line(" a\r\n\tb\x00\u2028c  d ", 7) == "a b c d"
    assert one_line("abcdef", 3) == "abc"
