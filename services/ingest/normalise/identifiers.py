"""Who a customer is, in one spelling: `email:`, `tel:` (E.164) and `handle:` identifiers."""

from __future__ import annotations

import re
from typing import Final

import phonenumbers

from services.ingest.normalise.text import line

MAX_ADDRESS: Final = 320
"""Characters of a mail address: 64 before the @, 255 after it (RFC 5321, 4.5.3.1)."""

_LETTER: Final = r"[^\s<>()\[\],;:\"\\@]"
# Nothing that is longer on either side: a part of an address would be somebody else's.
_ADDRESS: Final = re.compile(rf"(?<!{_LETTER})(?<!@){_LETTER}{{1,64}}@{_LETTER}{{1,255}}(?!{_LETTER}|@)")


def mail_address(written: str | None) -> str | None:
    """The address in lower case, its domain in ASCII (IDNA); None when there is none that could be.

    A tag (`jan+shop@`) stays: only the receiving provider knows whether it is a part of the name.
    """
    found = _ADDRESS.search(written[:4096]) if written else None
    if found is None:
        return None
    local, _, domain = found[0].strip(".").lower().rpartition("@")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode()
        except UnicodeError:
            return None
    address = f"{local}@{domain}"
    return address if local and domain and len(address) <= MAX_ADDRESS and address.isprintable() else None


def phone_number(written: str | None, region: str | None = None) -> str | None:
    """The number in E.164 (`+27821234567`); None when it is none. `region` (ISO 3166) is for numbers
    without a country.
    """
    if not written or len(written) > 50:  # noqa: PLR2004 - no number is longer, in any spelling
        return None
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    # Written without a country, short codes and house numbers look like numbers of the region too.
    international = written.strip().startswith("+")
    fits = phonenumbers.is_possible_number if international else phonenumbers.is_valid_number
    if not fits(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def email(written: str | None) -> str | None:
    """`email:jan@example.com`, or None."""
    address = mail_address(written)
    return f"email:{address}" if address else None


def tel(written: str | None, region: str | None = None) -> str | None:
    """`tel:+27821234567`, or None."""
    number = phone_number(written, region)
    return f"tel:{number}" if number else None


def handle(network: str, name: str | None) -> str | None:
    """`handle:whatsapp:27821234567`, or None."""
    cleaned = line(name, 300)
    visible = cleaned and any(c.isprintable() for c in cleaned)
    return f"handle:{network}:{cleaned}" if visible else None
