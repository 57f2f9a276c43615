"""Facts out of customers' words: found where they stand, and not found where they do not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from runtime.policy_file import parse_policy
from runtime.refusal import Refusal
from schemas.codec import decode, encode
from schemas.policy import Facts
from services.ingest.doors import open_doors
from services.ingest.normalise import facts, identifiers
from tests.unit.ingest.provider_side import POLICY, chat, mail, parse, sms

ASKED = r"    facts: {order_number: 'AC\d{6}|ЗК-\d{5}', products: [LaserJet 400, 'drukker*', 'роутер*']}"
DOCUMENT = POLICY.replace("    urgency:", f"{ASKED}\n    urgency:")
DESK = parse_policy(DOCUMENT, "policy.yaml").desks["acme"]
RUSSIA = DESK.model_copy(update={"region": "RU"})
PLAIN = parse_policy(POLICY, "policy.yaml").desks["acme"]
GUARD_SECONDS = 20.0
NORMALISED = {"phone", "email"}


def found(text, desk=DESK):
    """Kind and value of all facts in `text`, after a look at where each stands."""
    pairs = []
    for fact in facts.find(desk, None, text):
        assert fact.found_in == "text"
        if fact.kind not in NORMALISED:
            assert " ".join(text[fact.start : fact.end].split()) == fact.value
        pairs.append((fact.kind, fact.value))
    return pairs


ENGLISH = """Good morning,

My LaserJet 400 shows "Paper jam: cannot feed from tray 2" and then error code 0x80070005.
I use Windows 11 Pro, firmware version 3.2.1. I already restarted it twice. We've also replaced the toner!
Order AC123456. Please call me on 082 123 4567 after 17:00 on weekdays (SAST), or write to Jan@Example.com.
The manual is at https://acme.example/manual?page=3."""
RUSSIAN = """Здравствуйте!
Роутер не работает, пишет «Не удалось подключиться к серверу», ошибка 651.
Я уже перезагрузил роутер. Потом сбросил настройки. Прошивка 5.1.2, на компьютере Windows 10.
Заказ ЗК-12345. Позвоните мне после 18:00 по московскому времени: 8 (912) 345-67-89. Почта ivan@example.ru."""
AFRIKAANS = """Goeie dag
Die drukker wys "Fout: geen papier" en foutkode E05. Ek het reeds die drukker herbegin.
Weergawe 2.10, Android 14. Bestelling AC654321.
Bel my asseblief tussen 9:00 en 11:00 môre, tel. 082 555 1234 (SA-tyd)."""


def test_english():
    """A complete request in English."""
    assert set(found(ENGLISH)) == {
        ("product", "LaserJet 400"),
        ("error", "Paper jam: cannot feed from tray 2"),
        ("error", "0x80070005"),
        ("platform", "Windows 11 Pro"),
        ("version", "3.2.1"),
        ("step_tried", "I already restarted it twice"),
        ("step_tried", "We've also replaced the toner"),
        ("order_number", "AC123456"),
        ("phone", "+27821234567"),
        ("convenient_time", "after 17:00 on weekdays"),
        ("time_zone", "SAST"),
        ("email", "jan@example.com"),
        ("web", "https://acme.example/manual?page=3"),
    }


def test_russian():
    """A complete request in Russian."""
    assert set(found(RUSSIAN, RUSSIA)) == {
        ("product", "Роутер"),
        ("error", "Не удалось подключиться к серверу"),
        ("error", "651"),
        ("step_tried", "Я уже перезагрузил роутер"),
        ("step_tried", "Потом сбросил настройки"),
        ("version", "5.1.2"),
        ("platform", "Windows 10"),
        ("order_number", "ЗК-12345"),
        ("convenient_time", "после 18:00"),
        ("time_zone", "по московскому времени"),
        ("phone", "+79123456789"),
        ("email", "ivan@example.ru"),
    }


