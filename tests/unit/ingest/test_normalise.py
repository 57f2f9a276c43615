"""From what providers send to what a message holds."""

from __future__ import annotations

import pytest

from services.ingest.normalise import charset, html, identifiers, language, reference, reply
from services.ingest.normalise.text import CUT, MAX_SUBJECT, clean, line

SPOKEN = ("en", "ru", "af")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a\r\nb\rc\n\n\n\n d ", "a\nb\nc\n\n d"),
        ("a\x00b\x07c\ufeff", "abc"),
        ("lone \ud800 surrogate", "lone ? surrogate"),
        ("\u201equoted\u201c \ufb01ne", "\u201equoted\u201c \ufb01ne"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет"),
        ("", ""),
    ],
)
def test_clean(raw, expected):
    """Text loses what is no character, keeps what the customer wrote, and mojibake is repaired."""
    assert clean(raw) == expected


def test_cut():
    """What is too long is cut, and says so."""
    assert clean("x" * 100, 20) == "x" * 16 + CUT
    assert len(clean("ÐŸ" * 100, 20)) <= 20


def test_line():
    """A subject or a name is one line, or nothing."""
    assert line("a\r\nBcc: b\tc ", MAX_SUBJECT) == "a Bcc: b c"
    assert line(" \r\n\x00") is None
    assert len(line("x" * 9999, MAX_SUBJECT)) == MAX_SUBJECT


@pytest.mark.parametrize(
    ("data", "declared", "expected"),
    [
        ("Не работает".encode("koi8-r"), "koi8-r", "Не работает"),
        ("Не работает".encode(), None, "Не работает"),
        ("Не работает".encode(), "us-ascii", "Не работает"),
        ("Не работает принтер, помогите пожалуйста".encode("cp1251"), None, "Не работает принтер, помогите пожалуйста"),
        (
            "Не работает принтер, помогите пожалуйста".encode("cp1251"),
            "klingon",
            "Не работает принтер, помогите пожалуйста",
        ),
        ("“quoted”".encode("cp1252"), "iso-8859-1", "“quoted”"),
        (b"x", "zlib", "x"),
        (b"+AGE-", "utf-7", "+AGE-"),
        (b"x", "\x00", "x"),
        (b"", "utf-8", ""),
    ],
)
def test_charset(data, declared, expected):
    """A charset that is missing, misnamed or wrong does not cost the customer's words."""
    assert charset.decode(data, declared) == expected


def test_html():
    """Lines stay lines; what a reader does not see is not there."""
    page = "<head><title>t</title><style>p{}</style></head><p>One<br>two &amp; three</p><script>x()</script>"
    assert html.to_text(page) == "One\ntwo & three"
    assert html.to_text("") == ""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Jan@Example.COM", "jan@example.com"),
        (" <jan+shop@example.com> ", "jan+shop@example.com"),
        ("jan@пример.рф", "jan@xn--e1afmkfd.xn--p1ai"),
        ("jan", None),
        ("jan@", None),
        ("", None),
        (None, None),
        ("jan@ex\r\nBcc: x@y.z", "jan@ex"),
        ("jan@" + "a" * 300, None),
        ("jan@\ud800", None),
    ],
)
def test_mail_address(written, expected):
    """Addresses are lower-case, with their domain in ASCII; a tag stays."""
    assert identifiers.mail_address(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("082 123 4567", "+27821234567"),
        ("+27 (82) 123-4567", "+27821234567"),
        ("0027821234567", "+27821234567"),
        ("+7 912 345-67-89", "+79123456789"),
        ("12", None),
        ("call me", None),
        ("9" * 60, None),
        (None, None),
    ],
)
def test_phone_number(written, expected):
    """Numbers are in E.164, with the desk's country where they have none."""
    assert identifiers.phone_number(written, "ZA") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("My printer does not work", "en"),
        ("printer broken", "en"),
        ("Не работает принтер", "ru"),
        ("My printer werk nie", "af"),
        ("Ek het reeds twee keer gebel. Wanneer kom iemand?", "af"),
        ("Goeie dag, my rekening is verkeerd", "af"),
        ("Guten Tag, mein Drucker geht nicht", "de"),
        ("Добрий день, де моє замовлення?", "uk"),
        ("12345 !!!", None),
        ("", None),
        ("Hi", None),
        ("https://example.com/hello/world jan@example.com", None),
    ],
)
def test_language(text, expected):
    """The desk's languages are favoured, others are still told, and too little text tells nothing."""
    assert language.detect(text, SPOKEN) == expected


