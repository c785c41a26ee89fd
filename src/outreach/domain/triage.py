"""What follows from a reply: who looks at it, how soon, and what stops (SPEC 9)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from attrs import frozen

from outreach.domain.analysis import UNDETERMINED, Analysis, ReplyIntent
from outreach.domain.review import PRIORITY_OF, Priority, ReviewReason

__all__ = [
    "ABSENCE_UNLESS_STATED",
    "AI_REPLIES_PER_DAY",
    "CONFIDENT",
    "LONGEST_ABSENCE",
    "POSITIVE",
    "Circumstances",
    "Finding",
    "ReplyTemplate",
    "SuggestReply",
    "Triage",
    "goes_on",
    "triage",
    "triage_bounce",
    "triage_unknown_send",
]

POSITIVE: Final = 50
"""From this sentiment on a reply may be answered from a template."""
CONFIDENT: Final = 0.7
"""From this confidence on an analysis is believed."""
ABSENCE_UNLESS_STATED: Final = timedelta(days=14)
LONGEST_ABSENCE: Final = timedelta(days=366)
"""A date of return further away than this is a misreading."""
AI_REPLIES_PER_DAY: Final = 2
"""To one lead."""

_GRAVE: Final = (
    (ReplyIntent.COMPLAINT, ReviewReason.COMPLAINT),
    (ReplyIntent.LEGAL_THREAT, ReviewReason.LEGAL_THREAT),
)


@frozen
class Finding:
    """One thing noticed.

    Attributes:
        what: in words, with the figures it rests on.
        reason: why a person should look; None if that is no matter for a person.
    """

    what: str
    reason: ReviewReason | None = None

    @property
    def priority(self) -> Priority | None:
        """How soon, by `PRIORITY_OF`."""
        return None if self.reason is None else PRIORITY_OF[self.reason]


@frozen
class ReplyTemplate:
    """A template of the tenant's that answers replies.

    Attributes:
        language: BCP 47 tag of its text.
        intents: which replies it answers.
    """

    name: str
    language: str
    intents: frozenset[ReplyIntent]
    approved: bool = False


@frozen
class Circumstances:
    """What triage must know beside the analysis. No default lets anything go out.

    Attributes:
        received_on: local date of the reply.
        warm: the lead may be answered as it stands; False offers no reply.
        language: the lead's or the tenant's, where the text does not tell.
        media_only: there was no text to analyse.
        late: the lead is CONVERTED or DEAD (LOST): the reply moves nothing.
        replies: templates that answer, in order of preference.
        ai_replies_today: unattended replies the lead has had today.
        unattended: the tenant lets approved templates go out without a person.
    """

    received_on: date
    warm: bool
    language: str
    media_only: bool = False
    late: bool = False
    replies: tuple[ReplyTemplate, ...] = ()
    ai_replies_today: int = 0
    unattended: bool = False


@frozen
class SuggestReply:
    """An approved template that would answer.

    Attributes:
        unattended: it may go out without a person.
    """

    template: str
    unattended: bool


@frozen
class Triage:
    """What must happen.

    Attributes:
        suppress: the person must never be written to again, on any channel.
        stop_sequences: every live sequence of the lead ends.
        resumes_on: the paused sequence goes on from the start of this local day.
        proposes_dead: a person is asked to close the lead as LOST.
        review: reason and priority of the item to open (or to fold in).
        reasons: all that was noticed, in the order of the rules.
        reply: what would be a fitting answer.
    """

    suppress: bool
    stop_sequences: bool
    resumes_on: date | None
    proposes_dead: bool
    review: tuple[ReviewReason, Priority] | None
    reasons: tuple[Finding, ...]
    reply: SuggestReply | None


def triage(analysis: Analysis, about: Circumstances) -> Triage:
    """Apply the table of SPEC section 9: all findings count, the highest wins.

    A reply that is positive, confident and without a flag gets an unattended answer
    if that is allowed and a template fits; otherwise a MEDIUM item opens with the
    reason AI_FLAGGED (the analyser is sure that it deserves an answer).
    """
    if _absent(analysis):
        resumes_on, what = _return_day(analysis.resumes_on, about.received_on)
        return Triage(
            suppress=False,
            stop_sequences=False,
            resumes_on=resumes_on,
            proposes_dead=False,
            review=None,
            reasons=(Finding(what),),
            reply=None,
        )
    opted_out = analysis.means(ReplyIntent.UNSUBSCRIBE)
    findings = tuple(_findings(analysis, about))
    suggested = None
    if about.warm and _answerable(analysis):
        suggested = _fitting(analysis, about)
    flagged = any(finding.reason for finding in findings)
    alone = (
        about.unattended
        and not flagged
        and suggested is not None
        and not analysis.means(ReplyIntent.OUT_OF_OFFICE)
        and about.ai_replies_today < AI_REPLIES_PER_DAY
    )
    if not flagged and not alone and not opted_out:
        findings += (_deserves_answer(analysis, suggested, about),)
    weighed = tuple(f for f in findings if not opted_out or _is_grave(f))
    return Triage(
        suppress=opted_out,
        stop_sequences=True,
        resumes_on=None,
        proposes_dead=analysis.intent is ReplyIntent.NOT_INTERESTED,
        review=_highest(weighed),
        reasons=findings,
        reply=(
            None
            if suggested is None
            else SuggestReply(template=suggested, unattended=alone)
        ),
    )


def triage_bounce(*, channel_left: bool) -> Triage:
    """A hard bounce: a person looks only if the lead cannot be reached at all."""
    if channel_left:
        return _without_reply(Finding("an address bounced, another channel is left"))
    return _without_reply(
        Finding("an address bounced, no channel is left", ReviewReason.BOUNCE_DETECTED),
        stop_sequences=True,
    )


def triage_unknown_send(*, warm: bool) -> Triage:
    """A send of unknown outcome: a warm lead waits for it, a cold one does not."""
    if warm:
        return _without_reply(
            Finding("nobody knows if a reply arrived", ReviewReason.SEND_UNCERTAIN)
        )
    return _without_reply(Finding("outcome unknown, counted as sent to a cold lead"))


def _without_reply(finding: Finding, *, stop_sequences: bool = False) -> Triage:
    return Triage(
        suppress=False,
        stop_sequences=stop_sequences,
        resumes_on=None,
        proposes_dead=False,
        review=_highest((finding,)),
        reasons=(finding,),
        reply=None,
    )


def _absent(analysis: Analysis) -> bool:
    # An auto-reply that also complains, opts out, says that the person has left or
    # shows interest was not (only) written by a machine.
    return analysis.intent is ReplyIntent.OUT_OF_OFFICE and not {
        ReplyIntent.UNSUBSCRIBE,
        ReplyIntent.COMPLAINT,
        ReplyIntent.LEGAL_THREAT,
        ReplyIntent.WRONG_PERSON,
        ReplyIntent.INTERESTED,
    } & set(analysis.also)


def goes_on(analysis: Analysis, received_on: date) -> date:
    """The day on which what waits for somebody who is away goes on."""
    return _return_day(analysis.resumes_on, received_on)[0]


def _return_day(stated: date | None, received_on: date) -> tuple[date, str]:
    if stated is not None and timedelta(0) <= stated - received_on <= LONGEST_ABSENCE:
        return stated + timedelta(days=1), f"out of office until {stated}"
    return (
        received_on + ABSENCE_UNLESS_STATED,
        f"out of office, back on no stated day: {ABSENCE_UNLESS_STATED.days} days",
    )


def _findings(analysis: Analysis, about: Circumstances) -> Iterator[Finding]:
    """In the order in which the first of equals wins."""
    yield from _from_intents(analysis)
    if about.late:
        yield Finding("the lead was closed before", ReviewReason.LATE_REPLY)
    if about.media_only:
        yield Finding("nothing to read, only media", ReviewReason.MEDIA_ONLY)
        return
    if analysis.down:
        yield Finding("the analyser is down", ReviewReason.AI_UNCERTAIN)
    if analysis.doubt is not None:
        what = f"the model is not relied on: {analysis.doubt}"
        yield Finding(what, ReviewReason.AI_UNCERTAIN)
    if analysis.confidence < CONFIDENT:
        what = f"confidence {analysis.confidence:.2f} is below {CONFIDENT}"
        yield Finding(what, ReviewReason.AI_UNCERTAIN)
    if analysis.sentiment >= POSITIVE:
        yield Finding(f"sentiment {analysis.sentiment} is at least {POSITIVE}")
    elif analysis.sentiment >= 0:
        what = f"sentiment {analysis.sentiment} is below {POSITIVE}"
        yield Finding(what, ReviewReason.LOW_SENTIMENT)


def _from_intents(analysis: Analysis) -> Iterator[Finding]:
    if analysis.means(ReplyIntent.UNSUBSCRIBE):
        yield Finding("asks to be left alone")
    for intent, reason in _GRAVE:
        if analysis.means(intent):
            yield Finding(f"reads as {intent}", reason)
    if analysis.sentiment < 0:
        what = f"sentiment {analysis.sentiment} is below 0"
        yield Finding(what, ReviewReason.NEGATIVE_SENTIMENT)
    if analysis.keywords:
        words = ", ".join(analysis.keywords)
        yield Finding(f"keywords: {words}", ReviewReason.KEYWORD_TRIGGER)
    if analysis.means(ReplyIntent.WRONG_PERSON):
        yield Finding("says this is not the person", ReviewReason.WRONG_PERSON)
    if analysis.intent is ReplyIntent.NOT_INTERESTED:
        yield Finding("is not interested", ReviewReason.NOT_INTERESTED)


def _deserves_answer(
    analysis: Analysis, suggested: str | None, about: Circumstances
) -> Finding:
    if suggested is None:
        because = "no approved template fits"
    elif about.ai_replies_today >= AI_REPLIES_PER_DAY:
        because = f"{AI_REPLIES_PER_DAY} answers today were enough"
    else:
        because = "a person approves the answer"
    what = f"{analysis.intent} deserves an answer: {because}"
    return Finding(what, ReviewReason.AI_FLAGGED)


def _is_grave(finding: Finding) -> bool:
    return finding.reason in {reason for _, reason in _GRAVE}


def _answerable(analysis: Analysis) -> bool:
    """A template may be offered: nothing grave, and the intent is believed."""
    grave = (ReplyIntent.UNSUBSCRIBE, *(intent for intent, _ in _GRAVE))
    return (
        not any(analysis.means(intent) for intent in grave)
        and not analysis.down
        and analysis.doubt is None
        and analysis.confidence >= CONFIDENT
        and analysis.sentiment >= 0
    )


def _fitting(analysis: Analysis, about: Circumstances) -> str | None:
    told = analysis.language != UNDETERMINED
    spoken = analysis.language if told else about.language
    for template in about.replies:
        if (
            template.approved
            and template.language == spoken
            and analysis.intent in template.intents
        ):
            return template.name
    return None


def _highest(
    findings: Sequence[Finding],
) -> tuple[ReviewReason, Priority] | None:
    """The finding with the highest priority, the first of equals."""
    reasons = [finding.reason for finding in findings if finding.reason is not None]
    if not reasons:
        return None
    top = max(reasons, key=lambda reason: PRIORITY_OF[reason].rank)
    return top, PRIORITY_OF[top]
