"""HTML to text."""

from __future__ import annotations

import re
from html import unescape
from typing import Final

import structlog
from inscriptis import Inscriptis
from inscriptis.model.config import ParserConfig
from lxml.html import HtmlElement, document_fromstring

from services.ingest.normalise import quoted_html

log = structlog.get_logger(__name__)

MAX_HTML: Final = 200_000
"""Characters that are looked at. Layout is worth less than time."""

_INVISIBLE: Final = re.compile(r"<(script|style|head|title)\b[^>]{0,1000}>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG: Final = re.compile(r"<[^<>]{0,10000}>")
_XML_DECLARATION: Final = re.compile(r"\s{0,1000}<\?xml [^>]{0,1000}>")
_LAYOUT: Final = ParserConfig(display_links=False, display_images=False)


def to_text(html: str) -> str:
    """What a reader of the page would see, with its lines. Never raises."""
    return to_texts(html)[0]


def to_texts(html: str) -> tuple[str, str]:
    """What a reader would see, and the same without the quotations that the mail program has marked
    (`quoted_html`). Never raises.
    """
    html = _XML_DECLARATION.sub("", html[:MAX_HTML], count=1).strip()
    if not html:
        return "", ""
    try:
        page = document_fromstring(html)
        for rule in page.iter("hr"):
            rule.tag = "div"  # a line of its own, which the layout does not know
        full = _laid_out(page)
        return full, _laid_out(page) if quoted_html.cut(page) else full
    except Exception as error:  # noqa: BLE001 - libxml2 refuses some pages; their words still count
        log.info("HTML read without its layout", error=type(error).__name__)
        full = unescape(_TAG.sub(" ", _INVISIBLE.sub(" ", html))).strip()
        return full, full


def _laid_out(page: HtmlElement) -> str:
    return str(Inscriptis(page, _LAYOUT).get_text()).strip()
