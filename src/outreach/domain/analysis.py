"""What a prospect wrote, and what an analyser makes of it."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Final

from attrs import field, frozen, validators

__all__ = [
    "RAW_LIMIT",
    "UNDETERMINED",
    "Analysis",
    "Doubt",
    "Reply",
    "ReplyIntent",
]

UNDETERMINED: Final = "und"
"""The language tag (BCP 47) of a text whose language cannot be told."""

RAW_LIMIT: Final = 2_000
"""Characters of a model's own words that are kept."""


class Doubt(StrEnum):
    """Why a model's answer is not relied on: a person looks, nothing is automatic."""

    UNREACHABLE = "UNREACHABLE"
    TIMED_OUT = "TIMED_OUT"
    LIMITED = "LIMITED"
    """The provider asks for fewer calls (429)."""
    FAILED = "FAILED"
    """The provider answered with any other status that is no success."""
    REFUSED = "REFUSED"
    CUT = "CUT"
    FILTERED = "FILTERED"
    UNREADABLE = "UNREADABLE"
    """No JSON, or not of the schema that was asked for."""
    OUT_OF_RANGE = "OUT_OF_RANGE"
    INCONSISTENT = "INCONSISTENT"
    """Label and score, or the model and the rules, contradict each other."""
    SUSPECT = "SUSPECT"
    """The reply seems to instruct whoever reads it; no model was asked."""
    TOO_LONG = "TOO_LONG"
    """The reply is too long to be read whole; no model was asked."""
    BUDGET = "BUDGET"
    """The calls of the minute or the day are used up; no model was asked."""


class ReplyIntent(StrEnum):
    """What the writer wants, in the order in which an intent outranks another."""

    UNSUBSCRIBE = "UNSUBSCRIBE"
    COMPLAINT = "COMPLAINT"
    LEGAL_THREAT = "LEGAL_THREAT"
    OUT_OF_OFFICE = "OUT_OF_OFFICE"
    WRONG_PERSON = "WRONG_PERSON"
    INTERESTED = "INTERESTED"
    QUESTION = "QUESTION"
    NOT_INTERESTED = "NOT_INTERESTED"
    NEUTRAL = "NEUTRAL"


@frozen
class Reply:
    """What came in.

    Attributes:
        text: plain text as the provider gave it; empty for a picture or a voice note.
        media: something that is not text came with it.
        automatic: headers or the provider say that no person wrote it.
    """

    text: str = field(repr=False)
    media: bool = False
    automatic: bool = False

    @property
    def media_only(self) -> bool:
        """Nothing to read: only a picture, a voice note, a document."""
        return self.media and not self.text.strip()


@frozen
class Analysis:
    """What an analyser makes of a reply.

    Attributes:
        intent: the one that outranks the others.
        sentiment: -100 (furious) to 100 (delighted). It is tone, not intent: a
            polite refusal is not negative.
        confidence: 0 (guessed) to 1 (certain).
        language: BCP 47 tag, or `UNDETERMINED`.
        keywords: those found, in their dictionary form, in order, once each.
        by: the analyser's name and version, ``rules/1``.
        resumes_on: the last day of the absence the writer states, or the day of
            return; only with OUT_OF_OFFICE.
        also: the other intents found, outranked by ``intent``.
        down: the analyser that should have answered did not.
        doubt: why a model's answer is not relied on; None: it is, or none was asked.
        raw: what a model answered, word by word, at most `RAW_LIMIT` characters.
    """

    intent: ReplyIntent
    sentiment: int = field(validator=[validators.ge(-100), validators.le(100)])
    confidence: float = field(validator=[validators.ge(0.0), validators.le(1.0)])
    language: str
    keywords: tuple[str, ...]
    by: str = field(validator=validators.min_len(1))
    resumes_on: date | None = None
    also: tuple[ReplyIntent, ...] = ()
    down: bool = False
    doubt: Doubt | None = None
    raw: str = field(default="", repr=False, validator=validators.max_len(RAW_LIMIT))

    def means(self, intent: ReplyIntent) -> bool:
        """Whether *intent* was found, outranked or not."""
        return intent is self.intent or intent in self.also
