"""The language of the phrases in the data files, and one pass that finds them all.

A phrase is a row of words, written with their diacritics::

    nu mă/ne interes(ează|at|ată)     one of several words; a stem with its endings
    vă? rog                           a word that may be missing
    nu mai ~2 mesaje                  up to two words of any kind in between
    revin pe #                        a number
    ^ stop $                          only at the beginning, the end of a clause
    ^^ ~1 da $$                       only at the beginning, the end of a sentence

Words are looked up in a table, never searched by a pattern: a text of n words costs n
look-ups and a bounded walk for each phrase that begins there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Final

from attrs import frozen

from outreach.adapters.rules.text import Sentence, fold, sentences

__all__ = ["Hit", "Index", "Kind", "Phrase", "phrase"]

_WORD: Final = re.compile(r"([^()|~?^$]*)(?:\(([^()~?^$]*)\))?")
_LONGEST_GAP: Final = 4


class Kind(Enum):
    """What a phrase is evidence of."""

    INTENT = "intent"
    WEAK = "weak"
    INNOCENT = "innocent"
    KEYWORD = "keyword"
    COURTESY = "courtesy"
    TONE = "tone"
    NEGATOR = "negator"
    MACHINE = "machine"


class _Anchor(Enum):
    CLAUSE_START = "^"
    CLAUSE_END = "$"
    SENTENCE_START = "^^"
    SENTENCE_END = "$$"


@frozen
class _Gap:
    most: int


@frozen
class _Number:
    pass


@frozen
class _Word:
    forms: frozenset[str]
    optional: bool


_Element = _Anchor | _Gap | _Number | _Word


@frozen
class Phrase:
    """A phrase of one language and what it stands for.

    Attributes:
        means: the intent's name, the keyword, or the weight in digits.
        lead: up to so many words of any kind may come before the first.
        first: forms of the first word.
        second: forms that can follow it; empty if that cannot be said.
    """

    kind: Kind
    means: str
    language: str
    source: str
    elements: tuple[_Element, ...]
    lead: int
    first: frozenset[str]
    second: frozenset[str]


@frozen
class Hit:
    """A phrase found: words ``start`` to ``end`` (exclusive) of a sentence."""

    phrase: Phrase
    sentence: int
    start: int
    end: int

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """The words it spans, each as (sentence, word)."""
        return tuple((self.sentence, at) for at in range(self.start, self.end))

    @property
    def length(self) -> int:
        """Words it spans."""
        return self.end - self.start


def phrase(kind: Kind, means: str, language: str, source: str) -> Phrase:
    """Read one phrase.

    Raises:
        ValueError: it is not one; names it and says what is wrong.
    """
    elements = tuple(_element(written, source) for written in source.split())
    rest = [e for e in elements if not isinstance(e, _Anchor)]
    lead = 0
    if rest and isinstance(rest[0], _Gap):
        lead = rest[0].most
        rest = rest[1:]
    if not rest or not isinstance(rest[0], _Word) or rest[0].optional:
        message = f"phrase {source!r} ({language}) must begin with a needed word"
        raise ValueError(message)
    second = _second(elements[elements.index(rest[0]) + 1 :])
    return Phrase(kind, means, language, source, elements, lead, rest[0].forms, second)


class Index:
    """All phrases by the words they can begin with."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._starting: dict[str, list[Phrase]] = defaultdict(list)
        for item in phrases:
            for form in sorted(item.first):
                self._starting[form].append(item)

    def hits(self, text: Sequence[Sentence]) -> Iterator[Hit]:
        """Every phrase at every place, from the beginning to the end."""
        for number, sentence in enumerate(text):
            for at, word in enumerate(sentence.words):
                following = (*sentence.words[at + 1 : at + 2], "")[0]
                for item in self._starting.get(word, ()):
                    if item.second and following not in item.second:
                        continue
                    for start in range(max(0, at - item.lead), at + 1):
                        end = _end(item.elements, 0, sentence, start)
                        if end is not None:
                            yield Hit(item, number, start, end)
                            break


def _element(written: str, source: str) -> _Element:
    if written in {anchor.value for anchor in _Anchor}:
        return _Anchor(written)
    if written == "#":
        return _Number()
    if written.startswith("~"):
        if not written[1:].isdecimal() or not 1 <= int(written[1:]) <= _LONGEST_GAP:
            message = f"gap {written!r} in {source!r} must be ~1 to ~{_LONGEST_GAP}"
            raise ValueError(message)
        return _Gap(int(written[1:]))
    optional = written.endswith("?")
    forms: set[str] = set()
    for choice in written.removesuffix("?").split("/"):
        read = _WORD.fullmatch(choice)
        if read is None:
            message = f"word {choice!r} in {source!r} is not stem(ending|ending)"
            raise ValueError(message)
        stem, endings = read.groups()
        forms |= {fold(stem + ending) for ending in (endings or "").split("|")}
    for form in forms:
        if [sentence.words for sentence in sentences(form)] != [(form,)]:
            message = f"{form!r} in phrase {source!r} is not one word of a reply"
            raise ValueError(message)
    return _Word(frozenset(forms), optional)


def _second(rest: tuple[_Element, ...]) -> frozenset[str]:
    forms: frozenset[str] = frozenset()
    for element in rest:
        if not isinstance(element, _Word):
            break
        forms |= element.forms
        if not element.optional:
            return forms
    return frozenset()


def _end(
    elements: tuple[_Element, ...], k: int, sentence: Sentence, at: int
) -> int | None:
    """Where the elements from *k* on end if they begin at word *at*."""
    if k == len(elements):
        return at
    for following in _after(elements[k], sentence, at):
        end = _end(elements, k + 1, sentence, following)
        if end is not None:
            return end
    return None


def _after(element: _Element, sentence: Sentence, at: int) -> Iterator[int]:
    """Where the next element may begin, likeliest first."""
    word = sentence.words[at] if at < len(sentence.words) else ""
    match element:
        case _Anchor():
            if _holds(element, sentence, at):
                yield at
        case _Gap(most):
            yield from range(at, min(at + most, len(sentence.words)) + 1)
        case _Number():
            if word.isdecimal():
                yield at + 1
        case _Word(forms, optional):
            if word in forms:
                yield at + 1
            if optional:
                yield at


def _holds(anchor: _Anchor, sentence: Sentence, at: int) -> bool:
    match anchor:
        case _Anchor.CLAUSE_START:
            return sentence.starts_clause(at)
        case _Anchor.CLAUSE_END:
            return sentence.ends_clause(at - 1)
        case _Anchor.SENTENCE_START:
            return at == 0
        case _Anchor.SENTENCE_END:
            return at == len(sentence.words)
