"""What an agent would otherwise have to ask for, found where the customer has written it.

Nothing is inferred: a fact is a stretch of the message, and says which. Where a reading is in doubt (a number that
could be an order's or a telephone's, a "Windows" that could be made of glass) there is no fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import phonenumbers
import re2

from schemas.messages import ContactEnded, Fact, FactKind, MessageReceived
from schemas.policy import DeskPolicy
from services.ingest.normalise import fact_words as words
from services.ingest.normalise import identifiers, reply

MOST_OF_A_KIND: Final = 10
"""Facts of one kind in one field; a message with more is a list, and is read as one."""
MOST_CANDIDATES: Final = 100
"""Stretches of one kind that are looked at closely, in one field."""
MOST_MATCHES: Final = 1000
"""Of a desk's own pattern: each may read to the end of the text before it is found."""
MAX_VALUE: Final = 500
LONGEST_ENDING: Final = 20
"""Letters that a trailing `*` in the policy takes."""
BEFORE: Final = 40
"""Characters before a number that say whose it is."""

Field = Literal["subject", "text", "full_text"]
Found = tuple[int, int, str]
"""Start, end and value."""
Finder = Callable[[str, DeskPolicy], Iterable[Found]]


def complete(
    events: Sequence[MessageReceived | ContactEnded], policy: DeskPolicy
) -> Sequence[MessageReceived | ContactEnded]:
    """The events with the facts that are in their words. A machine's mail is left as it is."""
    return [
        event.model_copy(update={"facts": found})
        if isinstance(event, MessageReceived)
        and event.automatic is None
        and (found := find(policy, event.subject, event.text, event.full_text))
        else event
        for event in events
    ]


def find(policy: DeskPolicy, subject: str | None, text: str, full_text: str | None = None) -> tuple[Fact, ...]:
    """The facts in subject and text, and in a signature the ways to reach the customer. Of a kind and value the
    first counts. Ends in time that grows with the length of the texts alone.
    """
    facts: dict[tuple[FactKind, str], Fact] = {}
    fields: tuple[tuple[Field, str | None], ...] = (("text", text), ("subject", subject))
    for field, written in fields:
        for fact in _in(field, written or "", 0, FINDERS, policy):
            facts.setdefault((fact.kind, fact.value.casefold()), fact)
    if full_text:
        start, end = reply.signature_after(text, full_text)
        for fact in _in("full_text", full_text[start:end], start, CONTACTS, policy):
            facts.setdefault((fact.kind, fact.value.casefold()), fact)
    return tuple(facts.values())


def check(policy: DeskPolicy) -> None:
    """Raises ValueError where the desk's own pattern cannot be used."""
    if policy.facts.order_number:
        _order_pattern(policy.facts.order_number)


def _in(field: Field, text: str, offset: int, finders: dict[FactKind, Finder], policy: DeskPolicy) -> Iterator[Fact]:
    orders: list[tuple[int, int]] = []
    for kind, finder in finders.items():
        seen: set[str] = set()
        for start, end, value in islice(finder(text, policy), MOST_CANDIDATES):
            if kind == "order_number":
                orders.append((start, end))
            elif kind == "phone" and any(start < there and here < end for here, there in orders):
                continue  # the desk's own pattern knows better
            if len(seen) < MOST_OF_A_KIND and value.casefold() not in seen and 0 < len(value) <= MAX_VALUE:
                seen.add(value.casefold())
                yield Fact(kind=kind, value=value, found_in=field, start=start + offset, end=end + offset)


