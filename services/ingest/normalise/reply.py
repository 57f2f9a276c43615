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

from services.ingest.normalise import mail_languages

LOOKED_AT_LINES: Final = 300
LOOKED_AT_COLUMNS: Final = 160

_LANGUAGES: Final = ("en", "ru", "af", "nl", "de", "fr")
_QUOTED: Final = re.compile(r"^\s*>")
_FORWARDED: Final = re.compile(
    r"^-{2,}\s*(?:Original Message|Forwarded message|Пересылаемое сообщение|Исходное сообщение|"
    r"Oorspronklike boodskap|Aangestuurde boodskap)\s*-{2,}\s*$",
    re.IGNORECASE,
)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    mail_languages.add()
    message = EmailMessage("", languages=list(_LANGUAGES), keep_hyphen_lists=True)
    return message.HEADER_REGEX, message.SIGNATURE_REGEX


def latest(full: str) -> str:
    """The new part of `full`. All of `full` when nothing else would be left (a bare forward)."""
    lines = full.split("\n")
    skeleton = [row.strip()[:LOOKED_AT_COLUMNS] for row in lines[:LOOKED_AT_LINES]]
    head = _first_line(_patterns()[0], skeleton)
    separator = next((n for n, row in enumerate(skeleton) if _FORWARDED.match(row)), len(skeleton))
    if separator < head:
        head, below = separator, []
    else:
        below = _below_the_quotation(lines, head)
    if head == len(skeleton):
        new, skeleton = lines, skeleton[:head]
    else:
        new, skeleton = lines[:head], skeleton[:head]
    signed = _first_line(_patterns()[1], skeleton)
    if signed < len(skeleton) and any(row.strip() for row in skeleton[:signed]):
        new = new[:signed]
    kept = "\n".join(row for row in [*new, *below] if not _QUOTED.match(row)).strip()
    return kept or full


def _below_the_quotation(lines: list[str], head: int) -> list[str]:
    """What was written under a quotation marked with `>`, for those who answer below it."""
    n = head
    while n < len(lines) and not _QUOTED.match(lines[n]):
        n += 1
        if n > head + 4:  # the mark must follow the introduction at once
            return []
    while n < len(lines) and (_QUOTED.match(lines[n]) or not lines[n].strip()):
        n += 1
    rest = lines[n:]
    signed = _first_line(_patterns()[1], [row.strip()[:LOOKED_AT_COLUMNS] for row in rest[:LOOKED_AT_LINES]])
    return rest[:signed] if signed else rest


def _first_line(pattern: re.Pattern[str], lines: list[str]) -> int:
    """The number of the first line that belongs to a match; the number of lines when nothing matches."""
    text = "\n".join(lines)
    found = pattern.search(text)
    if found is None:
        return len(lines)
    start = found.start() + len(found[0]) - len(found[0].lstrip())
    return text.count("\n", 0, start)
