"""Texts made of templates: Jinja2 in its sandbox, Babel for durations. Pure.

All variables are in `VARIABLES`; docs/policy.md explains them to operators. A mail's subject always
carries the reference in brackets, whatever the template says, since answers are recognised by it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_timedelta
from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import SandboxedEnvironment

from schemas.base import CHANNELS, Channel, DeskId, Language
from schemas.policy import Policy, TemplateText
from schemas.updates import UpdateKind
from services.notifier.core.texts import BUILT_IN, Text

VARIABLES: Final = {
    "reference": "the case's reference, e.g. AC-7K3Q9XM",
    "desk": "the desk's name",
    "customer": "the customer's name, or nothing when nobody vouches for it",
    "agent": "the name of the agent who holds the case, or nothing; always there in `assigned`",
    "waited": "how long ago the customer first wrote, in words: 25 minutes ago",
    "channel": "email, chat, phone or social",
}

SUBJECT_CHARACTERS: Final = 200
FALLBACK: Final = "en"


_ENVIRONMENT: Final = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)


class BadTemplate(ValueError):
    """A template of the policy cannot be used. To do: refuse to start; the text names field and fault."""


@dataclass(frozen=True, slots=True)
class Variables:
    """What a template can say; the fields are those of VARIABLES."""

    reference: str
    desk: str
    channel: Channel
    since_opened: timedelta
    customer: str | None = None
    agent: str | None = None

    def spoken(self, language: Language) -> dict[str, str | None]:
        """The variables by name, in one language."""
        return {
            "reference": self.reference,
            "desk": self.desk,
            "customer": self.customer,
            "agent": self.agent,
            "waited": ago(self.since_opened, language),
            "channel": self.channel,
        }


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text that is ready to be sent."""

    text: str
    subject: str | None
    language: Language


@dataclass(frozen=True, slots=True)
class _Compiled:
    subject: Template
    mail: Template
    short: Template


class Templates:
    """The policy's own templates in front of the built-in ones. Raises BadTemplate when made of bad ones."""

    def __init__(self, policy: Policy) -> None:
        self._own = {
            (desk, kind, language): _own_text(desk, kind, language, text)
            for desk, rules in policy.desks.items()
            for kind, languages in rules.updates.templates.items()
            for language, text in languages.items()
        }
        self._desks = policy.desks

    def render(self, desk: DeskId, kind: UpdateKind, language: Language, variables: Variables) -> Rendered:
        """The update of `kind` in the customer's language; failing that in the first of the desk's that
        has a template; failing that in English.
        """
        for candidate in (language, *self._desks[desk].languages, FALLBACK):
            found = self._own.get((desk, kind, candidate)) or _built_in().get((kind, candidate))
            if found is not None:
                return _render(found, variables, candidate)
        raise KeyError(kind)


def _own_text(desk: DeskId, kind: UpdateKind, language: Language, text: TemplateText) -> _Compiled:
    place = f"desks.{desk}.updates.templates.{kind}.{language}"
    if kind == "reply":
        raise BadTemplate(f"{place}: a reply carries the agent's own words; there is no template for it")
    subject = BUILT_IN[language][kind].subject if language in BUILT_IN else "{{ desk }}"
    return _compile(Text(text.subject or subject, text.text, text.text), kind, place)


@cache
def _built_in() -> dict[tuple[UpdateKind, Language], _Compiled]:
    return {
        (kind, language): _compile(text, kind, f"built-in {kind}.{language}")
        for language, kinds in BUILT_IN.items()
        for kind, text in kinds.items()
    }


def _compile(text: Text, kind: UpdateKind, place: str) -> _Compiled:
    try:
        parts = (text.subject, text.mail, text.short)
        named = (meta.find_undeclared_variables(_ENVIRONMENT.parse(part)) for part in parts)
        unknown = set().union(*named) - set(VARIABLES)
        if unknown:
            raise BadTemplate(
                f"{place}: there is no variable {', '.join(sorted(unknown))}; there are {', '.join(VARIABLES)}"
            )
        compiled = _Compiled(*map(_ENVIRONMENT.from_string, parts))
        for trial in _trials(kind):
            if not _render(compiled, trial, FALLBACK).text.strip():
                raise BadTemplate(f"{place}: the text comes out empty")
    except TemplateError as error:
        raise BadTemplate(f"{place}: {error}") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError) as error:
        raise BadTemplate(f"{place}: fails when it is filled in: {error!r}") from error
    return compiled


def _trials(kind: UpdateKind) -> list[Variables]:
    """Every combination of what may be there and what may not."""
    return [
        Variables("AC-7K3Q9XM", "Acme Support", channel, timedelta(minutes=25), customer, agent)
        for channel in CHANNELS
        for customer in ("Jan", None)
        for agent in (("Thandi Nkosi",) if kind == "assigned" else ("Thandi Nkosi", None))
    ]


def _render(compiled: _Compiled, variables: Variables, language: Language) -> Rendered:
    words = variables.spoken(language)
    if variables.channel != "email":
        return Rendered(compiled.short.render(words).strip(), None, language)
    return Rendered(
        compiled.mail.render(words).strip() + "\n",
        with_reference(compiled.subject.render(words), variables.reference),
        language,
    )


def with_reference(subject: str, reference: str) -> str:
    """A subject in one line that carries the reference in brackets, once."""
    mark = f"[{reference}]"
    line = one_line(subject, SUBJECT_CHARACTERS)
    return line if mark in line else f"{line} {mark}".lstrip()


def one_line(text: str, limit: int) -> str:
    """`text` without line breaks and control characters, at most `limit` characters: it may come from
    a stranger and goes into a mail's header.
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:limit].strip()


_NAME: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*\.?(?: [^\W\d_]+(?:['’-][^\W\d_]+)*\.?){0,4}")  # noqa: RUF001 - a typographic apostrophe


def person_name(name: str | None) -> str | None:
    """A customer's name when it looks like one: words of letters. A "name" can be an advertisement, which
    must not travel in our mail.
    """
    line = one_line(name or "", 61)
    return line if len(line) <= 60 and _NAME.fullmatch(line) else None  # noqa: PLR2004 - longer than a name


def ago(duration: timedelta, language: Language) -> str:
    """A past duration in words, rounded to the unit of which there are at least two."""
    shown = max(duration, timedelta(minutes=1))
    return format_timedelta(-shown, granularity="minute", threshold=2, add_direction=True, locale=_locale(language))


def _locale(language: Language) -> Locale:
    try:
        return Locale.parse(language)
    except UnknownLocaleError:
        return Locale.parse(FALLBACK)
