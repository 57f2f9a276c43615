"""Replies as mail programs of our day write them, in English, Russian and Afrikaans; written for the tests."""

from __future__ import annotations

WRITTEN = {
    "en": "The printer still does not work.\n\nIt says E05, see order 4711.",
    "ru": "Принтер всё ещё не работает.\n\nПишет E05, заказ 4711.",
    "af": "Die drukker werk nog steeds nie.\n\nDit sê E05, bestelling 4711.",
}
"""What the customer wrote this time."""

WHO = "Acme Support <support@acme.example>"
QUOTED = "> Good morning,\n>\n> Is it plugged in?\n>\n> Best regards,\n> Acme"
BARE = "Good morning,\n\nIs it plugged in?\n\nBest regards,\nAcme"
LINE = "________________________________"

TEXTS: dict[tuple[str, str], str] = {
    # What stands between the reply and the end of the mail.
    ("en", "Gmail web"): f"On Sat, 21 Nov 2026 at 10:00, {WHO} wrote:\n\n{QUOTED}",
    (
        "en",
        "Gmail web, broken line",
    ): f"On Sat, 21 Nov 2026 at 10:00, Acme Support <\nsupport@acme.example> wrote:\n\n{QUOTED}",
    ("en", "Gmail Android"): f"On Sat, 21 Nov 2026, 10:00 Acme Support, <support@acme.example> wrote:\n\n{QUOTED}",
    ("en", "Gmail iOS"): f"On Sat, Nov 21, 2026 at 10:00\u202fAM {WHO} wrote:\n\n{QUOTED}",
    (
        "en",
        "Outlook desktop",
    ): f"From: {WHO}\nSent: Saturday, 21 November 2026 10:00\nTo: Jan <jan@example.com>\nSubject: RE: Printer\n\n{BARE}",
    (
        "en",
        "Outlook web",
    ): f"{LINE}\nFrom: {WHO}\nSent: Saturday, November 21, 2026 10:00 AM\nTo: Jan\nSubject: Printer\n\n{BARE}",
    (
        "en",
        "Outlook mobile",
    ): f"Get Outlook for iOS<https://aka.ms/o0ukef>\n{LINE}\nFrom: {WHO}\nSent: Saturday, November 21, 2026 10:00:00 AM\nTo: Jan\nSubject: Printer\n\n{BARE}",
    ("en", "Apple Mail"): f"> On 21 Nov 2026, at 10:00, {WHO} wrote:\n> \n{QUOTED}",
    ("en", "Apple Mail iOS"): f"Sent from my iPhone\n\n> On 21 Nov 2026, at 10:00, {WHO} wrote:\n> \n> \ufeff{QUOTED}",
    ("en", "Thunderbird"): f"On 2026/11/21 10:00, Acme Support wrote:\n{QUOTED}",
    ("en", "Yahoo"): f"    On Saturday, November 21, 2026 at 10:00:00 AM GMT+2, {WHO} wrote:  \n \n {BARE}",
    (
        "en",
        "Samsung",
    ): f"Sent from my Galaxy\n\n-------- Original message --------\nFrom: {WHO}\nDate: 2026/11/21 10:00 (GMT+02:00)\nTo: jan@example.com\nSubject: Printer\n\n{BARE}",
    (
        "en",
        "Proton",
    ): f"Sent with [Proton Mail](https://proton.me/) secure email.\n\nOn Saturday, November 21st, 2026 at 10:00 AM, {WHO} wrote:\n\n{QUOTED}",
    ("en", "Roundcube"): f"On 2026-11-21 10:00, Acme Support wrote:\n{QUOTED}",
    (
        "en",
        "eM Client",
    ): f'------ Original Message ------\nFrom: "Acme Support" <support@acme.example>\nTo: jan@example.com\nSent: 2026/11/21 10:00:00\nSubject: Printer\n\n{QUOTED}',
    ("en", "Zoho"): f"---- On Sat, 21 Nov 2026 10:00:00 +0200 {WHO} wrote ----\n\n{BARE}",
    ("ru", "Gmail web"): f"сб, 21 нояб. 2026\u202fг. в 10:00, {WHO}:\n\n{QUOTED}",
    (
        "ru",
        "Gmail web, broken line",
    ): f"сб, 21 нояб. 2026 г. в 10:00, Acme Support <\nsupport@acme.example>:\n\n{QUOTED}",
    ("ru", "Gmail, older"): f"21 ноября 2026 г., 10:00 пользователь {WHO} написал:\n\n{QUOTED}",
    ("ru", "Gmail Android"): f"сб, 21 нояб. 2026 г., 10:00 {WHO}:\n\n{QUOTED}",
    ("ru", "Gmail iOS"): f"сб, 21 нояб. 2026 г. в 10:00, {WHO}:\n\n{QUOTED}",
    (
        "ru",
        "Outlook desktop",
    ): f"From: {WHO}\nSent: Saturday, November 21, 2026 10:00 AM\nTo: Иван\nSubject: Принтер\n\n{BARE}",
    (
        "ru",
        "Outlook desktop, all Russian",
    ): f"От: {WHO}\nОтправлено: 21 ноября 2026 г. 10:00\nКому: Иван <ivan@example.com>\nТема: RE: Принтер\n\n{BARE}",
    (
        "ru",
        "Outlook web",
    ): f"{LINE}\nОт: {WHO}\nОтправлено: 21 ноября 2026 г. 10:00:00\nКому: Иван\nТема: Принтер\n\n{BARE}",
    (
        "ru",
        "Outlook mobile",
    ): f"Получить Outlook для Android<https://aka.ms/AAb9ysg>\n{LINE}\nОт: {WHO}\nОтправлено: суббота, 21 ноября 2026 г. 10:00:00\nКому: Иван\nТема: Принтер\n\n{BARE}",
    ("ru", "Apple Mail"): f"> 21 нояб. 2026 г., в 10:00, {WHO} написал(а):\n> \n{QUOTED}",
    ("ru", "Apple Mail iOS"): f"Отправлено с iPhone\n\n> 21 нояб. 2026 г., в 10:00, {WHO} написал(а):\n> \n{QUOTED}",
    ("ru", "Thunderbird"): f"21.11.2026 10:00, Acme Support пишет:\n{QUOTED}",
    ("ru", "Yahoo"): f"    суббота, 21 ноября 2026 г. в 10:00:00 GMT+3, {WHO} написал(а):  \n \n {BARE}",
    ("ru", "Yahoo, older"): f"В суббота, 21 ноября 2026 г. в 10:00:00 GMT+3 пользователь {WHO} написал:\n\n{BARE}",
    (
        "ru",
        "Samsung",
    ): f"Отправлено с моего Galaxy\n\n-------- Исходное сообщение --------\nОт: {WHO}\nДата: 21.11.2026 10:00 (GMT+03:00)\nКому: ivan@example.com\nТема: Принтер\n\n{BARE}",
    ("ru", "Yandex"): f'21.11.2026, 10:00, "Acme Support" <support@acme.example>:\n\n{QUOTED}',
    (
        "ru",
        "Yandex, forwarded below",
    ): f"-------- Пересылаемое сообщение --------\n21.11.2026, 10:00, {WHO}:\n\n{BARE}\n\n-------- Конец пересылаемого сообщения --------",
    (
        "ru",
        "Yandex mobile",
    ): f'-- \nОтправлено из мобильного приложения Яндекс Почты\n\n21.11.2026, 10:00, "Acme" <support@acme.example>:\n\n{BARE}',
    ("ru", "Mail.ru"): f"Суббота, 21 ноября 2026, 10:00 +03:00 от {WHO}:\n\n{QUOTED}",
    (
        "ru",
        "Mail.ru mobile",
    ): f"--\nОтправлено из Почты Mail.ru для Android\n\nсуббота, 21 ноября 2026г., 10:00 +03:00 от Acme support@acme.example:\n\n{QUOTED}",
    ("ru", "Roundcube"): f"Acme Support писал(а) 2026-11-21 10:00:\n{QUOTED}",
    ("ru", "The Bat"): f"Вы писали 21 ноября 2026 г., 10:00:14:\n\n{QUOTED}",
    (
        "ru",
        "KMail",
    ): f"В письме от суббота, 21 ноября 2026 г. 10:00:00 MSK пользователь Acme Support написал:\n{QUOTED}",
    (
        "ru",
        "eM Client",
    ): f'------ Исходное сообщение ------\nОт: "Acme Support" <support@acme.example>\nКому: ivan@example.com\nДата: 21.11.2026 10:00:00\nТема: Принтер\n\n{QUOTED}',
    ("ru", "Zoho"): f"---- Включено Сб, 21 нояб. 2026 10:00:00 +0300 {WHO} написал ----\n\n{BARE}",
    ("af", "Gmail web"): f"Op Sa. 21 Nov. 2026 om 10:00 het {WHO} geskryf:\n\n{QUOTED}",
    (
        "af",
        "Gmail web, broken line",
    ): f"Op Sa. 21 Nov. 2026 om 10:00 het Acme Support <\nsupport@acme.example> geskryf:\n\n{QUOTED}",
    ("af", "Gmail Android"): f"Op Sa. 21 Nov. 2026, 10:00 het {WHO} geskryf:\n\n{QUOTED}",
    ("af", "Gmail iOS"): f"Op Sa. 21 Nov. 2026 om 10:00 het {WHO} geskryf:\n\n{QUOTED}",
    (
        "af",
        "Outlook desktop",
    ): f"Van: {WHO}\nGestuur: Saterdag, 21 November 2026 10:00\nAan: Jan <jan@example.com>\nOnderwerp: RE: Drukker\n\n{BARE}",
    (
        "af",
        "Outlook web",
    ): f"{LINE}\nVan: {WHO}\nGestuur: Saterdag, 21 November 2026 10:00\nAan: Jan\nOnderwerp: Drukker\n\n{BARE}",
    (
        "af",
        "Outlook mobile",
    ): f"Kry Outlook vir Android<https://aka.ms/AAb9ysg>\n{LINE}\nVan: {WHO}\nGestuur: Saterdag, 21 November 2026 10:00:00\nAan: Jan\nOnderwerp: Drukker\n\n{BARE}",
    ("af", "Apple Mail, which speaks English"): f"> On 21 Nov 2026, at 10:00, {WHO} wrote:\n> \n{QUOTED}",
    ("af", "Apple Mail iOS"): f"Gestuur vanaf my iPhone\n\n> On 21 Nov 2026, at 10:00, {WHO} wrote:\n> \n{QUOTED}",
    ("af", "Thunderbird"): f"Op 2026/11/21 10:00 het Acme Support geskryf:\n{QUOTED}",
    (
        "af",
        "Yahoo, which speaks English",
    ): f"    On Saturday, November 21, 2026 at 10:00:00 AM GMT+2, {WHO} wrote:  \n \n {BARE}",
    (
        "af",
        "Samsung",
    ): f"Gestuur vanaf my Galaxy\n\n-------- Oorspronklike boodskap --------\nVan: {WHO}\nDatum: 2026/11/21 10:00 (GMT+02:00)\nAan: jan@example.com\nOnderwerp: Drukker\n\n{BARE}",
    ("af", "Roundcube"): f"Op 2026-11-21 10:00, Acme Support skryf:\n{QUOTED}",
    (
        "af",
        "eM Client",
    ): f"------ Oorspronklike boodskap ------\nVan: {WHO}\nAan: jan@example.com\nDatum: 2026/11/21 10:00:00\nOnderwerp: Drukker\n\n{QUOTED}",
}
"""Language and mail program, to what it puts below the reply."""

