"""Tokens that hold for one mail only, where a signature does not cover the body."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from services.ingest.provider import Rejected

KEPT: Final = timedelta(hours=10)
"""Longer than any provider tries again; what is older is stale by itself."""
MOST: Final = 50_000
"""Tokens, about 15 MB; the oldest make room for new ones. Each instance remembers those that it saw itself."""


class Tokens:
    """What came under which token."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, tuple[datetime, bytes]] = OrderedDict()

    def use(self, place: str, token: str, event_ids: Iterable[str], now: datetime) -> None:
        """Bind `token` of a desk's provider (`place`) to these events. Raises Rejected(forged) when others
        came under it before; the same ones may come again, as they do when a provider repeats itself.
        """
        while self._seen and (len(self._seen) >= MOST or next(iter(self._seen.values()))[0] < now - KEPT):
            self._seen.popitem(last=False)
        key, content = _digest((place, token)), _digest(event_ids)
        _, before = self._seen.setdefault(key, (now, content))
        if before != content:
            raise Rejected("forged", "the token was used before, for another mail")


def _digest(parts: Iterable[str]) -> bytes:
    return blake2b("\0".join(parts).encode(), digest_size=16).digest()
