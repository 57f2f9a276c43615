"""Where a letter's text ends and its signature begins.

Three marks, of which the first that holds counts: what mail programs and people write above a signature (`-- `,
"Sent from my iPhone", "Best regards"), the sender's own name on a line of its own, a rule with contact data below
it. A mark counts only where what follows looks like a signature, few and short lines: whoever begins with
"Thanks, but it still fails" has not ended.
"""

from __future__ import annotations

import re
from typing import Final

MOST_LINES: Final = 20
"""That are not empty, of a signature without the mark of mail programs."""
WIDEST: Final = 100
NAME_WIDTH: Final = 40
NAME_WORDS: Final = 6
NAME_LOOKED_FOR: Final = 12
"""Lines from the end among which the sender's name is looked for."""
MOST_MARKS: Final = 12
"""Marks that are tried; each costs a search."""

_BY_PROGRAM: Final = re.compile(r"^(?:>\s?){0,5}(?:--|__|[_-]{32,})$")
_SENT_WITH: Final = re.compile(r"^Sent (?:with|via) \S.{1,80}$")
_RULE: Final = re.compile(r"^[-_=*~]{3,}$")
_CONTACT: Final = re.compile(r"https?://|www\.|\S@\S|\d{3}[-. )]{1,2}\d{3,4}", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_LINK_ONLY: Final = re.compile(r"^\S+$")


def begins(lines: list[str], marks: re.Pattern[str], author: str | None) -> int:
    """The number of the first line of the signature; the number of lines when there is none. `marks` is what
    begins a signature in the words of many languages; `author` the sender's name or address.
    """
    written = next((n for n, row in enumerate(lines) if row), len(lines))
    candidates = (_by_mark(lines, marks), _by_name(lines, author), _by_rule(lines), _by_program(lines))
    return min((n for n in candidates if n > written), default=len(lines))


def _by_mark(lines: list[str], marks: re.Pattern[str]) -> int:
    start = 0
    for _ in range(MOST_MARKS):
        found = marks.search("\n".join(lines[start:]))
        if found is None:
            break
        at = start + found.string.count("\n", 0, found.start() + len(found[0]) - len(found[0].lstrip()))
        if at >= len(lines):
            break
        if _BY_PROGRAM.match(lines[at]) or (_closes(lines[at]) and _ends(lines[at + 1 :])):
            return at
        start = at + 1
    return len(lines)


def _closes(line: str) -> bool:
    """True for "Best regards, Jan Botha", not for "Thanks, but it still fails"."""
    words, _, after = line.partition(",")
    return len(line.split()) <= NAME_WORDS + 1 and not any(word[0].islower() for word in after.split()) and bool(words)


def _ends(lines: list[str]) -> bool:
    """Names and addresses follow, no sentence that goes on."""
    first = next((row for row in lines if row), "")
    return _short(lines) and not (first and first[0].islower())


def _short(lines: list[str]) -> bool:
    rows = [row for row in lines if row]
    return (
        len(rows) <= MOST_LINES
        and all(len(row) <= WIDEST or _LINK_ONLY.match(row) for row in rows)
        and not any(row.endswith("?") for row in rows)
    )


def _by_name(lines: list[str], author: str | None) -> int:
    if not author:
        return len(lines)
    names = {word.casefold() for word in _WORD.findall(author.partition("@")[0][:200])}
    rows = [n for n, row in enumerate(lines) if row]
    for n in rows[-NAME_LOOKED_FOR:]:
        if n and not lines[n - 1] and _is_name(lines[n], names) and _short(lines[n + 1 :]):
            before = next(row for row in reversed(lines[:n]) if row) if any(lines[:n]) else ":"
            if not before.endswith(":"):  # "Name: ..." asks for it
                return n
    return len(lines)


def _is_name(line: str, names: set[str]) -> bool:
    words = line.lstrip("-–— ").split()  # noqa: RUF001 - some people sign with a dash
    return (
        len(line) <= NAME_WIDTH
        and 0 < len(words) <= NAME_WORDS
        and any(word.casefold() in names for word in _WORD.findall(line))
        and words[0].casefold().rstrip(",") not in {"hi", "hello", "dear", "привет", "hallo", "beste"}
        and not any(word[0].islower() for word in words)
        and not line.endswith(("?", "!", ":"))
    )


def _by_program(lines: list[str]) -> int:
    """Advertising of a mail program that is not in the table of marks."""
    last = next((n for n in range(len(lines) - 1, -1, -1) if lines[n]), len(lines))
    return last if last < len(lines) and _SENT_WITH.match(lines[last]) else len(lines)


def _by_rule(lines: list[str]) -> int:
    for n, row in enumerate(lines):
        if _RULE.match(row) and _short(lines[n + 1 :]) and any(_CONTACT.search(line) for line in lines[n + 1 :]):
            return n
    return len(lines)
