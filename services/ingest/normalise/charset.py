"""Bytes to text when the charset is missing, misnamed or wrong."""

from __future__ import annotations

import codecs
from typing import Final

from charset_normalizer import from_bytes

SAMPLE: Final = 16_384
"""Bytes that are looked at to guess."""

_LIKELY: Final = [
    "utf_8",
    "cp1251",
    "koi8_r",
    "cp1252",
    "cp1250",
    "iso8859_5",
    "cp1253",
    "gb18030",
    "shift_jis",
    "euc_kr",
]
"""What mail without a usable charset is written in. With all of Python's charsets to choose from, short
Russian is found to be Japanese."""

_WIDER: Final = {"iso8859-1": "cp1252", "ascii": "utf-8", "gb2312": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949"}
"""What is meant by what is said (WHATWG Encoding, "Names and labels")."""


def decode(data: bytes, declared: str | None) -> str:
    """`data` as text: by the declared charset where it fits, else as UTF-8, else by the best guess. Never
    raises; what cannot be read becomes U+FFFD.
    """
    name = _known(declared)
    for charset in dict.fromkeys((name, "utf-8") if name else ("utf-8",)):
        try:
            return data.decode(charset)
        except (UnicodeError, ValueError):
            continue
    guess = from_bytes(data[:SAMPLE], cp_isolation=_LIKELY).best()
    return data.decode(guess.encoding if guess else name or "cp1252", "replace")


def _known(declared: str | None) -> str | None:
    """Python's name for a declared charset, if it has one that is for text."""
    if not declared or len(declared) > 40:  # noqa: PLR2004 - no charset's name is longer
        return None
    try:
        found = codecs.lookup(declared.strip(" \"'"))
    except (LookupError, ValueError, UnicodeError):
        return None
    if not getattr(found, "_is_text_encoding", True) or found.name in {
        "idna",
        "punycode",
        "unicode_escape",
        "raw_unicode_escape",
        "utf-7",
    }:
        return None
    return _WIDER.get(found.name, found.name)
