"""How mail programs introduce a quotation, and how people end a letter, in Russian and Afrikaans.

In the form of mail-parser-reply's own table, which lacks both: `wrote_header` is the line above a quotation,
`from_header` Outlook's head of a quoted mail, `signatures` and `sent_from` begin what is cut off at the end.
"""
# ruff: noqa: RUF001 - Russian is written in Cyrillic letters, and some of them look like Latin ones

from __future__ import annotations

from typing import Final

from mailparser_reply.constants import MAIL_LANGUAGES, QUOTED_MATCH_INCLUDE

_Q: Final = QUOTED_MATCH_INCLUDE


def _fields(names: str) -> str:
    """Outlook's head of a quoted mail: at least two of the fields, one to a line (as the library has it)."""
    return rf"((?:(?:^|\n|\n{_Q})[* ]*(?:{names}):[ *]*(?:\s{{,2}}).*){{2,}}(?:\n.*){{,1}})"


_DAY: Final = r"(?:(?:пн|вт|ср|чт|пт|сб|вс|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье|\w{3})\.?,?\s)"
_DATE: Final = r"\d{1,2}(?:[ .]\w{3,8}[ .]{1,2}|[./]\d{1,2}[./])\d{2,4}"
_WROTE: Final = r"(?:пиш[еу]т|писал(?:а|\(а\))?|написал(?:а|\(а\))?)"

RUSSIAN: Final = {
    "wrote_header": (
        # Gmail, Apple Mail, Yahoo, Thunderbird, Yandex, Mail.ru: a date, then who
        rf"^({_Q}(?:В\s|В письме от\s|----\s?Включено\s)?{_DAY}?{_DATE}.{{0,120}}?\n?.{{0,80}}?"
        rf"(?:{_WROTE}|<\S{{1,100}}@\S{{1,100}}>|\S{{1,100}}@\S{{1,100}})\s?(?::|----))$|"
        # Roundcube: who, then a date. The Bat: "Вы писали", then a date
        rf"^({_Q}.{{1,100}}?\s(?:писал(?:а|и|\(а\))?|написал(?:а|\(а\))?)\s(?:{_DATE}|\d{{4}}-\d\d-\d\d).{{0,30}}:)$"
    ),
    "from_header": _fields("От|От кого|Отправлено|Дата|Кому|Копия|Тема"),
    "disclaimers": ["ВНИМАНИЕ:", "Конфиденциально:"],
    "signatures": [
        "С уважением",
        "С наилучшими пожеланиями",
        "Всего доброго",
        "Всего наилучшего",
        "Заранее (?:благодарю|спасибо)",
        "С благодарностью",
        "Спасибо,$",
    ],
    "sent_from": "Отправлено (?:с|из)|Отправлено с моего|Получить Outlook для|Послано из",
}
AFRIKAANS: Final = {
    "wrote_header": (
        rf"^({_Q}(?:Op\s.{{1,150}}?\n?.{{0,80}}?\s?(?:het\s.{{0,100}}?geskryf|skryf(?:\s.{{1,100}}?)?)"
        r"|.{1,100}?\shet\s(?:op\s)?.{0,60}?geskryf)\s?:)$"
    ),
    "from_header": _fields("Van|Gestuur|Aan|Onderwerp|Datum|Afskrif"),
    "disclaimers": ["WAARSKUWING:", "Vertroulik:"],
    "signatures": [
        "Vriendelike groete",
        "Met vriendelike groete",
        "Beste groete",
        "Groete[,.]?$",
        "Groetnis",
        "Mooi (?:dag|bly)",
        "Die uwe",
        "By voorbaat dank",
        "Baie dankie,$",
        "Dankie,$",
    ],
    "sent_from": "Gestuur vanaf my|Gestuur van my|Gestuur met|Kry Outlook vir",
}


def add() -> None:
    """Put both into the library's table; its own, should it get them, take precedence."""
    MAIL_LANGUAGES.setdefault("ru", RUSSIAN)
    MAIL_LANGUAGES.setdefault("af", AFRIKAANS)
