"""Phrases are found as whole words, and every decision names its rule."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.core.rules import Phrasebook


@pytest.mark.parametrize(
    ("phrase", "text", "said"),
    [
        ("outage", "An OUTAGE!", True),
        ("outage", "outages", False),
        ("is down", "The site\n is  down.", True),
        ("is down", "this downhill", False),
        ("can't log in", "I can’t log in", True),
        ("не работа*", "ничего НЕ РАБОТАЕТ", True),
        ("не работа*", "работает не всё", False),
        ("взлом*", "нас взломали", True),
        ("взлом*", "развзлом", False),
        ("lêers is weg", "My lêers is weg!", True),
        ("is weg", "is", False),
    ],
)
def test_phrase_counts_as_whole_words(phrase, text, said) -> None:
    """Case and punctuation do not matter, word boundaries do; a star takes any ending."""
    assert (phrase in Phrasebook([phrase]).said(text)) is said


word = st.text("abя", min_size=1, max_size=3)


@given(
    st.lists(st.tuples(st.lists(word, min_size=1, max_size=3), st.booleans()), max_size=6), st.lists(word, max_size=12)
)
def test_phrasebook_finds_what_a_search_for_each_phrase_finds(phrases, words) -> None:
    """One walk over the words equals a regular expression for each phrase."""
    written = [" ".join(p) + ("*" if star and len(p[-1]) > 1 else "") for p, star in phrases]
    text = " ".join(words)

    found = Phrasebook(written).said(text)

    assert found == {
        p for p in written if re.search(rf"(?<!\w){re.escape(p.rstrip('*'))}" + ("" if "*" in p else r"(?!\w)"), text)
    }