def test_afrikaans():
    """A complete request in Afrikaans."""
    assert set(found(AFRIKAANS)) == {
        ("product", "drukker"),
        ("error", "Fout: geen papier"),
        ("error", "E05"),
        ("step_tried", "Ek het reeds die drukker herbegin"),
        ("version", "2.10"),
        ("platform", "Android 14"),
        ("order_number", "AC654321"),
        ("convenient_time", "tussen 9:00 en 11:00 môre"),
        ("phone", "+27825551234"),
        ("time_zone", "SA-tyd"),
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("iOS 17.2 on an iPhone 15 Pro Max", [("platform", "iOS 17.2"), ("platform", "iPhone 15 Pro Max")]),
        ("We all use Windows here", [("platform", "Windows")]),
        ("Стоит Яндекс Браузер 24.10", [("platform", "Яндекс Браузер 24.10")]),
        ("The app is v4.12.0-beta2.", [("version", "4.12.0-beta2")]),
        ("Chrome says ERR_CONNECTION_REFUSED", [("error", "ERR_CONNECTION_REFUSED")]),
        ("Error: disk is full", [("error", "disk is full")]),
        ("java.lang.NullPointerException: name", [("error", "NullPointerException: name")]),
        ("I am in Africa/Johannesburg", [("time_zone", "Africa/Johannesburg")]),
        ("It is 10:00 CAT here", [("time_zone", "CAT")]),
        ("my zone is UTC+03:00", [("time_zone", "UTC+03:00")]),
        ("Мне удобно завтра утром", [("convenient_time", "завтра утром")]),
        ("I am available Monday after 2pm", [("convenient_time", "Monday after 2pm")]),
        ("Ek is beskikbaar ná 14:00", [("convenient_time", "ná 14:00")]),
        ("+7 912 345-67-89", [("phone", "+79123456789")]),
        ("(011) 555-1234", [("phone", "+27115551234")]),
        ("my number is 0821234567", [("phone", "+27821234567")]),
        ("www.acme.example, thanks", [("web", "www.acme.example")]),
        ("Drukkers staan stil", [("product", "Drukkers")]),
        ("order AC123456 and AC123456", [("order_number", "AC123456")]),
    ],
)
def test_found(text, expected):
    """Each kind in the forms in which people write it."""
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The windows of our office are broken. Windows are expensive.",
        "We go on safari, then to the opera.",
        "My invoice is 0821234567 and the order number 011 555 1234",
        "Заказ 8 (912) 345-67-89",
        "On 2026-11-22 10:00 and on 21.11.2026 at 11",
        "It costs 1 299 000.00 or 12 345 678 rand",
        "0821234567",
        "082 12",
        "+99 123 456 789",
        "192.168.100.200 is its address",
        "XAC123456 AC1234567 AC12345",
        "The second version 2 days ago was better",
        "There were 3 errors, an error 5 times a day, and no more",
        'The manager told me "call us tomorrow"',
        "Should I restart it? I have not tried that. I will try. I can't reset it.",
        "Your engineer replaced the toner.",
        "Ваш мастер заменил картридж. Я не перезагружал.",
        "Ek het nog nie probeer nie. Moet ek dit herbegin?",
        "I phoned you at 10:00 yesterday. You were not available after 17:00.",
        "Dit was nie beskikbaar na 10:00 nie",
        "It broke on Monday after 2pm.",
        "My CAT sleeps. The EAT menu.",
        "Africa/Nowhere and Europe/",
        "jan@ @example.com jan@example jan@example.1 a@b@c.example",
        "http:// https://x www. http://[::1 https://localhost/x",
        "LaserJet 4000 and mylaserjet 400",
        "https://acme.example/" + "a" * 500,
        'There is no error. My son calls it "the box"',
    ],
)
def test_not_found(text):
    """What only looks like a fact is none."""
    assert found(text) == []


def test_without_a_pattern():
    """A desk that names no pattern and no products gets none found."""
    assert {kind for kind, _ in found(ENGLISH, PLAIN)} & {"order_number", "product"} == set()


def test_a_group_is_the_number():
    """Where the desk's pattern has a group, that is the number."""
    desk = DESK.model_copy(update={"facts": Facts(order_number=r"(?i)order (?:no\. )?#?(\d{5,8})")})
    assert found("See Order no. #471147 of 4711478 rand", desk) == [("order_number", "471147")]


def test_subject_and_signature():
    """The subject counts as well, and of a signature the ways to reach the customer; the same thing once."""
    full = "It is broken, AC123456.\n\nJan Botha\nTel. 082 123 4567\n\nOn Sat, 21 Nov 2026 at 10:00, A <a@b.example> wrote:\n> 011 555 1234"
    text = "It is broken, AC123456."
    result = facts.find(DESK, "AC123456: Windows 11", text, full)
    assert [(f.kind, f.value, f.found_in) for f in result] == [
        ("order_number", "AC123456", "text"),
        ("platform", "Windows 11", "subject"),
        ("phone", "+27821234567", "full_text"),
    ]
    assert full[result[2].start : result[2].end] == "082 123 4567"


def test_a_quotation_is_no_signature():
    """What somebody else wrote tells nothing about the customer, in whatever language it is introduced."""
    full = "Nie działa.\n\nJan\nTel. 082 123 4567\n\nW dniu 21.11.2026 o 10:00 Acme <help@acme.example> napisał:\n\nTel. 011 555 1234"
    result = facts.find(DESK, None, "Nie działa.", full)
    assert [(f.kind, f.value) for f in result] == [("phone", "+27821234567")]


@pytest.mark.parametrize(
    "pattern", [r"(?=a)b", r"(a)\1", r"\d*", "", "(", "a" * 201, r"(?:a{1000}){1000}", r"(?<!x)\d+"]
)
def test_patterns_that_are_refused(pattern):
    """A pattern that could take long, or that fits nothing at all, is refused with the policy."""
    with pytest.raises(ValidationError):
        Facts(order_number=pattern)