def _trimmed(text: str, start: int, end: int, also: str = "") -> Found:
    """The stretch without what only surrounds it, its value in single spaces."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] in also):
        end -= 1
    return start, end, " ".join(text[start:end].split())


def _by(patterns: Sequence[Any], also: str = "") -> Finder:
    def finder(text: str, _: DeskPolicy) -> Iterator[Found]:
        for pattern in patterns:
            for match in pattern.finditer(text):
                start, end = match.span("v" if "v" in pattern.groupindex else 0)
                yield _trimmed(text, start, end, also)

    return finder


def _free(text: str, start: int, end: int) -> bool:
    """No part of a longer word or number."""
    return not (start and text[start - 1].isalnum()) and not (end < len(text) and text[end].isalnum())


def _linear(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


@cache
def _order_pattern(pattern: str) -> Any:
    try:
        return _linear(pattern)
    except re2.error as error:
        message = f"facts.order_number: RE2 does not take {pattern!r}: {error}"
        raise ValueError(message) from error


@cache
def _product_pattern(products: tuple[str, ...]) -> tuple[Any, frozenset[str]]:
    """What finds the names, the longest first, and those that take any ending."""
    names = sorted((name.removesuffix("*") for name in products), key=len, reverse=True)
    open_ended = frozenset(name[:-1].casefold() for name in products if name.endswith("*"))
    return _linear(f"(?i)(?:{'|'.join(map(re2.escape, names))})"), open_ended


def _order_numbers(text: str, policy: DeskPolicy) -> Iterator[Found]:
    if not policy.facts.order_number:
        return
    pattern = _order_pattern(policy.facts.order_number)
    for match in islice(pattern.finditer(text), MOST_MATCHES):
        start, end = match.span(1) if pattern.groups and match.span(1)[0] >= 0 else match.span()
        if start < end and _free(text, start, end):
            yield _trimmed(text, start, end)


def _products(text: str, policy: DeskPolicy) -> Iterator[Found]:
    if not policy.facts.products:
        return
    pattern, open_ended = _product_pattern(policy.facts.products)
    for match in islice(pattern.finditer(text), MOST_MATCHES):
        start, end = match.span()
        if match[0].casefold() in open_ended:
            while end < min(len(text), match.end() + LONGEST_ENDING) and text[end].isalpha():
                end += 1
        if _free(text, start, end):
            yield _trimmed(text, start, end)


def _errors(text: str, policy: DeskPolicy) -> Iterator[Found]:
    taken: list[tuple[int, int]] = []
    for start, end, value in (*_quoted_errors(text), *_by(words.ERROR, ".,;")(text, policy)):
        if not any(start < there and here < end for here, there in taken[:MOST_CANDIDATES]):
            taken.append((start, end))
            yield start, end, value


def _quoted_errors(text: str) -> Iterator[Found]:
    for match in words.QUOTED.finditer(text):
        if words.fails(match["v"]):
            yield _trimmed(text, *match.span("v"))


def _sentences(text: str) -> Iterator[tuple[int, int, str]]:
    for match in words.SENTENCE.finditer(text):
        start, end, _ = _trimmed(text, *match.span())
        yield start, end, text[start:end]


def _steps_tried(text: str, _: DeskPolicy) -> Iterator[Found]:
    for start, end, sentence in _sentences(text):
        if not sentence.endswith("?") and any(pattern.search(sentence) for pattern in words.STEP_TRIED):
            yield _trimmed(text, start, end, ".!,;")


def _convenient_times(text: str, _: DeskPolicy) -> Iterator[Found]:
    for start, _end, sentence in _sentences(text):
        if not words.INVITES.search(sentence) or words.REFUSES.search(sentence):
            continue
        for match in words.CONVENIENT_TIME.finditer(sentence):
            yield _trimmed(text, start + match.start(), start + match.end())


def _time_zones(text: str, policy: DeskPolicy) -> Iterator[Found]:
    yield from _by(words.TIME_ZONE)(text, policy)
    for match in words.IANA_ZONE.finditer(text):
        if match[0] in _zones():
            yield _trimmed(text, *match.span())


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _emails(text: str, _: DeskPolicy) -> Iterator[Found]:
    for match in words.EMAIL.finditer(text):
        address = identifiers.mail_address(match[0])
        if address and match[0].rpartition(".")[2].isalpha():
            yield *match.span(), address


def _sites(text: str, policy: DeskPolicy) -> Iterator[Found]:
    for start, end, value in _by((words.WEB,), ".,;:!?…*")(text, policy):
        try:
            parts = urlsplit(value if "://" in value else f"https://{value}")
            whole = "." in (parts.hostname or "").strip(".") and parts.port != 0
        except ValueError:
            continue
        if whole:
            yield start, end, value


def _phones(text: str, policy: DeskPolicy) -> Iterator[Found]:
    for match in islice(words.PHONE.finditer(text), MOST_CANDIDATES):
        start, end, written = _trimmed(text, *match.span())
        before = text[max(0, start - BEFORE) : start].rpartition("\n")[2]
        if words.DATE.match(written) or words.NUMBERED.search(before):
            continue
        called = words.CALLED.search(before) is not None
        if not written.lstrip("(").startswith("+") and not called and not _nationally(written, policy.region):
            continue
        number = identifiers.phone_number(written, policy.region)
        if number and phonenumbers.is_valid_number(phonenumbers.parse(number)):
            yield start, end, number


def _nationally(written: str, region: str) -> bool:
    """Written as a number is dialled within the country, in groups: a row of digits alone could be anything."""
    prefix = phonenumbers.ndd_prefix_for_region(region, True)
    return prefix is not None and prefix != "" and written.lstrip("(").startswith(prefix) and not written.isdigit()


CONTACTS: Final[dict[FactKind, Finder]] = {
    # Orders first: what the desk's pattern takes is no telephone number.
    "order_number": _order_numbers,
    "phone": _phones,
    "email": _emails,
    "web": _sites,
}
FINDERS: Final[dict[FactKind, Finder]] = CONTACTS | {
    "product": _products,
    "platform": _by(words.PLATFORM),
    "version": _by(words.VERSION),
    "error": _errors,
    "step_tried": _steps_tried,
    "time_zone": _time_zones,
    "convenient_time": _convenient_times,
}
