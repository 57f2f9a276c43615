"""How often somebody may come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.rates import KEYS, Rates


def test_all_at_once_then_one_by_one():
    """A minute's worth at once, then one for each part of the minute that has passed; others are not concerned."""
    rates = Rates(4)
    assert [rates.take("a", 100.0) for _ in range(5)] == [True] * 4 + [False]
    assert rates.take("b", 100.0)
    assert not rates.take("a", 114.9)
    assert rates.take("a", 115.0)
    assert not rates.take("a", 115.0)
    assert [rates.take("a", 300.0) for _ in range(5)] == [True] * 4 + [False]


@given(
    per_minute=st.integers(1, 50),
    steps=st.lists(st.floats(0, 30, allow_nan=False), max_size=200),
)
def test_never_more_than_twice_the_rate_in_any_minute(per_minute, steps):
    """A full bucket and what runs out of it meanwhile: that is the most that any minute sees."""
    rates, now, taken = Rates(per_minute), 0.0, []
    for step in steps:
        now += step
        if rates.take("a", now):
            taken.append(now)
    for begin in taken:
        assert sum(begin <= at < begin + 60 for at in taken) <= 2 * per_minute


def test_a_flood_of_keys_is_forgotten():
    """Memory is bounded whatever the number of senders."""
    rates = Rates(1)
    for n in range(KEYS + 100):
        assert rates.take(str(n), 0.0)
    assert len(rates._empty_at) == KEYS
    assert not rates.take(str(KEYS + 99), 0.0)
