"""Which language a reply is in: by script, else by its small words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from outreach.adapters.rules.lexicon import Lexicon
from outreach.adapters.rules.phrases import Hit
from outreach.adapters.rules.text import Sentence
from outreach.domain.analysis import UNDETERMINED

__all__ = ["spoken"]

_CYRILLIC: Final = re.compile(r"[\u0400-\u04ff]")
_LATIN: Final = re.compile(r"[a-z]")


def spoken(lexicon: Lexicon, text: Sequence[Sentence], hits: Iterable[Hit]) -> str:
    """Tell the language, or that it cannot be told.

    Each small word and each phrase found is a vote. A word shared by two languages
    speaks for both; equal evidence decides nothing.
    """
    words = [word for sentence in text for word in sentence.words]
    cyrillic = sum(1 for word in words if _CYRILLIC.search(word))
    latin = sum(1 for word in words if _LATIN.search(word))
    if cyrillic > latin:
        return "ru"
    votes = {
        language: sum(1 for word in words if word in small)
        for language, small in lexicon.function_words.items()
    }
    places = {(h.sentence, h.start, h.end, h.phrase.language) for h in hits}
    for *_, language in places:
        if language in votes:
            votes[language] += 1
    ranked = sorted(votes.items(), key=lambda vote: vote[1], reverse=True)
    (first, most), (_, second), *_ = ranked
    return first if most > second else UNDETERMINED
