"""What ingest has refused, by reason, from its metrics, across its restarts."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

METRIC: Final = "switchboard_messages_rejected_total"
OURS: Final = frozenset({"unavailable", "failed"})
"""Answered with 5xx: the fault is ours and the provider sends again, so nothing was refused."""


@dataclass
class Refusals:
    """Counts from scrapes of a counter that begins anew with every process."""

    _before: Counter[str] = field(default_factory=Counter)
    """Of processes that have ended."""
    _now: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    """Of the present one, by provider and reason."""

    def take(self, text: str) -> None:
        """One scrape. A counter that fell belongs to a new process."""
        fresh = {
            (sample.labels["provider"], sample.labels["reason"]): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == METRIC
        }
        if any(value < self._now[key] for key, value in fresh.items()) or not self._now.keys() <= fresh.keys():
            for (_, reason), value in self._now.items():
                self._before[reason] += int(value)
        self._now = defaultdict(float, fresh)

    def by_reason(self) -> Counter[str]:
        """All that was refused, without what was only put off."""
        counted = Counter(self._before)
        for (_, reason), value in self._now.items():
            counted[reason] += int(value)
        return Counter({reason: count for reason, count in counted.items() if count and reason not in OURS})

    async def scrape(self, http: httpx.AsyncClient, url: str) -> bool:
        """Take one scrape of the service at `url`; whether it answered."""
        try:
            response = await http.get(f"{url}/metrics")
        except httpx.HTTPError:
            return False
        if response.is_success:
            self.take(response.text)
        return response.is_success
