"""What the customer wrote this time, out of the replies of every common mail program."""

from __future__ import annotations

import pytest

from services.ingest.normalise import html, reply
from services.ingest.normalise.mail import Mail
from tests.unit.ingest.mail_programs import HEADS, PAGES, TEXTS, WRITTEN


def fold(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("language", "program"), TEXTS, ids=" ".join)
def test_plain(language, program):
    """Of a plain mail the reply is left, whatever the mail program writes below it and in which language."""
    assert reply.latest(f"{WRITTEN[language]}\n\n{TEXTS[language, program]}") == WRITTEN[language]


@pytest.mark.parametrize("language", HEADS)
@pytest.mark.parametrize("program", PAGES)
def test_html(language, program):
    """So it is of an HTML mail, by the elements in which mail programs put what they quote."""
    head, from_ = HEADS[language]
    page = PAGES[program].format(new=WRITTEN[language].replace("\n", "<br>"), head=head, from_=from_)
    mail = Mail.read(b"From: jan@example.com\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page.encode())
    full, new = mail.texts()
    assert fold(new) == fold(WRITTEN[language])
    assert "plugged in" in full


def test_a_bare_forward_is_kept():
    """Where all is quoted, all of it is what the customer sent."""
    page = '<div class="gmail_quote">---------- Forwarded message ---------<br>From: x<br><p>Look at this</p></div>'
    mail = Mail.read(b"From: jan@example.com\r\nContent-Type: text/html\r\n\r\n" + page.encode())
    assert "Look at this" in mail.texts()[1]


def test_answers_between_quotations():
    """What stands between two quotations in HTML is the customer's."""
    page = (
        '<div class="gmail_quote"><div class="gmail_attr">On Sat Jan wrote:</div><blockquote class="gmail_quote">Is it on?'
        '</blockquote><div>Yes.</div><blockquote class="gmail_quote">Plugged in?</blockquote><div>No.</div></div>'
    )
    assert fold(reply.new_part(html.to_texts(page)[1])) == "Yes. No."


def test_a_customers_own_blockquote_is_kept():
    """A blockquote that nobody introduces as somebody else's words is what the customer shows us."""
    page = "<p>The screen shows</p><blockquote>Paper jam in tray 2</blockquote><p>What now?</p>"
    assert html.to_texts(page)[0] == html.to_texts(page)[1]


@pytest.mark.parametrize(
    "text",
    [
        "Hello,\n\nThanks, but it still fails with the same error.\n\nWhat else can I try, and who can come to look at it?",
        "Dear Acme,\nBest regards to the one who answered. But the printer, which you know, is still broken today, and I wait.\nWhen?",
        "Здравствуйте!\n\nЗаранее спасибо за быстрый ответ, но принтер так и не печатает, и это уже третий раз.\n\nКогда приедете?",
        "Hallo,\n\nBaie dankie,\nmaar dit werk nog nie.",
        "Please fill in:\nName:\n\nJan Botha",
        "My steps:\n---\n1. restart\n2. reset",
        "From: the shop I got an answer.\nIt was no help.",
        "On Monday I wrote: it is broken.\nToday it is still broken.",
        "Van: ek weet nie.",
    ],
)
def test_a_text_that_has_not_ended(text):
    """Words that could begin a signature or a quotation, and here do not, cost nothing of the text."""
    assert reply.latest(text, "Jan Botha") == text


@pytest.mark.parametrize(
    ("author", "signature"),
    [
        ("Jan Botha", "Jan Botha\nAcme (Pty) Ltd\n+27 82 123 4567"),
        ("Jan Botha", "- Jan"),
        ("jan.botha@example.com", "Jan Botha, B.Com.\nwww.example.com"),
        ("Иван Петров", "Иван Петров\nтел. +7 912 345-67-89"),
        (None, "-----------\nHead office\nTel. 011 555 1234"),
        (None, "Met vriendelike groete,\nJan Botha"),
        (None, "С уважением, Иван"),
    ],
)
def test_a_signature_with_the_senders_name(author, signature):
    """The sender's own name on a line of its own ends the text, as does a rule above contact data."""
    assert (
        reply.latest(f"It does not print.\n\nPlease help.\n\n{signature}", author)
        == "It does not print.\n\nPlease help."
    )
