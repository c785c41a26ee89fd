"""Facts of documents that come again and again are read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, wraps
from typing import Any, Final, TypeVar
from uuid import UUID

__all__ = ["REMEMBERED", "known_id", "remembered"]

Doc = Mapping[str, Any]
Fact = TypeVar("Fact")

REMEMBERED: Final = 1_024
"""Documents of a kind whose facts are kept: of senders, sequences and templates there
are few, and each comes again with every message."""

known_id: Final = lru_cache(maxsize=4 * REMEMBERED)(UUID)
"""As UUID, for ids that come again and again: reading one takes a microsecond."""


def remembered(read: Callable[[Doc], Fact]) -> Callable[[Doc], Fact]:
    """Answers the fact it read before while the document of that id is still equal."""
    kept: dict[str, tuple[Doc, Fact]] = {}

    @wraps(read)
    def look_up(doc: Doc) -> Fact:
        known = kept.get(doc["id"])
        if known is not None and known[0] == doc:
            return known[1]
        if len(kept) >= REMEMBERED:
            kept.clear()
        fact = read(doc)
        kept[doc["id"]] = doc, fact
        return fact

    return look_up
