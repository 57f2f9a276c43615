"""HTML to text."""

from __future__ import annotations

import re
from html import unescape
from typing import Final

import structlog
from inscriptis import get_text
from inscriptis.model.config import ParserConfig

log = structlog.get_logger(__name__)

MAX_HTML: Final = 200_000
"""Characters that are looked at. Layout is worth less than time."""

_INVISIBLE: Final = re.compile(r"<(script|style|head|title)\b[^>]{0,1000}>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG: Final = re.compile(r"<[^<>]{0,10000}>")


def to_text(html: str) -> str:
    """What a reader of the page would see, with its lines. Never raises."""
    html = html[:MAX_HTML]
    try:
        return str(get_text(html, ParserConfig(display_links=False, display_images=False))).strip()
    except Exception as error:  # noqa: BLE001 - libxml2 refuses some pages; their words still count
        log.info("HTML read without its layout", error=type(error).__name__)
        return unescape(_TAG.sub(" ", _INVISIBLE.sub(" ", html))).strip()
