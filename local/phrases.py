"""What simulated agents write, by language."""
# ruff: noqa: RUF001 - Cyrillic letters that look like Latin ones are Russian here

from __future__ import annotations

from typing import Final

GREETING: Final = {
    "en": "Thank you for writing to us.",
    "ru": "Спасибо, что написали нам.",
    "af": "Dankie dat u aan ons geskryf het.",
}
QUESTION: Final = {
    "en": "Could you tell us since when this happens, and what you have tried so far?",
    "ru": "Подскажите, пожалуйста, с какого времени это происходит и что вы уже пробовали?",
    "af": "Kan u ons asseblief sê van wanneer af dit gebeur en wat u reeds probeer het?",
}
CLOSING: Final = {
    "en": "We have put it right on our side; please try again and tell us if it still happens.",
    "ru": "Мы всё исправили с нашей стороны; попробуйте, пожалуйста, ещё раз и напишите, если не поможет.",
    "af": "Ons het dit aan ons kant reggemaak; probeer asseblief weer en laat weet as dit nog gebeur.",
}