_OLD = "<div>Good morning,</div><div>Is it plugged in?</div><div>Best regards,<br>Acme</div>"
_WHO = 'Acme Support &lt;<a href="mailto:support@acme.example">support@acme.example</a>&gt;'

PAGES: dict[str, str] = {
    # `{new}` is the reply, `{head}` what the program writes above a quotation.
    "Gmail": '<div dir="ltr">{new}</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">{head}<br></div><blockquote class="gmail_quote" style="margin:0 0 0 .8ex">'
    + _OLD
    + "</blockquote></div>",
    "Gmail, answer below": '<div class="gmail_quote"><div class="gmail_attr">{head}<br></div><blockquote class="gmail_quote">'
    + _OLD
    + "</blockquote></div><div>{new}</div>",
    "Outlook desktop": "<div class=WordSection1><p class=MsoNormal>{new}</p><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal><b>{from_}:</b> "
    + _WHO
    + "</p></div>"
    + _OLD
    + "</div>",
    "Outlook web": '<div class="elementToProof">{new}</div><div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr"><b>{from_}:</b> '
    + _WHO
    + "</div>"
    + _OLD,
    "Outlook mobile": '<div dir="ltr">{new}</div><div id="ms-outlook-mobile-body-separator-line"><br></div><div id="mail-editor-reference-message-container"><div><b>{from_}:</b> '
    + _WHO
    + "</div>"
    + _OLD
    + "</div>",
    "Outlook Express": '<div>{new}</div><div class="OutlookMessageHeader"><b>{from_}:</b> ' + _WHO + "</div>" + _OLD,
    "Apple Mail": '<div>{new}</div><br><div><blockquote type="cite"><div>{head}</div><br>'
    + _OLD
    + "</blockquote></div>",
    "Thunderbird": '<p>{new}</p><div class="moz-cite-prefix">{head}<br></div><blockquote type="cite" cite="mid:x@y.example">'
    + _OLD
    + "</blockquote>",
    "Yahoo": '<div class="ydp1"><div dir="ltr">{new}</div></div><div id="ydp2yahoo_quoted" class="yahoo_quoted"><div>{head}</div><div>'
    + _OLD
    + "</div></div>",
    "Yandex": "<div>{new}</div><div>&nbsp;</div><div>21.11.2026, 10:00, &quot;Acme&quot; &lt;support@acme.example&gt;:</div><blockquote>"
    + _OLD
    + "</blockquote>",
    "Mail.ru": "<div>{new}</div><br>Суббота, 21 ноября 2026, 10:00 +03:00 от Acme &lt;support@acme.example&gt;:<br><blockquote style='border-left:1px solid'>"
    + _OLD
    + "</blockquote>",
    "Proton": '<div>{new}</div><div class="protonmail_quote">{head}<br><blockquote class="protonmail_quote" type="cite">'
    + _OLD
    + "</blockquote></div>",
    "Zoho": '<div>{new}</div><div class="zmail_extra"><div>{head}</div><div>' + _OLD + "</div></div>",
}
"""Mail program to its HTML."""

HEADS = {
    "en": (f"On Sat, 21 Nov 2026 at 10:00, {_WHO} wrote:", "From"),
    "ru": (f"сб, 21 нояб. 2026 г. в 10:00, {_WHO}:", "От"),
    "af": (f"Op Sa. 21 Nov. 2026 om 10:00 het {_WHO} geskryf:", "Van"),
}
