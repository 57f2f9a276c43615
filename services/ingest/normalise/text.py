"""Text that can travel: no surrogates, no control characters, no more than Kafka takes."""

from __future__ import annotations

import re
from typing import Final

import ftfy

MAX_TEXT: Final = 40_000
MAX_FULL_TEXT: Final = 80_000
"""Characters. Both together, in UTF-8, stay well below the megabyte that a Kafka record may have."""
MAX_SUBJECT: Final = 1000
MAX_NAME: Final = 200

CUT: Final = " […]"
"""Ends what was cut."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff]")
_SPACE: Final = re.compile(r"\s+")
_EMPTY_LINES: Final = re.compile(r"\n(?:[ \t]*\n){2,}")


def clean(text: str, limit: int = MAX_FULL_TEXT) -> str:
    """`text` with plain line ends, without what is no character, wrong decodings repaired, cut at `limit`."""
    cut = len(text) > limit
    text = text[: limit - len(CUT)] if cut else text
    text = text.encode("utf-8", "replace").decode("utf-8") if _has_surrogate(text) else text
    if not text.isascii():
        # Only mojibake and line ends: quotes, ligatures and widths are the customer's own.
        text = ftfy.fix_text(text, _MOJIBAKE_ONLY)[:limit]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROL.sub("", text)
    text = _EMPTY_LINES.sub("\n\n", text).strip()
    return text + CUT if cut else text


def line(text: str | None, limit: int = MAX_NAME) -> str | None:
    """`text` as one line (a subject, a name, a file name); None when nothing is left."""
    if not text:
        return None
    folded = _SPACE.sub(" ", clean(text[: 4 * limit], 4 * limit)).strip()
    return folded[:limit].strip() or None


_MOJIBAKE_ONLY: Final = ftfy.TextFixerConfig(
    unescape_html=False,
    remove_terminal_escapes=True,
    fix_latin_ligatures=False,
    fix_character_width=False,
    uncurl_quotes=False,
    fix_line_breaks=True,
    fix_surrogates=True,
    remove_control_chars=True,
    normalization="NFC",
    explain=False,
)


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
