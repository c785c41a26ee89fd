"""The data files, read once: one per language, and one for emoji."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from attrs import frozen

from outreach.adapters.rules.dates import DayNames
from outreach.adapters.rules.phrases import Index, Kind, Phrase, phrase
from outreach.adapters.rules.text import fold
from outreach.domain.analysis import ReplyIntent

__all__ = ["LANGUAGES", "Lexicon", "lexicon"]

LANGUAGES: Final = ("ro", "en", "ru")
_SYMBOLS: Final = "symbols"


@frozen
class Lexicon:
    """Everything the rules know.

    Attributes:
        function_words: the small words that tell a language.
    """

    index: Index
    phrases: tuple[Phrase, ...]
    function_words: Mapping[str, frozenset[str]]
    day_names: tuple[DayNames, ...]


@cache
def lexicon() -> Lexicon:
    """Read the files of this package.

    Raises:
        ValueError: a phrase or an intent in a file is not one.
    """
    data = {name: _read(name) for name in (*LANGUAGES, _SYMBOLS)}
    phrases = tuple(p for name in data for p in _phrases(name, data[name]))
    return Lexicon(
        index=Index(phrases),
        phrases=phrases,
        function_words={
            name: frozenset(map(fold, data[name]["function_words"].split()))
            for name in LANGUAGES
        },
        day_names=tuple(_day_names(data[name]["days"]) for name in LANGUAGES),
    )


def _read(name: str) -> dict[str, Any]:
    source = files(__package__).joinpath(f"{name}.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


def _phrases(language: str, data: Mapping[str, Any]) -> Iterator[Phrase]:
    for kind, table in ((Kind.INTENT, "intents"), (Kind.WEAK, "weak")):
        for name, sources in data.get(table, {}).items():
            means = ReplyIntent(name).value
            yield from (phrase(kind, means, language, s) for s in sources)
    for kind in (Kind.INNOCENT, Kind.NEGATOR, Kind.MACHINE):
        for source in data.get(kind.value, ()):
            yield phrase(kind, kind.value, language, source)
    for keyword, sources in data.get("keywords", {}).items():
        yield from (phrase(Kind.KEYWORD, keyword, language, s) for s in sources)
    for kind in (Kind.COURTESY, Kind.TONE):
        for weight, sources in data.get(kind.value, {}).items():
            means = str(int(weight))
            yield from (phrase(kind, means, language, s) for s in sources)


def _day_names(data: Mapping[str, Any]) -> DayNames:
    return DayNames(
        months=_numbered(data["months"], first=1),
        month_first=bool(data["month_first"]),
        weekdays=_numbered(data["weekdays"], first=0),
        relative=_folded(data["relative"]),
        within=frozenset(map(fold, data["within"])),
        numbers=_folded(data["numbers"]),
        units=_folded(data["units"]),
    )


def _folded(numbers: Mapping[str, int]) -> dict[str, int]:
    return {fold(word): number for word, number in numbers.items()}


def _numbered(rows: list[str], *, first: int) -> dict[str, int]:
    return {
        fold(form): number
        for number, row in enumerate(rows, first)
        for form in row.split()
    }