def test_language_of_a_dutch_desk():
    """Where Dutch is spoken, Dutch is Dutch."""
    assert language.detect("Mijn printer werkt niet meer", ("nl", "en")) == "nl"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("Re: AC-7K3Q9XM",), "AC-7K3Q9XM"),
        ((None, "see [ac-7k3q9xm]."), "AC-7K3Q9XM"),
        (("AC-111111", "AC-222222"), "AC-111111"),
        (("MAC-7K3Q9XM", "AC-7K3Q9XMTOOLONG", "AC-7K"), None),
        ((), None),
    ],
)
def test_reference(texts, expected):
    """Our own reference, in its own spelling, from the surest place."""
    assert reference.find("AC", *texts) == expected


NEW = "Line one.\n\nLine two."
ENGLISH = "On Sat, 21 Nov 2026 at 10:00, Acme Support <support@acme.example> wrote:"
RUSSIAN = "сб, 21 нояб. 2026 г. в 10:00, Acme Support <support@acme.example>:"
YANDEX = '21.11.2026, 10:00, "Acme" <support@acme.example>:'
MAIL_RU = "Суббота, 21 ноября 2026, 10:00 +03:00 от Acme <support@acme.example>:"
ANDROID = '21.11.2026 10:00 пользователь "support@acme.example" <\nsupport@acme.example> написал:'
AFRIKAANS = "Op Sa. 21 Nov. 2026 om 10:00 het Acme Support <support@acme.example> geskryf:"


@pytest.mark.parametrize("head", [ENGLISH, RUSSIAN, YANDEX, MAIL_RU, ANDROID, AFRIKAANS])
def test_quotation(head):
    """What stands above a quotation is the reply, in the words of each mail program."""
    assert reply.latest(f"{NEW}\n\n{head}\n\n> How are you?\n> Still broken?") == NEW


@pytest.mark.parametrize(
    "head",
    [
        "From: Acme\nSent: Saturday\nTo: Jan\nSubject: Printer",
        "От: Acme\nОтправлено: суббота\nКому: Jan\nТема: Принтер",
        "Van: Acme\nGestuur: Saterdag\nAan: Jan\nOnderwerp: Drukker",
        "-----Original Message-----\nFrom: Acme",
        "-------- Пересылаемое сообщение --------\nОт: Acme",
    ],
)
def test_outlook(head):
    """A quoted mail without marks ends the reply as well."""
    assert reply.latest(f"{NEW}\n\n{head}\n\nHow are you?") == NEW


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nJan Botha\nTel. 082",
        "Best regards,\nJan",
        "С уважением,\nИван",
        "Vriendelike groete\nJan",
        "Sent from my iPhone",
        "Отправлено с моего iPhone",
        "Gestuur vanaf my iPhone",
    ],
)
def test_signature(signature):
    """How a letter ends is no part of what it says."""
    assert reply.latest(f"{NEW}\n\n{signature}") == NEW


def test_answers_below_the_quotation():
    """Those who answer below what they quote are heard as well."""
    assert reply.latest(f"{ENGLISH}\n> Still broken?\n\nYes, it is.") == "Yes, it is."


def test_answers_between_the_lines():
    """So are those who answer between the lines."""
    assert reply.latest("> Is it on?\nYes.\n> Is it plugged in?\nNo.") == "Yes.\nNo."


@pytest.mark.parametrize(
    "text", ["> only\n> quoted", f"{ENGLISH}\n> only quoted", "-- \nonly a signature", "", "- one\n- two"]
)
def test_nothing_is_left_empty(text):
    """When there would be nothing left, all of it counts."""
    assert reply.latest(text) == text
