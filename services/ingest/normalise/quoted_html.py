"""Quotations in HTML mail, cut where the mail program itself has marked them.

A program that answers puts what it quotes into an element of its own: Gmail's `gmail_quote`, Yahoo's
`yahoo_quoted`, `blockquote type=cite` (Apple Mail, Thunderbird), Outlook's `divRplyFwdMsg` and the line above it.
Each of those is emptied, and a `>` left in its place, so that `reply` still sees where the quotation stood: the
line that introduces it goes, what was answered below it stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lxml.html import HtmlElement

_ATTRIBUTION: Final = frozenset({"moz-cite-prefix", "gmail_attr", "yahoo-quoted-begin"})
"""Classes of the line that introduces a quotation."""
_CONTAINER: Final = frozenset(
    {"gmail_quote", "gmail_quote_container", "yahoo_quoted", "protonmail_quote", "zmail_extra", "x_gmail_quote"}
)
"""Classes of what holds that line and the quotation."""
_REST_CLASSES: Final = frozenset({"OutlookMessageHeader"})
_REST_IDS: Final = frozenset(
    {
        "divRplyFwdMsg",
        "x_divRplyFwdMsg",
        "appendonsend",
        "stopSpelling",
        "OLK_SRC_BODY_SECTION",
        "mail-editor-reference-message-container",
        "ms-outlook-mobile-body-separator-line",
    }
)
"""Everything from here to the end of the mail is quoted."""
_RULE_ABOVE_THE_HEAD: Final = re.compile(
    r"border-top:\s{0,3}solid\s{0,3}#(?:B5C4DF|E1E1E1|CCCCCC)\s{0,3}1\.0pt;\s{0,3}padding:\s{0,3}3\.0pt", re.IGNORECASE
)
"""How Word, which is Outlook's editor, draws the line above a quoted mail, in every language."""
_DATE_OR_ADDRESS: Final = re.compile(r"[@\d]")
_LOOKED_BACK: Final = 200

MARK: Final = "> …"
"""Stands where a quotation stood."""


def cut(page: HtmlElement) -> bool:
    """Empty the quotations of `page`, in place; False when there is none."""
    elements = list(page.iter("div", "blockquote", "hr", "span", "p", "section"))
    gone: set[HtmlElement] = set()
    for element in elements:
        if element in gone or element is page:
            continue
        if _begins_the_rest(element):
            _drop_from(element)
            return True
        quotation = _is_quotation(element)
        if quotation or _classes(element) & _ATTRIBUTION:
            gone.update(element.iter())
            _empty(element, MARK if quotation else "")
    return bool(gone)


def _classes(element: HtmlElement) -> set[str]:
    return set(str(element.get("class") or "").split())


def _begins_the_rest(element: HtmlElement) -> bool:
    return (
        element.get("id") in _REST_IDS
        or bool(_classes(element) & _REST_CLASSES)
        or _RULE_ABOVE_THE_HEAD.search(str(element.get("style") or "")[:500]) is not None
    )


def _is_quotation(element: HtmlElement) -> bool:
    classes = _classes(element)
    if element.tag == "blockquote":
        marked = str(element.get("type") or "").lower() == "cite" or bool(classes & _CONTAINER)
        # A bare one may be the customer's own, unless it is introduced as somebody's words.
        return marked or _introduced(_before(element))
    # With a quotation marked within, the answers around that are the customer's.
    return bool(classes & _CONTAINER) and next(element.iter("blockquote"), None) is None


def _introduced(before: str) -> bool:
    return before.endswith(":") and _DATE_OR_ADDRESS.search(before) is not None


def _before(element: HtmlElement) -> str:
    """The end of the text that stands before `element`, in its parent or the elements before that."""
    text = ""
    for piece in _backwards(element):
        text = piece[-_LOOKED_BACK:] + text
        if len(text.strip()) >= _LOOKED_BACK // 3 or text.count("@"):
            break
    return " ".join(text.split())[-_LOOKED_BACK:]


def _backwards(element: HtmlElement) -> Iterator[str]:
    """Pieces of text before `element`, the nearest first; a few are enough."""
    steps = 0
    at: HtmlElement | None = element
    while at is not None and steps < 12:  # noqa: PLR2004 - a line has few elements in it
        steps += 1
        before = at.getprevious()
        if before is not None:
            yield str(before.tail or "")
            pieces = []
            for count, piece in enumerate(before.itertext()):
                if count >= 50:  # noqa: PLR2004 - more is no line that introduces anything
                    break
                pieces.append(str(piece)[-_LOOKED_BACK:])
            yield "".join(pieces)
            at = before
        else:
            at = at.getparent()
            if at is not None:
                yield str(at.text or "")


def _empty(element: HtmlElement, left: str) -> None:
    for child in list(element):
        element.remove(child)
    element.text = left
    element.tag = "div"


def _drop_from(element: HtmlElement) -> None:
    """Take `element` and all that comes after it out of its page."""
    at: HtmlElement | None = element
    first = True
    while at is not None:
        parent = at.getparent()
        if parent is None:
            return
        for later in list(at.itersiblings()):
            parent.remove(later)
        if first:
            parent.remove(at)
            first = False
        else:
            at.tail = None
        at = parent
