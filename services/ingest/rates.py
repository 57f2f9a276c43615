"""How often somebody may come: a leaky bucket for each key (GCRA, ITU-T I.371, annex A), in bounded memory."""

from __future__ import annotations

from typing import Final

KEYS: Final = 10_000
"""Remembered at most. Beyond that the one who came first of them is forgotten: a flood from ever new
addresses is not held back by their rates, but by the limits on connections and size."""


class Rates:
    """At most `per_minute` times a minute for each key, evenly or all at once."""

    def __init__(self, per_minute: int) -> None:
        self._each = 60.0 / per_minute
        self._empty_at: dict[str, float] = {}
        """Key to the instant at which its bucket will have run empty."""

    def take(self, key: str, now: float) -> bool:
        """Whether `key` may come once more at `now`, in seconds on any clock that never goes back."""
        empty = max(self._empty_at.pop(key, now), now)
        allowed = empty - now <= 60.0 - self._each
        self._empty_at[key] = empty + self._each if allowed else empty
        if len(self._empty_at) > KEYS:
            del self._empty_at[next(iter(self._empty_at))]
        return allowed
