"""Reads replies by rules: opt-out first, then intent, then tone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from attrs import field, frozen

from outreach.adapters.rules.dates import return_day
from outreach.adapters.rules.language import spoken
from outreach.adapters.rules.lexicon import Lexicon, lexicon
from outreach.adapters.rules.phrases import Hit, Kind
from outreach.adapters.rules.text import (
    MAX_CHARACTERS,
    Sentence,
    fold,
    own_words,
    sentences,
)
from outreach.domain.analysis import UNDETERMINED, Analysis, Reply, ReplyIntent
from outreach.domain.ids import TenantId
from outreach.domain.reply_text import MOST_READ, page_text

__all__ = ["VERSION", "RuleAnalyst"]

VERSION: Final = "rules/2"
"""Grows with every change of the rules or their data that changes an answer."""

_HARD: Final = (
    ReplyIntent.UNSUBSCRIBE,
    ReplyIntent.COMPLAINT,
    ReplyIntent.LEGAL_THREAT,
    ReplyIntent.OUT_OF_OFFICE,
    ReplyIntent.WRONG_PERSON,
)
_SOFT: Final = (
    ReplyIntent.INTERESTED,
    ReplyIntent.NOT_INTERESTED,
    ReplyIntent.QUESTION,
)
"""In the order of rank: 'No thanks. Who are you?' is a refusal."""
_NOT_UNDONE_BY_NOT: Final = frozenset(
    {
        ReplyIntent.UNSUBSCRIBE,  # 'nu mai vreau dezabonati-ma': what looks like a
        ReplyIntent.LEGAL_THREAT,  # denial is none; real ones are innocent phrases
        ReplyIntent.WRONG_PERSON,
        ReplyIntent.NOT_INTERESTED,
        ReplyIntent.OUT_OF_OFFICE,
        ReplyIntent.QUESTION,
    }
)
_TONE: Final = {
    ReplyIntent.COMPLAINT: -60,
    ReplyIntent.LEGAL_THREAT: -60,
    ReplyIntent.INTERESTED: 55,
    ReplyIntent.QUESTION: 15,
}
_TONES: Final = (Kind.COURTESY, Kind.TONE)
_NOT_REACH: Final = 3
"""A 'not' acts on what begins at most this many words later in its clause."""
_NOT_BAD: Final = -0.25
_NOT_GOOD: Final = -0.5
_FEW_WORDS: Final = 4
_MANY_WORDS: Final = 80

# Confidence by evidence; 0.7 is where triage begins to believe.
_SURE: Final = 0.95
_TWO_SIGNS: Final = 0.9
_ONE_SIGN: Final = 0.8
_SHORT_ANSWER: Final = 0.75
_ONLY_TONE: Final = 0.6
_CONTRADICTION: Final = 0.5
_NO_SIGN: Final = 0.3
_FOREIGN: Final = 0.2
_CUT: Final = 0.6
_LONG_DISCOUNT: Final = 0.15


@frozen
class _Evidence:
    """What was found of each intent: places, and whether a firm phrase was among."""

    firm: dict[ReplyIntent, int]
    weak: frozenset[ReplyIntent]

    def of(self, intent: ReplyIntent) -> bool:
        return intent in self.firm or intent in self.weak


@frozen
class RuleAnalyst:
    """An analyst without a model: deterministic, linear in the text, no I/O.

    Of a text the first `MAX_CHARACTERS` characters are read, and nothing it quotes;
    a longer one is never answered with confidence.
    """

    _lexicon: Lexicon = field(factory=lexicon)

    async def analyse(
        self, reply: Reply, *, received_on: date, tenant: TenantId
    ) -> Analysis:
        """See `outreach.ports.analyst`."""
        del tenant  # the rules are the same for all
        seen = page_text(reply.text[:MOST_READ])
        folded = own_words(fold(seen[:MAX_CHARACTERS]))
        text = sentences(folded)
        hits = _believed(self._lexicon.index.hits(text))
        negators = {
            (hit.sentence, hit.start) for hit in hits if hit.phrase.kind is Kind.NEGATOR
        }
        denied = frozenset(hit for hit in hits if _denied(hit, text, negators))
        machine = reply.automatic or any(h.phrase.kind is Kind.MACHINE for h in hits)
        evidence = _evidence(hits, denied, asked="?" in folded, machine=machine)
        intents = _ranked(evidence)
        sentiment = _sentiment(hits, denied, intents)
        language = spoken(self._lexicon, text, hits)
        confidence = _confidence(
            intents,
            evidence,
            sum(len(sentence.words) for sentence in text),
            toned=_toned(hits),
            language=language,
        )
        if (sentiment < 0 and intents[0] is ReplyIntent.INTERESTED) or (
            len(seen) > MAX_CHARACTERS or len(reply.text) > MOST_READ
        ):
            confidence = min(confidence, _CUT)
        absent = ReplyIntent.OUT_OF_OFFICE in intents
        return Analysis(
            intent=intents[0],
            sentiment=sentiment,
            confidence=confidence,
            language=language,
            keywords=_keywords(hits, language),
            by=VERSION,
            resumes_on=(
                return_day(folded, received_on, self._lexicon.day_names)
                if absent
                else None
            ),
            also=intents[1:],
        )


def _believed(found: Iterable[Hit]) -> tuple[Hit, ...]:
    """Without what only seems to be there: 'non-stop' is no 'stop'.

    A phrase that is longer than the innocent one it overlaps is believed: 'I want to
    unsubscribe' against '... to unsubscribe click here'.
    """
    hits = tuple(found)
    innocent: dict[tuple[int, int], int] = {}
    for hit in hits:
        if hit.phrase.kind is Kind.INNOCENT:
            for place in hit.places:
                innocent[place] = max(innocent.get(place, 0), hit.length)
    return tuple(
        hit
        for hit in hits
        if hit.phrase.kind in {Kind.INNOCENT, Kind.NEGATOR}
        or all(innocent.get(place, 0) < hit.length for place in hit.places)
    )


def _denied(hit: Hit, text: Sequence[Sentence], negators: set[tuple[int, int]]) -> bool:
    clauses = text[hit.sentence].clauses
    return any(
        (hit.sentence, at) in negators and clauses[at] == clauses[hit.start]
        for at in range(max(0, hit.start - _NOT_REACH), hit.start)
    )


def _evidence(
    hits: Iterable[Hit], denied: frozenset[Hit], *, asked: bool, machine: bool
) -> _Evidence:
    firm: dict[ReplyIntent, set[tuple[int, int]]] = {}
    weak: set[ReplyIntent] = set()
    for hit in hits:
        if hit.phrase.kind not in {Kind.INTENT, Kind.WEAK}:
            continue
        intent = ReplyIntent(hit.phrase.means)
        if hit in denied and intent not in _NOT_UNDONE_BY_NOT:
            if intent is not ReplyIntent.INTERESTED:
                continue
            intent = ReplyIntent.NOT_INTERESTED
        if hit.phrase.kind is Kind.WEAK:
            weak.add(intent)
        else:
            firm.setdefault(intent, set()).add((hit.sentence, hit.end))
    if asked:
        weak.add(ReplyIntent.QUESTION)
    if machine:
        # A machine's courtesies ask nothing and want nothing.
        weak.clear()
        for intent in _SOFT:
            firm.pop(intent, None)
        firm[ReplyIntent.OUT_OF_OFFICE] = {(-1, -1)}
    counts = {intent: len(places) for intent, places in firm.items()}
    if ReplyIntent.QUESTION in weak:
        # 'Da?' and 'ok, cine e?' ask; they agree to nothing.
        weak = {ReplyIntent.QUESTION}
    return _Evidence(counts, frozenset(weak if not _decides(counts) else ()))


def _decides(firm: dict[ReplyIntent, int]) -> bool:
    return any(intent is not ReplyIntent.QUESTION for intent in firm)


def _ranked(evidence: _Evidence) -> tuple[ReplyIntent, ...]:
    found = tuple(intent for intent in (*_HARD, *_SOFT) if evidence.of(intent))
    return found or (ReplyIntent.NEUTRAL,)


def _toned(hits: Iterable[Hit]) -> bool:
    return any(hit.phrase.kind in _TONES for hit in hits)


def _sentiment(
    hits: Iterable[Hit], denied: frozenset[Hit], intents: Sequence[ReplyIntent]
) -> int:
    total = float(sum(_TONE.get(intent, 0) for intent in intents))
    tones = [hit for hit in hits if hit.phrase.kind in _TONES]
    tones.sort(key=lambda hit: (-hit.length, hit.sentence, hit.start))
    counted: set[tuple[int, int]] = set()
    for hit in tones:
        # 'multumesc frumos' counts, the 'multumesc' in it not once more.
        if not counted.isdisjoint(hit.places):
            continue
        counted.update(hit.places)
        weight = int(hit.phrase.means)
        if hit in denied and hit.phrase.kind is Kind.TONE:
            total += weight * (_NOT_GOOD if weight > 0 else _NOT_BAD)
        else:
            total += weight
    return max(-100, min(100, round(total)))


def _confidence(
    intents: Sequence[ReplyIntent],
    evidence: _Evidence,
    words: int,
    *,
    toned: bool,
    language: str,
) -> float:
    first = intents[0]
    if not words:
        return _SURE if first is ReplyIntent.OUT_OF_OFFICE else 0.0
    if first in _HARD:
        return _SURE
    if {ReplyIntent.INTERESTED, ReplyIntent.NOT_INTERESTED} <= set(intents):
        return _CONTRADICTION
    if first in evidence.firm:
        sure = _TWO_SIGNS if evidence.firm[first] > 1 else _ONE_SIGN
        return sure - _LONG_DISCOUNT if words > _MANY_WORDS else sure
    return _faint(first, words, toned=toned, language=language)


def _faint(first: ReplyIntent, words: int, *, toned: bool, language: str) -> float:
    told = language != UNDETERMINED
    if first is ReplyIntent.NEUTRAL:
        return _ONLY_TONE if toned else _NO_SIGN if told else _FOREIGN
    if words <= _FEW_WORDS or (first is ReplyIntent.QUESTION and told):
        return _SHORT_ANSWER
    return _ONLY_TONE


def _keywords(hits: Iterable[Hit], language: str) -> tuple[str, ...]:
    """One per place, in the language of the text where languages share a word."""
    places: dict[tuple[int, int], list[Hit]] = {}
    for hit in hits:
        if hit.phrase.kind is Kind.KEYWORD:
            places.setdefault((hit.sentence, hit.start), []).append(hit)
    chosen = (
        next((hit for hit in there if hit.phrase.language == language), there[0])
        for _, there in sorted(places.items(), key=lambda place: place[0])
    )
    return tuple(dict.fromkeys(hit.phrase.means for hit in chosen))