def test_a_pattern_that_only_the_search_refuses(monkeypatch):
    """So is one that is not known to the engine that searches, before the first message."""
    for name in ("TEST_MIME", "TEST_STANDARD", "TEST_TWILIO", "TEST_WHATSAPP", "TEST_SECOND"):
        monkeypatch.setenv(name, "whsec_dGhlIG1haWwgc2VydmVyJ3Mgc2VjcmV0")
    bad = POLICY.replace("    urgency:", "    facts: {order_number: 'a{1001}'}" + "\n    urgency:")
    with pytest.raises(Refusal, match="order_number"):
        open_doors(parse_policy(bad, "policy.yaml"))


def test_every_way_in():
    """Facts are in the event, whatever the provider, and survive Kafka."""
    text = "Windows 11 shows error 0x80070005"
    for provider, body in (("standard", chat(text=text)), ("mime", mail(text)), ("twilio", sms(text))):
        (event,) = parse(provider, body)
        assert [(fact.kind, fact.value) for fact in event.facts] == [
            ("platform", "Windows 11"),
            ("error", "0x80070005"),
        ]
        record = encode(event, event.message_id, "/switchboard/ingest")
        assert decode(record.value, record.headers).event == event


def test_a_machines_mail():
    """What a machine writes is no customer's request."""
    (event,) = parse("mime", mail("Windows 11 shows error 0x80070005", Auto_Submitted="auto-generated"))
    assert event.facts == ()


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.text(max_size=20)
        | st.sampled_from(
            [*ENGLISH.split(), *RUSSIAN.split(), *AFRIKAANS.split(), "\n", "«", "»", '"', "😀", "\u0130"]
        ),
        max_size=60,
    ),
    st.sampled_from(["", " ", "\n"]),
)
def test_spans(pieces, between):
    """Whatever the text, each fact stands where it says that it does."""
    text = between.join(pieces)
    fields = {"subject": text[::-1], "text": text, "full_text": f"{text}\n\nJan, {between.join(reversed(pieces))}"}
    for fact in facts.find(DESK, fields["subject"], text, fields["full_text"]):
        written = fields[fact.found_in][fact.start : fact.end]
        assert 0 <= fact.start < fact.end <= len(fields[fact.found_in])
        if fact.kind == "phone":
            assert identifiers.phone_number(" ".join(written.split()), "ZA") == fact.value
        elif fact.kind == "email":
            assert identifiers.mail_address(written) == fact.value
        else:
            assert " ".join(written.split()) == fact.value


HOSTILE = {
    "digits": "1" * 80_000,
    "digits apart": "1 " * 40_000,
    "plus signs": "+1 (2" * 16_000,
    "numbers": "082 123 4567 " * 6_150,
    "at signs": "a@" * 40_000,
    "dots": "a." * 40_000,
    "an address that never ends": "a@" + "b." * 40_000,
    "hyphens": "-" * 80_000,
    "one word": "a" * 80_000,
    "capitals": "A" * 80_000,
    "quotes": '"error ' * 11_400,
    "quotes that never close": "error “" * 11_400,
    "errors": "Error: " * 11_400,
    "error words": "error " * 13_300,
    "versions": "version v1." * 7_200,
    "version dots": "v" + "1." * 40_000,
    "steps": "I have already tried " * 3_800,
    "steps in Afrikaans": "ek het a b c d e f g " * 3_800,
    "steps in Russian": "я уже также ещё " * 5_000,
    "times": "call me after 5 and on monday between " * 2_100,
    "times in one sentence": "please call me " + "after 5 - " * 8_000,
    "zones": "Africa/Aaaa/" * 6_600,
    "links": "http://" * 11_400,
    "one long link": "http://a." + "b" * 80_000,
    "platforms": "Windows 10 iPhone " * 4_400,
    "orders": "AC12345" * 11_400,
    "products": "LaserJet 40" * 7_200,
    "spaces": " " * 80_000,
    "line ends": "\n" * 80_000,
    "errors in camel case": "aError" * 13_300,
    "half a camel": "AaErro" * 13_300,
    "semicolons": "a;" * 40_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile(text):
    """80,000 characters made to take long take no time worth speaking of."""
    began = time.process_time()
    facts.find(DESK, text[:1000], text[:80_000], text[:80_000])
    assert time.process_time() - began < GUARD_SECONDS


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"a+b|a", r"(?:a|a)*b", r"[ab]*a[ab]{12}"])
def test_a_hostile_pattern(pattern):
    """Nor does a desk's own pattern, where another engine would never come back."""
    desk = DESK.model_copy(update={"facts": Facts.model_construct(order_number=pattern)})
    began = time.process_time()
    facts.find(desk, None, "a" * 80_000)
    assert time.process_time() - began < GUARD_SECONDS
