"""Our own reference, where a customer quotes it."""

from __future__ import annotations

import re
from functools import cache


@cache
def _pattern(prefix: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(prefix)}-[0-9A-Z]{{6,10}}(?![A-Za-z0-9-])", re.IGNORECASE)


def find(prefix: str, *texts: str | None) -> str | None:
    """The first reference with the desk's prefix (`AC-7K3Q9XM`) in the texts, in upper case; None when
    there is none. Give the surer places first.
    """
    for text in texts:
        found = _pattern(prefix).search(text) if text else None
        if found:
            return found[0].upper()
    return None
