"""How customers write what the desk has to know, in English, Russian and Afrikaans.

Every pattern is bounded: each repeat has a limit, and no two that take the same characters stand side by side
without something between them, so that the time grows with the length of the text alone. What a group `v` holds is
the value; without one, all that matches.
"""
# ruff: noqa: RUF001 - Russian is written in Cyrillic letters, and some of them look like Latin ones

from __future__ import annotations

import re
from typing import Final

_I: Final = re.IGNORECASE
_NUMBER: Final = r"\d{1,4}(?:\.\d{1,6}){0,3}"

PLATFORM: Final = (
    re.compile(
        rf"(?<!\w)(?:Windows (?:XP|Vista|Server(?: 20\d\d)?|\d{{1,2}}(?:\.1)?)(?: (?:Home|Pro|Enterprise|Education))?"
        rf"|Win ?(?:7|8|10|11)|(?:mac ?OS|Mac OS X|OS X)(?: (?:Monterey|Ventura|Sonoma|Sequoia|Tahoe))?(?: {_NUMBER})?"
        rf"|(?:iOS|iPadOS|HarmonyOS|Android|ChromeOS|Debian|Fedora|Ubuntu|Astra Linux|Linux Mint|Linux)(?: {_NUMBER})?"
        r"|iPhone(?: (?:\d{1,2}|SE|X[RS]?)(?: (?:Pro Max|Pro|Plus|mini))?)?|iPad(?: (?:Air|Pro|mini))?|iMac"
        r"|MacBook(?: (?:Air|Pro))?|Chromebook"
        rf"|(?:Google Chrome|Firefox|Microsoft Edge|Яндекс[. ]?Браузер)(?: {_NUMBER})?"
        rf"|(?:Chrome|Safari|Opera|Edge) {_NUMBER}"
        rf"|(?:[Вв]индовс|[Вв]индоус|[Вв]инда|[Лл]инукс|[Уу]бунту|[Аа]ндроид|[Аа]йфон|[Мм]акбук)(?:[еауыио]|ом|ой)?(?: {_NUMBER})?"
        r")(?!\w)"
    ),
    # Without a number only within a sentence: windows are made of glass as well.
    re.compile(r"(?<=[a-zа-яë] )Windows(?! \d| (?:XP|Vista|Server))(?!\w)"),
)

_SUFFIX: Final = r"(?:[-_+]?[A-Za-z]{1,5}\d{0,4})?"
VERSION: Final = (
    re.compile(
        r"(?<!\w)(?:version|ver\.|firmware|build|верси[яиюей]{1,2}|прошивк[аиуе]|сборк[аиуе]|weergawe|fermware)"
        r"(?: (?:is|no\.?|number|version|номер|версии|nommer))?[ :=#№]{0,3}v?"
        rf"(?P<v>\d{{1,5}}(?:\.\d{{1,6}}){{0,4}}{_SUFFIX})(?!\w|\.\d)"
        r"(?! (?:of|days?|weeks?|times?|years?|months?|hours?|minutes?|people|дн|раз|час|месяц|недел|dae|weke|keer|jaar))",
        _I,
    ),
    re.compile(rf"(?<![\w.])v\.?(?P<v>\d{{1,5}}(?:\.\d{{1,6}}){{1,4}}{_SUFFIX})(?!\w|\.\d)", _I),
)

_ERROR: Final = r"(?:error|ошибк[аиуеой]{1,2}|fout(?:e|boodskap|kode)?)"
_FAILS: Final = re.compile(
    r"error|fail|cannot|can't|could not|unable|denied|invalid|not found|timed? ?out|unexpected|refused|ошибк|"
    r"не удалось|невозможно|отказано|не найден|неверн|недоступ|fout|misluk|kan nie|ongeldig|geweier|nie gevind",
    _I,
)
ERROR: Final = (
    re.compile(r"(?<!\w)0x[0-9A-Fa-f]{4,16}(?!\w)"),
    re.compile(r"(?<!\w)(?:ERR|DNS|NET|SSL|SEC|NS_ERROR|STATUS|PR|INET_E)_[A-Z0-9_]{3,50}(?!\w)"),
    re.compile(
        rf"(?<!\w){_ERROR}(?: (?:code|number|no\.?|message|номер|kode|nommer))?[ :#№-]{{1,3}}"
        r"(?P<v>[A-ZА-Я]{0,3}-?\d{1,6}(?:[.-][A-Z0-9]{1,6}){0,3})(?![\w%]|[.,]\d)"
        r"(?! (?:of|days?|weeks?|times?|minutes?|hours?|раз|дн|час|минут|keer|dae|minute|uur))",
        _I,
    ),
    re.compile(rf"(?<!\w){_ERROR}(?: message)?[^.!?\"“”«»„\n]{{0,60}}[\"“«„](?P<v>[^\"“”«»„\n]{{3,200}})[\"”»“]", _I),
    re.compile(
        rf"(?<!\w)(?:{_ERROR}(?: message)?|сообщение об ошибке):[ ]{{1,3}}(?P<v>(?=[^\W\d])[^\n\"“«„]{{3,200}})", _I
    ),
    re.compile(r"(?<!\w)(?=[A-Z])\w{2,40}?(?:Error|Exception)(?!\w)(?::[^\n]{1,160})?"),
)
QUOTED: Final = re.compile(r"[\"“«„](?P<v>[^\"“”«»„\n]{3,200})[\"”»“]")
"""What the screen says; an error only where its own words say so."""


