"""Russian: subject, mail, short. An agent's name always stands in the nominative."""
# ruff: noqa: RUF001 - Cyrillic is meant

from __future__ import annotations

from typing import Final

from schemas.updates import UpdateKind

GREETING: Final = "Здравствуйте{% if customer %}, {{ customer }}{% endif %}!"

TEXTS: Final[dict[UpdateKind, tuple[str, str, str]]] = {
    "acknowledged": (
        "Мы получили ваше сообщение [{{ reference }}]",
        """
Мы получили ваше сообщение, его номер — {{ reference }}.

Его прочитают и вам ответят. Если захотите что-то добавить, просто ответьте на это письмо.
""",
        "Спасибо, что обратились к нам. Номер вашего вопроса — {{ reference }}. Если захотите что-то добавить, пишите сюда.",
    ),
    "assigned": (
        "Вашим вопросом занимается {{ agent }} [{{ reference }}]",
        """
Вашим вопросом {{ reference }} теперь занимается {{ agent }}. Ответ придёт на этот адрес.

Пока от вас ничего не нужно.
""",
        "Вашим вопросом {{ reference }} теперь занимается {{ agent }}.",
    ),
    "progress": (
        "Мы о вас помним [{{ reference }}]",
        """
Вы обратились к нам {{ waited }}, а мы ещё не ответили. Простите, что приходится ждать.

{% if agent %}Вашим вопросом {{ reference }} занимается {{ agent }}.{% else %}Ваш вопрос {{ reference }} пока в очереди.{% endif %} Писать ещё раз не нужно.
""",
        "Простите за ожидание: {% if agent %}вашим вопросом {{ reference }} занимается {{ agent }}{% else %}ваш вопрос {{ reference }} пока в очереди{% endif %}. Писать ещё раз не нужно.",
    ),
    "resolved": (
        "Ваш вопрос решён [{{ reference }}]",
        """
{% if agent %}{{ agent }} сообщает, что ваш вопрос {{ reference }} решён{% else %}Ваш вопрос {{ reference }} решён{% endif %}.

Если что-то всё ещё не так, просто ответьте на это письмо, и мы к нему вернёмся.
""",
        "{% if agent %}{{ agent }} сообщает, что ваш вопрос {{ reference }} решён{% else %}Ваш вопрос {{ reference }} решён{% endif %}. Если что-то всё ещё не так, напишите сюда.",
    ),
}
