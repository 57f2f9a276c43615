"""The policy of a desk, compiled: urgency x impact to a priority, and what a case needs of an agent.

Rules are tried in their order; each answer names the rules that won.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache
from typing import Final

from schemas.base import LEVELS, Channel, Decision, Level, Need, Priority, Reason
from schemas.policy import DeskPolicy, LevelRule, When

READ_CHARACTERS: Final = 20_000
"""Of a message, for phrases: what matters stands at its beginning."""

_WORDS: Final = re.compile(r"\w+")
REMEMBERED: Final = 4096
"""Assessments that are kept, by what they were made from."""
_BEGINNING: Final = 2
"""Letters by which beginnings of words are looked up; the policy has none shorter."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What the rules may look at."""

    channel: Channel
    provider: str
    language: str
    tier: str | None
    said: frozenset[str]
    """Phrases of the policy that the message says, from `Rules.said`."""
    contacts: int
    live: bool
    automatic: bool


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the rules came to."""

    urgency: Level
    impact: Level
    priority: Priority
    decision: Decision


Test = Callable[[Signals], str | None]
"""None when the condition does not hold, otherwise why it does."""


class Phrasebook:
    """Finds which of many phrases a text says, in one walk over its words.

    A phrase counts as whole words, whatever the case; with a trailing `*` its last word is a beginning.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        """Index `phrases` by the word that they begin with."""
        self._whole: dict[str, list[tuple[list[str], str]]] = {}
        self._begun: dict[str, list[tuple[str, str]]] = {}
        for phrase in phrases:
            words = _WORDS.findall(phrase.casefold())
            if phrase.endswith("*") and len(words) == 1:
                self._begun.setdefault(words[0][:_BEGINNING], []).append((words[0], phrase))
            else:
                self._whole.setdefault(words[0], []).append((words, phrase))

    def said(self, *texts: str | None) -> frozenset[str]:
        """The phrases, as they were given, that occur in one of the texts."""
        found: set[str] = set()
        for text in texts:
            words = _WORDS.findall(text[:READ_CHARACTERS].casefold()) if text else []
            for at, word in enumerate(words):
                if word in self._whole:
                    found.update(
                        p for wanted, p in self._whole[word] if _stands(wanted, words[at : at + len(wanted)], p)
                    )
                if (beginning := word[:_BEGINNING]) in self._begun:
                    found.update(p for wanted, p in self._begun[beginning] if word.startswith(wanted))
        return frozenset(found)


def _stands(wanted: list[str], words: list[str], phrase: str) -> bool:
    if phrase.endswith("*"):
        return len(words) == len(wanted) and words[:-1] == wanted[:-1] and words[-1].startswith(wanted[-1])
    return words == wanted


class Rules:
    """All rules of one desk."""

    def __init__(self, policy: DeskPolicy, policy_version: str) -> None:
        """Compile `policy`, which has been validated."""
        # Rules look at the signals alone, and the same few come again and again.
        self.assess = lru_cache(REMEMBERED)(self._assess)
        self.needs = lru_cache(REMEMBERED)(self._find_needs)
        self._version = policy_version
        self._matrix = policy.matrix
        conditions = [r.when for r in (*policy.urgency, *policy.impact)] + [r.when for r in policy.needs]
        self.said = Phrasebook(p for w in conditions for p in w.text).said
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

    def _assess(self, signals: Signals, urgency: Level | None = None, impact: Level | None = None) -> Assessment:
        """The priority. `urgency` and `impact` are what was found before: a case never calms down by
        a further message.
        """
        urgency, why_urgent = _level("urgency", self._urgency, signals, urgency)
        impact, why_impact = _level("impact", self._impact, signals, impact)
        priority = self._matrix[urgency][impact]
        matrix = Reason(rule="matrix", text=f"urgency {urgency} x impact {impact} = {priority}")
        return Assessment(urgency, impact, priority, self._decision(why_urgent, why_impact, matrix))

    def _find_needs(self, signals: Signals, before: tuple[Need, ...] = ()) -> tuple[tuple[Need, ...], Decision]:
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
        return tuple(Need(skill=s, level=levels[s]) for s in sorted(levels)), self._decision(*reasons)

    def _decision(self, *reasons: Reason) -> Decision:
        return Decision(policy_version=self._version, reasons=reasons)


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
    wanted = frozenset(phrases)

    def test(signals: Signals) -> str | None:
        if wanted.isdisjoint(signals.said):
            return None
        return f"says “{next(p for p in phrases if p in signals.said)}”"

    return test
