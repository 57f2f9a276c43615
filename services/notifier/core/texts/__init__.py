"""The built-in texts, one module for each language; the policy may replace any of them.

Every text is a Jinja2 template with the variables of `services.notifier.core.templates.VARIABLES`.
Plain words; no time is promised, since none is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.updates import UpdateKind
from services.notifier.core.texts import af, en, ru


@dataclass(frozen=True, slots=True)
class Text:
    """One kind of update in one language."""

    subject: str
    """For mail."""
    mail: str
    """With a greeting before it and the desk's name below."""
    short: str
    """For chat, SMS and social networks: one or two sentences."""


def _texts(greeting: str, kinds: Mapping[UpdateKind, tuple[str, str, str]]) -> dict[UpdateKind, Text]:
    return {
        kind: Text(subject.strip(), f"{greeting}\n\n{mail.strip()}\n\n{{{{ desk }}}}\n", short.strip())
        for kind, (subject, mail, short) in kinds.items()
    }


BUILT_IN: Final[dict[str, dict[UpdateKind, Text]]] = {
    "en": _texts(en.GREETING, en.TEXTS),
    "ru": _texts(ru.GREETING, ru.TEXTS),
    "af": _texts(af.GREETING, af.TEXTS),
}
"""Language, then kind."""
