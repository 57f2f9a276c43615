"""The policy of a desk, compiled: urgency x impact to a priority, and what a case needs of an agent.

Rules are tried in their order; each answer names the rules that won.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import translate

from schemas.base import LEVELS, Channel, Level, Need, Priority, Reason
from schemas.policy import DeskPolicy, LevelRule, When

READ_CHARACTERS = 20_000
"""Of a message, for phrases: what matters stands at its beginning."""

_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Signals:
    """What the rules may look at."""

    channel: Channel
    provider: str
    language: str
    tier: str | None
    words: str
    """From `normal_words`."""
    contacts: int
    live: bool
    automatic: bool


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the rules came to."""

    urgency: Level
    impact: Level
    priority: Priority
    reasons: tuple[Reason, ...]


Test = Callable[[Signals], str | None]
"""None when the condition does not hold, otherwise why it does."""


def normal_words(*texts: str | None) -> str:
    """The words of the texts in lower case between single spaces, with one before and after, so that
    ` phrase ` is found by a plain search, at word boundaries only.
    """
    joined = " ".join(t[:READ_CHARACTERS] for t in texts if t)
    return f" {' '.join(_WORDS.findall(joined.casefold()))} "


class Rules:
    """All rules of one desk."""

    def __init__(self, policy: DeskPolicy) -> None:
        """Compile `policy`, which has been validated."""
        self._matrix = policy.matrix
        self._urgency = [(rule, _compile(rule.when)) for rule in policy.urgency]
        self._impact = [(rule, _compile(rule.when)) for rule in policy.impact]
        self._needs = [(rule, _compile(rule.when)) for rule in policy.needs]
        self._tiers = [
            (tier.name, re.compile("|".join(translate(p.casefold()) for p in tier.identifiers)))
            for tier in policy.tiers
        ]

    def tier(self, identifiers: tuple[str, ...]) -> str | None:
        """The first tier that one of the identifiers belongs to."""
        for name, pattern in self._tiers:
            if any(pattern.match(i.casefold()) for i in identifiers):
                return name
        return None

    def assess(self, signals: Signals, urgency: Level | None = None, impact: Level | None = None) -> Assessment:
        """The priority. `urgency` and `impact` are what was found before: a case never calms down by
        a further message.
        """
        urgency, why_urgent = _level("urgency", self._urgency, signals, urgency)
        impact, why_impact = _level("impact", self._impact, signals, impact)
        priority = self._matrix[urgency][impact]
        matrix = Reason(rule="matrix", text=f"urgency {urgency} x impact {impact} = {priority}")
        return Assessment(urgency, impact, priority, (why_urgent, why_impact, matrix))

    def needs(self, signals: Signals, before: tuple[Need, ...] = ()) -> tuple[tuple[Need, ...], tuple[Reason, ...]]:
        """What the case needs, sorted by skill, and why; `before` is what it needed already.

        Needs add up over a case's messages, the language excepted: it follows the customer.
        """
        levels = {need.skill: need.level for need in before if not need.skill.startswith("language:")}
        reasons = []
        for rule, test in self._needs:
            why = test(signals)
            if why is None:
                continue
            for pattern, level in rule.skills.items():
                skill = pattern.replace("{language}", signals.language)
                levels[skill] = max(level, levels.get(skill, 0))
                reasons.append(Reason(rule=rule.name, text=f"needs {skill} at level {level}: {why}"))
        return tuple(Need(skill=s, level=levels[s]) for s in sorted(levels)), tuple(reasons)


def _level(
    what: str, rules: list[tuple[LevelRule, Test]], signals: Signals, before: Level | None
) -> tuple[Level, Reason]:
    """The first rule that holds. The policy's last rule always does."""
    rule, why = next((rule, why) for rule, test in rules if (why := test(signals)) is not None)
    if before is not None and LEVELS.index(before) < LEVELS.index(rule.level):
        return before, Reason(rule="kept", text=f"{what} stays {before}, as earlier in this case")
    return rule.level, Reason(rule=rule.name, text=f"{what} {rule.level}: {why}")


def _compile(when: When) -> Test:
    """One test for all fields of a condition."""
    tests = [
        _one_of(name, frozenset(allowed))
        for name in ("channel", "provider", "language", "tier")
        if (allowed := getattr(when, name))
    ]
    tests += [
        _flag(name, words, wanted=wanted)
        for name, words in (("live", "the customer is on the line"), ("automatic", "a machine wrote"))
        if (wanted := getattr(when, name)) is not None
    ]
    if (least := when.contacts_at_least) is not None:
        tests.append(lambda s: f"the customer wrote {s.contacts} times" if s.contacts >= least else None)
    if when.text:
        tests.append(_phrases(when.text))
    if not tests:
        return lambda _: "nothing above applies"

    def every(signals: Signals) -> str | None:
        found = []
        for test in tests:
            why = test(signals)
            if why is None:
                return None
            found.append(why)
        return ", ".join(found)

    return every


def _one_of(name: str, allowed: frozenset[str]) -> Test:
    def test(signals: Signals) -> str | None:
        value = getattr(signals, name)
        return f"{name} is {value}" if value in allowed else None

    return test


def _flag(name: str, words: str, *, wanted: bool) -> Test:
    return lambda signals: (words if wanted else f"not {name}") if getattr(signals, name) is wanted else None


def _phrases(phrases: tuple[str, ...]) -> Test:
    """Any phrase, as whole words; with a trailing `*` as the beginning of a word."""
    needles = [(normal_words(p).rstrip() if p.endswith("*") else normal_words(p), p) for p in phrases]

    def test(signals: Signals) -> str | None:
        for needle, phrase in needles:
            if needle in signals.words:
                return f"says “{phrase}”"
        return None

    return test
