"""Counts of refusals outlive the process that counts."""

from __future__ import annotations

from collections import Counter

from local.refusals import Refusals


def scrape(**counts: int) -> str:
    lines = ["# TYPE switchboard_messages_rejected counter"]
    lines += [
        f'switchboard_messages_rejected_total{{provider="mime",reason="{reason}"}} {count}.0'
        for reason, count in counts.items()
    ]
    return "\n".join([*lines, ""])


def test_counter_that_falls_belongs_to_a_new_process() -> None:
    """What the killed process had counted is kept, and the new one's comes on top."""
    refusals = Refusals()
    refusals.take(scrape(forged=2, malformed=1))
    refusals.take(scrape(forged=3, malformed=1))
    refusals.take(scrape(forged=0, malformed=0))
    refusals.take(scrape(forged=1, malformed=0))
    assert refusals.by_reason() == Counter(forged=4, malformed=1)


def test_our_own_faults_are_no_refusals() -> None:
    """What was answered with 5xx comes again, so it is not counted as turned down."""
    refusals = Refusals()
    refusals.take(scrape(unavailable=7, failed=1, forged=1))
    assert refusals.by_reason() == Counter(forged=1)
