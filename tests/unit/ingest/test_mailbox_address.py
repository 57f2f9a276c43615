"""How a mailbox is written in a secret."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.mailbox import Address
from services.ingest.providers import registry


def test_everything_that_can_be_said():
    """Escaped names, port, folders, day; the password is never shown."""
    url = "imaps://help%40acme.example:p%2Fw%3A1@mail.example:1993/Support/In%20box?since=2026-11-22&taken=Done&refused=Odd"
    address = Address.read(url)
    assert address == Address(
        "mail.example",
        1993,
        True,
        False,
        "help@acme.example",
        "p/w:1",
        "Support/In box",
        "Done",
        "Odd",
        date(2026, 11, 22),
    )
    assert "p/w" not in repr(address)


def test_what_is_left_out():
    """The usual ports and folders; STARTTLS only where it is asked for."""
    assert Address.read("imaps://u:p@h") == Address("h", 993, True, False, "u", "p")
    assert Address.read("imap://u:p@h/?starttls=true") == Address("h", 143, False, True, "u", "p")


@pytest.mark.parametrize(
    "wrong",
    [
        "", "http://u:p@h", "imaps://h/INBOX", "imaps://u@h", "imaps://u:p@", "imaps://u:p@h:port/", "imaps://u:p@h?x=1",
        "imaps://u:p@h?since=yesterday", "imap://u:p@h?starttls=yes", "imaps://[u:p@h",
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_at_start(wrong):
    """The expected form is told, and nothing of what was given: there may be a password in it."""
    with pytest.raises(ValueError, match="imaps://user:password@host"):
        registry()["email", "imap"].check_secret(wrong)


@given(st.text())
def test_any_text_is_a_mailbox_or_refused(text):
    """No other way out."""
    try:
        Address.read(f"imaps://{text}")
    except ValueError as error:
        assert "a mailbox is written" in str(error)  # noqa: PT017 - not every text is refused
