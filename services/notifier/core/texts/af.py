"""Afrikaans: subject, mail, short."""

from __future__ import annotations

from typing import Final

from schemas.updates import UpdateKind

GREETING: Final = "Hallo{% if customer %} {{ customer }}{% endif %},"

TEXTS: Final[dict[UpdateKind, tuple[str, str, str]]] = {
    "acknowledged": (
        "Ons het jou boodskap ontvang [{{ reference }}]",
        """
Ons het jou boodskap ontvang. Die verwysing is {{ reference }}.

Iemand sal dit lees en jou antwoord. As jy iets wil byvoeg, antwoord net op hierdie e-pos.
""",
        "Dankie dat jy ons gekontak het. Jou verwysing is {{ reference }}. As jy iets wil byvoeg, skryf net hier.",
    ),
    "assigned": (
        "{{ agent }} kyk na jou navraag [{{ reference }}]",
        """
{{ agent }} kyk nou na jou navraag {{ reference }} en sal jou antwoord.

Jy hoef vir eers niks te doen nie.
""",
        "{{ agent }} kyk nou na jou navraag {{ reference }}.",
    ),
    "progress": (
        "Ons het jou nie vergeet nie [{{ reference }}]",
        """
Jy het ons {{ waited }} gekontak en ons het jou nog nie geantwoord nie. Jammer dat jy moet wag.

{% if agent %}{{ agent }} kyk na jou navraag {{ reference }}.{% else %}Jou navraag {{ reference }} is nog in ons tou.{% endif %} Jy hoef nie weer te skryf nie.
""",
        "Jammer dat jy moet wag: {% if agent %}{{ agent }} kyk na jou navraag {{ reference }}{% else %}jou navraag {{ reference }} is nog in ons tou{% endif %}. Jy hoef nie weer te skryf nie.",
    ),
    "resolved": (
        "Jou navraag is opgelos [{{ reference }}]",
        """
{% if agent %}{{ agent }}{% else %}Ons{% endif %} het jou navraag {{ reference }} as opgelos gemerk.

As iets nog nie reg is nie, antwoord net op hierdie e-pos en ons kyk weer daarna.
""",
        "{% if agent %}{{ agent }}{% else %}Ons{% endif %} het jou navraag {{ reference }} as opgelos gemerk. As iets nog nie reg is nie, skryf net hier.",
    ),
}