def fails(message: str) -> bool:
    """Whether a quoted message is one of something that failed."""
    return _FAILS.search(message) is not None


SENTENCE: Final = re.compile(r"(?:[^.!?\n]|\.(?=\w)){3,400}[.!?]?")

_DID: Final = (
    r"(?:tried|restarted|rebooted|reinstalled|re-installed|reset|updated|upgraded|unplugged|cleared|replaced|reconnected|"
    r"checked|changed|turned|switched|swapped|cleaned|deleted|removed|power[- ]cycled)"
)
_DID_RU: Final = (
    r"(?:пробовал|попробовал|перезагрузил|перезагружал|перезапустил|перезапускал|переустановил|переустанавливал|обновил|"
    r"сбросил|сбрасывал|выключил|выключал|отключил|отключал|переподключил|почистил|очистил|проверил|проверял|заменил|"
    r"поменял|менял|удалил)[аи]?"
)
_DID_AF: Final = (
    r"(?:probeer|herbegin|herlaai|afgeskakel|afgesit|aangesit|herinstalleer|opgedateer|skoongemaak|vervang|nagegaan|"
    r"uitgeprop|teruggestel|ontkoppel|verwyder)"
)
STEP_TRIED: Final = (
    re.compile(rf"(?<!\w)(?:I|we)(?:['’]ve| have)?(?: (?:already|also|then|even|just|first)){{0,2}} {_DID}(?!\w)", _I),
    re.compile(rf"^\W{{0,5}}(?:(?:already|also) )?{_DID} (?!and true)", _I),
    re.compile(
        rf"(?<!\w)(?:я|мы)(?: (?:уже|также|ещё|еще|сначала|потом|затем|сам|сама|сами|всё|все)){{0,3}} {_DID_RU}(?!\w)",
        _I,
    ),
    re.compile(rf"^\W{{0,5}}(?:(?:уже|также|ещё|еще|сначала|потом|затем) ){{0,2}}{_DID_RU}(?!\w)", _I),
    re.compile(rf"(?<!\w)(?:ek|ons) het(?: (?!nie(?!\w)|nooit)[^\s]{{1,30}}){{0,6}} {_DID_AF}(?!\w)", _I),
    re.compile(rf"^\W{{0,5}}het(?: (?!nie(?!\w)|nooit)[^\s]{{1,30}}){{0,6}} {_DID_AF}(?!\w)", _I),
)

TIME_ZONE: Final = (
    re.compile(r"(?<!\w)(?:UTC|GMT) ?[+−-] ?\d{1,2}(?::?\d\d)?(?!\w|:)"),
    re.compile(r"(?<!\w)(?:SAST|MSK|МСК)(?!\w)"),
    re.compile(r"\d(?: ?[ap]m)? (?P<v>CAT|EAT|WAT|CET|CEST|EET|EEST|GMT|UTC|BST|EST|EDT|PST|PDT)(?!\w)", _I),
    re.compile(
        r"(?<!\w)(?:South African? (?:standard )?time|SA time|Moscow time|по московскому времени|по Москве|"
        r"московское время|Suid-Afrikaanse tyd|SA[- ]tyd)(?!\w)",
        _I,
    ),
)
IANA_ZONE: Final = re.compile(
    r"(?<![\w/])(?:Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific)(?:/[A-Z][A-Za-z_-]{2,30}){1,2}(?![\w/])"
)

