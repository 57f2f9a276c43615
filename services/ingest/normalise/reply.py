"""What the customer wrote this time: a mail's text without quoted history and signature.

mail-parser-reply knows how mail programs introduce a quotation and end a letter, in many languages; Russian
and Afrikaans are added in `mail_languages`. Its patterns backtrack, so they only ever see a skeleton of the text: its first
lines, each cut short. What they find is carried over to the whole text line by line.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from mailparser_reply.parser import EmailMessage

from services.ingest.normalise import mail_languages, signature

LOOKED_AT_LINES: Final = 300
LOOKED_AT_COLUMNS: Final = 160

_LANGUAGES: Final = ("en", "ru", "af", "nl", "de", "fr")
_QUOTED: Final = re.compile(r"^\s*>")
_FORWARDED: Final = re.compile(
    r"^(?:-{2,}|_{2,})\s*(?:Original (?:Message|e-?mail)|Forwarded message|Begin forwarded message|Reply message|"
    r"(?:Пересылаемое|Пересланное|Исходное|Первоначальное|Оригинальное) (?:сообщение|письмо)|"
    r"Oorspronklike (?:boodskap|e-pos)|(?:Aangestuurde|Deurgestuurde) (?:boodskap|e-pos))\s*(?:-{2,}|_{2,})\s*$",
    re.IGNORECASE,
)
_BETWEEN_DASHES: Final = re.compile(r"^-{2,}\s?On\s.{1,150}wrote(?::| -{2,})$", re.IGNORECASE)
"""Of Zoho, and of Yahoo once."""
_WHO_AND_WHEN: Final = re.compile(r"[@\d]|(?:wrote|writes):$")


@cache
def patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What begins a quotation and what begins a signature."""
    mail_languages.add()
    message = EmailMessage("", languages=list(_LANGUAGES), keep_hyphen_lists=True)
    return message.HEADER_REGEX, message.SIGNATURE_REGEX


def latest(full: str, author: str | None = None) -> str:
    """The new part of `full`. All of `full` when nothing else would be left (a bare forward). `author` is
    the sender's name, or else the address: a signature often begins with it.
    """
    return new_part(full, author) or full


def new_part(full: str, author: str | None = None) -> str:
    """As `latest`, but empty where all is quoted."""
    above, below = _apart(full)
    return _joined(_signed_off(above, author), _signed_off(below, author))


def without_quotation(full: str) -> str:
    """`full` without quoted history, its signature still there; empty where all is quoted."""
    return _joined(*_apart(full))


def _joined(above: list[str], below: list[str]) -> str:
    return "\n".join(row for row in [*above, *below] if not _QUOTED.match(row)).strip()


def _apart(full: str) -> tuple[list[str], list[str]]:
    """The lines above the quotation, and those below it, for those who answer there."""
    lines = full.split("\n")
    skeleton = [row.strip()[:LOOKED_AT_COLUMNS] for row in lines[:LOOKED_AT_LINES]]
    head = first_line(patterns()[0], skeleton)
    head = min(head, _introduction(skeleton))
    cuts = (n for n, row in enumerate(skeleton) if _FORWARDED.match(row) or _BETWEEN_DASHES.match(row))
    separator = next(cuts, len(skeleton))
    if separator < head:
        return lines[:separator], []
    if head == len(skeleton):
        return lines, []
    return lines[:head], _below_the_quotation(lines, head)


def _introduction(skeleton: list[str]) -> int:
    """The line that introduces marked lines in a language that nobody knows: who or when, and a colon. It may
    be broken in two; the number of lines when there is none.
    """
    for n, row in enumerate(skeleton):
        if not row.startswith(">") or not n or skeleton[n - 1].startswith(">"):
            continue
        above = n - 1 if skeleton[n - 1] or n == 1 else n - 2
        if skeleton[above].endswith(":"):
            broken = above and skeleton[above - 1] and not _WHO_AND_WHEN.search(skeleton[above])
            begin = above - 1 if broken else above
            if _WHO_AND_WHEN.search(" ".join(skeleton[begin : above + 1])):
                return begin
        return len(skeleton)
    return len(skeleton)


def _signed_off(lines: list[str], author: str | None) -> list[str]:
    """`lines` without the signature that ends them."""
    skeleton = [row.strip()[:LOOKED_AT_COLUMNS] for row in lines[:LOOKED_AT_LINES]]
    return lines[: signature.begins(skeleton, patterns()[1], author)] if skeleton else []


def _below_the_quotation(lines: list[str], head: int) -> list[str]:
    """What was written under a quotation marked with `>`."""
    n = head
    while n < len(lines) and not _QUOTED.match(lines[n]):
        n += 1
        if n > head + 4:  # the mark must follow the introduction at once
            return []
    while n < len(lines) and (_QUOTED.match(lines[n]) or not lines[n].strip()):
        n += 1
    return lines[n:]


def first_line(pattern: re.Pattern[str], lines: list[str]) -> int:
    """The number of the first line that belongs to a match; the number of lines when nothing matches."""
    text = "\n".join(lines)
    found = pattern.search(text)
    if found is None:
        return len(lines)
    start = found.start() + len(found[0]) - len(found[0].lstrip())
    return text.count("\n", 0, start)


def signature_after(text: str, full: str) -> tuple[int, int]:
    """Where in `full` the signature stands that follows `text`, its latest part; an empty stretch when there is
    none, or when it is not plain that what follows is one.
    """
    if not text or not full.startswith(text):
        return 0, 0
    above = "\n".join(_apart(full)[0])
    if not full.startswith(above) or len(above) <= len(text):
        return 0, 0
    end = len(text)
    taken = 0
    for row in above[len(text) :].split("\n"):
        # What introduces a quotation in a language that nobody knows, and its marks, are no signature.
        if _QUOTED.match(row) or (row.rstrip().endswith(":") and _WHO_AND_WHEN.search(row)):
            break
        end += len(row) + 1
        taken += bool(row.strip())
    return (len(text), min(end, len(above))) if taken <= signature.MOST_LINES else (0, 0)
