"""How much of a model's answer is believed, beside what the rules found.

A model may make an answer more careful, never less: what the rules are sure of
stands, an automatic reply is one only if the rules or the provider say so, and any
contradiction is for a person.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Final

from attrs import evolve, frozen

from outreach.domain.analysis import (
    RAW_LIMIT,
    UNDETERMINED,
    Analysis,
    Doubt,
    ReplyIntent,
)

__all__ = ["FIRM", "UNSURE", "Verdict", "doubted", "settled_by_rules", "weighed"]

UNSURE: Final = 0.5
"""Confidence is never above this where there is a doubt."""
FIRM: Final = 0.7

_LOWEST: Final = -100
_HIGHEST: Final = 100
_GLAD: Final = 50
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_HARD: Final = frozenset(
    {
        ReplyIntent.UNSUBSCRIBE,
        ReplyIntent.COMPLAINT,
        ReplyIntent.LEGAL_THREAT,
        ReplyIntent.OUT_OF_OFFICE,
        ReplyIntent.WRONG_PERSON,
    }
)
_CAREFUL: Final = _HARD - {ReplyIntent.OUT_OF_OFFICE}
"""Intents that only stop something or call a person: believed of a model at once."""
_DOWN: Final = frozenset(
    {
        Doubt.UNREACHABLE,
        Doubt.TIMED_OUT,
        Doubt.LIMITED,
        Doubt.FAILED,
        Doubt.BUDGET,
    }
)
_RANK: Final = {intent: place for place, intent in enumerate(ReplyIntent)}


@frozen
class Verdict:
    """What a model said, in its own figures; nothing of it is checked yet.

    Attributes:
        language: BCP 47 tag.
    """

    intent: ReplyIntent
    sentiment: int
    confidence: float
    language: str


def settled_by_rules(rules: Analysis) -> bool:
    """No model is asked: the rules found what outranks all it could say."""
    return any(rules.means(intent) for intent in _HARD)


def doubted(rules: Analysis, doubt: Doubt, *, by: str, raw: str = "") -> Analysis:
    """What the rules can tell, and that a person must look."""
    return evolve(
        rules,
        confidence=min(rules.confidence, UNSURE),
        by=f"{rules.by}+{by}",
        down=doubt in _DOWN,
        doubt=doubt,
        raw=raw[:RAW_LIMIT],
    )


def weighed(verdict: Verdict, rules: Analysis, *, by: str, raw: str) -> Analysis:
    """One analysis of both; where they cannot both be right, a doubt."""
    if not _in_range(verdict):
        return doubted(rules, Doubt.OUT_OF_RANGE, by=by, raw=raw)
    if any(_contradictions(verdict, rules)):
        unsure = doubted(rules, Doubt.INCONSISTENT, by=by, raw=raw)
        if verdict.intent not in _CAREFUL:
            return unsure
        return _with(unsure, verdict.intent)
    both = evolve(
        rules,
        sentiment=verdict.sentiment,
        confidence=verdict.confidence,
        # A language that the rules can tell is not the writer's to choose.
        language=(
            verdict.language if rules.language == UNDETERMINED else rules.language
        ),
        by=f"{rules.by}+{by}",
        raw=raw[:RAW_LIMIT],
    )
    return _with(evolve(both, intent=verdict.intent, also=()), *_found(rules))


def _found(rules: Analysis) -> tuple[ReplyIntent, ...]:
    found = (rules.intent, *rules.also)
    return tuple(intent for intent in found if intent is not ReplyIntent.NEUTRAL)


def _with(analysis: Analysis, *more: ReplyIntent) -> Analysis:
    """What is hard goes first; of the others the analysis' own intent stays."""
    found = {analysis.intent, *analysis.also, *more}
    hard = sorted(found & _HARD, key=_RANK.__getitem__)
    first = hard[0] if hard else analysis.intent
    rest = found - {first, ReplyIntent.NEUTRAL}
    also = tuple(sorted(rest, key=_RANK.__getitem__))
    return evolve(analysis, intent=first, also=also)


def _in_range(verdict: Verdict) -> bool:
    return (
        _LOWEST <= verdict.sentiment <= _HIGHEST
        and math.isfinite(verdict.confidence)
        and 0.0 <= verdict.confidence <= 1.0
        and _LANGUAGE.fullmatch(verdict.language) is not None
    )


def _contradictions(verdict: Verdict, rules: Analysis) -> Iterator[bool]:
    intent, sentiment = verdict.intent, verdict.sentiment
    yield intent is ReplyIntent.OUT_OF_OFFICE
    yield intent is ReplyIntent.INTERESTED and sentiment < 0
    yield intent is ReplyIntent.NEUTRAL and abs(sentiment) >= _GLAD
    grave = {ReplyIntent.COMPLAINT, ReplyIntent.LEGAL_THREAT}
    yield intent in grave and sentiment >= _GLAD
    refuses = rules.means(ReplyIntent.NOT_INTERESTED)
    yield intent in {ReplyIntent.INTERESTED, ReplyIntent.QUESTION} and refuses
    wants = rules.intent is ReplyIntent.INTERESTED and rules.confidence >= FIRM
    yield intent is ReplyIntent.NOT_INTERESTED and wants
    yield rules.sentiment < 0 and sentiment >= _GLAD
