"""English: subject, mail, short."""

from __future__ import annotations

from typing import Final

from schemas.updates import UpdateKind

GREETING: Final = "Hello{% if customer %} {{ customer }}{% endif %},"

TEXTS: Final[dict[UpdateKind, tuple[str, str, str]]] = {
    "acknowledged": (
        "We have your message [{{ reference }}]",
        """
Your message has reached us. Its reference is {{ reference }}.

Someone will read it and answer you. If you want to add something, just reply to this mail.
""",
        "Thank you for contacting us. Your reference is {{ reference }}. If you want to add something, just write here.",
    ),
    "assigned": (
        "{{ agent }} is looking after your request [{{ reference }}]",
        """
{{ agent }} is now looking after your request {{ reference }} and will answer you.

You do not need to do anything for now.
""",
        "{{ agent }} is now looking after your request {{ reference }}.",
    ),
    "progress": (
        "We have not forgotten you [{{ reference }}]",
        """
You contacted us {{ waited }} and we have not answered you yet. We are sorry that you have to wait.

{% if agent %}{{ agent }} is looking after your request {{ reference }}.{% else %}Your request {{ reference }} is still in our queue.{% endif %} You do not need to write again.
""",
        "Sorry for the wait: {% if agent %}{{ agent }} is looking after your request {{ reference }}{% else %}your request {{ reference }} is still in our queue{% endif %}. You do not need to write again.",
    ),
    "resolved": (
        "Your request is resolved [{{ reference }}]",
        """
{% if agent %}{{ agent }} has{% else %}We have{% endif %} marked your request {{ reference }} as resolved.

If something is still wrong, just reply to this mail and we will look at it again.
""",
        "{% if agent %}{{ agent }} has{% else %}We have{% endif %} marked your request {{ reference }} as resolved. If something is still wrong, just write here.",
    ),
}