_DAYS: Final = (
    r"(?:today|tomorrow|(?:on )?(?:mon|tues|wednes|thurs|fri|satur|sun)days?|(?:on )?weekdays|(?:at|on) (?:the )?weekends?|"
    r"сегодня|завтра|(?:в |во )?(?:понедельник|вторник|среду|четверг|пятницу|субботу|воскресенье)|(?:в |по )(?:будни|будням|выходные|выходным)|"
    r"vandag|môre|(?:op )?(?:maan|dins|woens|donder|vry|sater|son)dae?|(?:op )?weeksdae|(?:oor )?(?:die )?naweek)"
)
_PARTS: Final = (
    r"(?:(?:in the )?(?:mornings?|afternoons?|evenings?)|after (?:work|lunch)|утром|днём|днем|вечером|после (?:обеда|работы)|"
    r"в первой половине дня|во второй половине дня|(?:in )?(?:die |soggens|smiddags|saans)(?:oggend|middag|aand)?|ná (?:werk|ete))"
)
_CLOCK: Final = (
    r"\d{1,2}(?:[:.h]\d\d)?(?: ?(?:[ap]\.?m\.?|o['’]clock|часов|часа|час|ч\.|uur|vm\.?|nm\.?))?(?![\w:])"
    r"(?! ?(?:days?|weeks?|hours?|minutes?|min|times|%|дн|дней|недел|минут|раз|dae|weke|ure|minute|keer))"
)
_PREPOSITION: Final = r"(?:after|before|between|from|until|till|at|around|any ?time (?:after|before|between)|после|до|с|со|между|около|ná|na|voor|tussen|vanaf|van|tot|om|ongeveer)"
_JOIN: Final = r"(?: ?[-–] ?| (?:and|to|until|till|до|и|по|en|tot) )"
CONVENIENT_TIME: Final = re.compile(
    rf"(?<!\w)(?:(?:{_DAYS},? )?(?:{_PARTS},? )?{_PREPOSITION} {_CLOCK}(?:{_JOIN}{_CLOCK})?(?: (?:{_DAYS}|{_PARTS})(?!\w))?"
    rf"|(?:{_DAYS},? ){_CLOCK}{_JOIN}{_CLOCK}|{_DAYS},? {_PARTS}|{_PARTS}(?: {_DAYS})?|{_DAYS})(?!\w)",
    _I,
)
INVITES: Final = re.compile(
    r"(?<!\w)(?:(?:call|phone|ring|reach|contact) (?:me|us)|available|convenient|best time|suits?|(?:I am|I'm|we are) free|"
    r"(?:you can|please) (?:call|phone|come|visit)|позвоните|перезвоните|звоните|звонить|удобно|удобнее|удобное|свободен|"
    r"свободна|на связи|приезжайте|(?:bel|skakel|kontak) (?:my|ons)|beskikbaar|gerieflik|pas my|bereikbaar|(?:u|jy|julle) kan (?:bel|kom))(?!\w)",
    _I,
)
REFUSES: Final = re.compile(
    r"(?<!\w)(?:not|never|unavailable|was|were|told|said|asked|не|нельзя|был[аио]?|сказал[аи]?|nie|gesê|gevra)(?!\w)|n['’]t(?!\w)",
    _I,
)
"""Words in a sentence that speak of another time, or of somebody else's words."""

EMAIL: Final = re.compile(r"(?<![\w.+@-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?![\w@])")
_OF_A_LINK: Final = r"[^\s<>\"'«»“”()\[\]{}]"
WEB: Final = re.compile(rf"(?<![\w@./])(?:https?://|www\.){_OF_A_LINK}{{3,400}}(?!{_OF_A_LINK})", _I)

PHONE: Final = re.compile(r"(?<![\w.,+/#№:-])(?:\+|\(\+?)?\d[\d ().\u00a0-]{5,20}\d(?![\w%€$]|[.,:/-]\d)")
CALLED: Final = re.compile(
    r"(?<!\w)(?:phone|tel|telephone|mobile|cell|call|ring|whatsapp|sms|fax|number is|тел|телефон\w{0,3}|моб|звоните|"
    r"позвоните|перезвоните|номер телефона|bel|skakel|sel|selfoon|foon|telefoon)(?!\w)[^\n\d]{0,25}$",
    _I,
)
"""Before a number: it is one to call."""
NUMBERED: Final = re.compile(
    r"(?<!\w)(?:order|invoice|ref|reference|ticket|case|account|acc|serial|card|id|imei|tracking|parcel|vat|sku|"
    r"заказ\w{0,3}|сч[её]т\w{0,3}|накладн\w{1,3}|инн|карт\w{1,3}|серийн\w{1,3}|договор\w{0,3}|bestel\w{0,6}|faktuur|"
    r"rekening\w{0,10}|kaart|reeks\w{0,7}|verwysing\w{0,8})(?!\w)[^\n\d]{0,25}$|[#№] ?$",
    _I,
)
"""Before a number: it is something else's."""
DATE: Final = re.compile(r"(?:\d{4}[-./ ]\d\d?[-./ ]\d\d?|\d\d?[-./ ]\d\d?[-./ ](?:19|20)\d\d)(?!\d)")
