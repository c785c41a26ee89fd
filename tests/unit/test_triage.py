"""The table of triage, row by row, at its exact thresholds."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.analysis import Analysis, ReplyIntent
from outreach.domain.review import PRIORITY_OF, Priority, ReviewReason
from outreach.domain.triage import (
    AI_REPLIES_PER_DAY,
    Circumstances,
    ReplyTemplate,
    SuggestReply,
    triage,
    triage_bounce,
    triage_unknown_send,
)

TODAY: Final = date(2026, 3, 2)
WELCOME: Final = ReplyTemplate(
    "welcome", "ro", frozenset({ReplyIntent.INTERESTED}), approved=True
)
GLAD: Final = Analysis(
    intent=ReplyIntent.INTERESTED,
    sentiment=70,
    confidence=0.9,
    language="ro",
    keywords=(),
    by="test/1",
)
USUAL: Final = Circumstances(
    received_on=TODAY, warm=True, language="en", replies=(WELCOME,)
)
ALONE: Final = evolve(USUAL, unattended=True)

analyses = st.builds(
    Analysis,
    intent=st.sampled_from(ReplyIntent),
    sentiment=st.integers(-100, 100) | st.sampled_from([-1, 0, 49, 50]),
    confidence=st.floats(0, 1) | st.sampled_from([0.69, 0.7]),
    language=st.sampled_from(["ro", "en", "und"]),
    keywords=st.sampled_from([(), ("preț",)]),
    by=st.just("test/1"),
    resumes_on=st.none() | st.dates(date(2025, 1, 1), date(2028, 1, 1)),
    also=st.lists(st.sampled_from(ReplyIntent), max_size=3).map(tuple),
    down=st.booleans(),
)
circumstances = st.builds(
    Circumstances,
    received_on=st.just(TODAY),
    warm=st.booleans(),
    language=st.sampled_from(["ro", "en"]),
    media_only=st.booleans(),
    late=st.booleans(),
    replies=st.sampled_from([(), (WELCOME,)]),
    ai_replies_today=st.integers(0, 3),
    unattended=st.booleans(),
)


def call(analysis: Analysis, about: Circumstances = USUAL) -> ReviewReason | None:
    review = triage(analysis, about).review
    return None if review is None else review[0]


@pytest.mark.parametrize(
    ("analysis", "reason", "priority"),
    [
        (
            evolve(GLAD, intent=ReplyIntent.COMPLAINT),
            ReviewReason.COMPLAINT,
            Priority.URGENT,
        ),
        (
            evolve(GLAD, intent=ReplyIntent.LEGAL_THREAT),
            ReviewReason.LEGAL_THREAT,
            Priority.URGENT,
        ),
        (evolve(GLAD, sentiment=-1), ReviewReason.NEGATIVE_SENTIMENT, Priority.URGENT),
        (evolve(GLAD, sentiment=0), ReviewReason.LOW_SENTIMENT, Priority.MEDIUM),
        (evolve(GLAD, sentiment=49), ReviewReason.LOW_SENTIMENT, Priority.MEDIUM),
        (evolve(GLAD, sentiment=50), ReviewReason.AI_FLAGGED, Priority.MEDIUM),
        (
            evolve(GLAD, keywords=("preț",)),
            ReviewReason.KEYWORD_TRIGGER,
            Priority.HIGH,
        ),
        (
            evolve(GLAD, intent=ReplyIntent.WRONG_PERSON),
            ReviewReason.WRONG_PERSON,
            Priority.MEDIUM,
        ),
        (
            evolve(GLAD, intent=ReplyIntent.NOT_INTERESTED),
            ReviewReason.NOT_INTERESTED,
            Priority.MEDIUM,
        ),
        (evolve(GLAD, confidence=0.69), ReviewReason.AI_UNCERTAIN, Priority.MEDIUM),
        (evolve(GLAD, confidence=0.7), ReviewReason.AI_FLAGGED, Priority.MEDIUM),
        (evolve(GLAD, down=True), ReviewReason.AI_UNCERTAIN, Priority.MEDIUM),
    ],
)
def test_each_finding_has_its_reason_and_priority(
    analysis: Analysis, reason: ReviewReason, priority: Priority
) -> None:
    assert triage(analysis, USUAL).review == (reason, priority)


def test_at_sentiment_50_the_machine_may_answer_and_at_49_it_may_not() -> None:
    at_50 = triage(evolve(GLAD, sentiment=50), ALONE)
    at_49 = triage(evolve(GLAD, sentiment=49), ALONE)

    assert at_50.review is None
    assert at_50.reply == SuggestReply("welcome", unattended=True)
    assert at_49.review == (ReviewReason.LOW_SENTIMENT, Priority.MEDIUM)
    assert at_49.reply == SuggestReply("welcome", unattended=False)


def test_at_confidence_07_the_machine_may_answer_and_below_it_may_not() -> None:
    assert triage(evolve(GLAD, confidence=0.7), ALONE).review is None
    assert call(evolve(GLAD, confidence=0.6999), ALONE) is ReviewReason.AI_UNCERTAIN


def test_media_without_text_is_looked_at_for_that_reason_alone() -> None:
    silent = evolve(GLAD, intent=ReplyIntent.NEUTRAL, sentiment=0, confidence=0.0)

    answer = triage(silent, evolve(USUAL, media_only=True))

    assert answer.review == (ReviewReason.MEDIA_ONLY, Priority.MEDIUM)
    assert answer.stop_sequences
    assert [finding.reason for finding in answer.reasons] == [ReviewReason.MEDIA_ONLY]


def test_of_several_findings_the_highest_wins_and_all_are_told() -> None:
    mixed = evolve(
        GLAD,
        intent=ReplyIntent.NOT_INTERESTED,
        sentiment=-5,
        confidence=0.5,
        keywords=("preț", "manager"),
    )

    answer = triage(mixed, USUAL)

    assert answer.review == (ReviewReason.NEGATIVE_SENTIMENT, Priority.URGENT)
    assert [finding.reason for finding in answer.reasons] == [
        ReviewReason.NEGATIVE_SENTIMENT,
        ReviewReason.KEYWORD_TRIGGER,
        ReviewReason.NOT_INTERESTED,
        ReviewReason.AI_UNCERTAIN,
    ]
    assert "preț, manager" in answer.reasons[1].what


def test_a_keyword_wins_over_a_refusal() -> None:
    refusal = evolve(GLAD, intent=ReplyIntent.NOT_INTERESTED, keywords=("preț",))

    assert call(refusal) is ReviewReason.KEYWORD_TRIGGER


def test_an_opt_out_suppresses_and_opens_nothing_whatever_else_is_found() -> None:
    opt_out = evolve(
        GLAD,
        intent=ReplyIntent.UNSUBSCRIBE,
        sentiment=-80,
        confidence=0.1,
        keywords=("stop", "avocat"),
        also=(ReplyIntent.WRONG_PERSON,),
    )

    answer = triage(opt_out, evolve(ALONE, late=True))

    assert answer.suppress
    assert answer.stop_sequences
    assert answer.review is None
    assert answer.reply is None
    assert not answer.proposes_dead


@pytest.mark.parametrize(
    ("grave", "reason"),
    [
        (ReplyIntent.COMPLAINT, ReviewReason.COMPLAINT),
        (ReplyIntent.LEGAL_THREAT, ReviewReason.LEGAL_THREAT),
    ],
)
def test_an_opt_out_with_a_grave_matter_is_suppressed_and_urgent(
    grave: ReplyIntent, reason: ReviewReason
) -> None:
    first = evolve(GLAD, intent=ReplyIntent.UNSUBSCRIBE, also=(grave,))
    second = evolve(GLAD, intent=grave, also=(ReplyIntent.UNSUBSCRIBE,))

    for analysis in (first, second):
        answer = triage(analysis, USUAL)

        assert answer.suppress
        assert answer.review == (reason, Priority.URGENT)
        assert answer.reply is None


def test_a_polite_opt_out_at_plus_80_is_still_one() -> None:
    answer = triage(evolve(GLAD, intent=ReplyIntent.UNSUBSCRIBE, sentiment=80), ALONE)

    assert answer.suppress
    assert answer.review is None
    assert answer.reply is None


@pytest.mark.parametrize(
    ("stated", "resumes"),
    [
        (date(2026, 6, 15), date(2026, 6, 16)),
        (TODAY, TODAY + timedelta(days=1)),
        (TODAY - timedelta(days=1), TODAY + timedelta(days=14)),
        (TODAY + timedelta(days=366), TODAY + timedelta(days=367)),
        (TODAY + timedelta(days=367), TODAY + timedelta(days=14)),
        (None, TODAY + timedelta(days=14)),
    ],
)
def test_an_absence_pauses_until_after_the_stated_day_else_for_14_days(
    stated: date | None, resumes: date
) -> None:
    away = evolve(
        GLAD,
        intent=ReplyIntent.OUT_OF_OFFICE,
        keywords=("urgent",),
        sentiment=-10,
        confidence=0.1,
        resumes_on=stated,
    )

    answer = triage(away, ALONE)

    assert answer.resumes_on == resumes
    assert not answer.stop_sequences
    assert answer.review is None
    assert answer.reply is None


@pytest.mark.parametrize(
    ("also", "reason"),
    [
        (ReplyIntent.COMPLAINT, ReviewReason.COMPLAINT),
        (ReplyIntent.WRONG_PERSON, ReviewReason.WRONG_PERSON),
        (ReplyIntent.INTERESTED, ReviewReason.AI_FLAGGED),
    ],
)
def test_an_absence_that_says_more_is_a_reply(
    also: ReplyIntent, reason: ReviewReason
) -> None:
    away = evolve(GLAD, intent=ReplyIntent.OUT_OF_OFFICE, also=(also,))

    answer = triage(away, USUAL)

    assert answer.stop_sequences
    assert answer.resumes_on is None
    assert call(away) is reason


def test_a_refusal_proposes_the_end_and_a_contradicted_one_does_not() -> None:
    refusal = evolve(GLAD, intent=ReplyIntent.NOT_INTERESTED)
    both = evolve(GLAD, also=(ReplyIntent.NOT_INTERESTED,))

    assert triage(refusal, USUAL).proposes_dead
    assert not triage(both, USUAL).proposes_dead


def test_a_late_reply_is_looked_at() -> None:
    assert call(GLAD, evolve(ALONE, late=True)) is ReviewReason.LATE_REPLY


def test_an_unapproved_template_is_never_offered() -> None:
    draft = evolve(WELCOME, name="draft", approved=False)

    assert triage(GLAD, evolve(ALONE, replies=(draft,))).reply is None
    assert triage(GLAD, evolve(ALONE, replies=(draft, WELCOME))).reply == (
        SuggestReply("welcome", unattended=True)
    )


def test_a_template_must_fit_language_and_intent() -> None:
    english = evolve(WELCOME, name="english", language="en")
    asked = evolve(WELCOME, name="asked", intents=frozenset({ReplyIntent.QUESTION}))
    about = evolve(USUAL, replies=(english, asked, WELCOME))

    assert triage(GLAD, about).reply == SuggestReply("welcome", unattended=False)
    assert triage(evolve(GLAD, language="ru"), about).reply is None
    assert triage(evolve(GLAD, language="und"), about).reply == (
        SuggestReply("english", unattended=False)
    )


def test_the_machine_answers_a_lead_twice_a_day_and_then_a_person_does() -> None:
    second = triage(GLAD, evolve(ALONE, ai_replies_today=AI_REPLIES_PER_DAY - 1))
    third = triage(GLAD, evolve(ALONE, ai_replies_today=AI_REPLIES_PER_DAY))

    assert AI_REPLIES_PER_DAY == 2
    assert second.review is None
    assert third.review == (ReviewReason.AI_FLAGGED, Priority.MEDIUM)
    assert third.reply == SuggestReply("welcome", unattended=False)


def test_a_lead_that_may_not_be_answered_is_offered_nothing() -> None:
    answer = triage(GLAD, evolve(ALONE, warm=False))

    assert answer.reply is None
    assert answer.review == (ReviewReason.AI_FLAGGED, Priority.MEDIUM)


def test_a_bounce_matters_when_no_channel_is_left() -> None:
    last = triage_bounce(channel_left=False)
    other = triage_bounce(channel_left=True)

    assert last.review == (ReviewReason.BOUNCE_DETECTED, Priority.LOW)
    assert last.stop_sequences
    assert other.review is None
    assert not other.stop_sequences


def test_an_unknown_send_matters_to_a_warm_lead() -> None:
    warm = triage_unknown_send(warm=True)

    assert warm.review == (ReviewReason.SEND_UNCERTAIN, Priority.URGENT)
    assert triage_unknown_send(warm=False).review is None


@given(analysis=analyses, about=circumstances)
def test_no_reply_is_lost_and_nothing_goes_out_that_should_not(
    analysis: Analysis, about: Circumstances
) -> None:
    answer = triage(analysis, about)

    alone = answer.reply is not None and answer.reply.unattended
    assert answer.suppress == analysis.means(ReplyIntent.UNSUBSCRIBE)
    assert (answer.resumes_on is None) == answer.stop_sequences
    assert answer.resumes_on is None or answer.resumes_on > about.received_on
    assert answer.reasons
    assert sum([answer.review is not None, alone]) <= 1
    if not answer.suppress and answer.resumes_on is None:
        assert answer.review is not None or alone
    if alone:
        assert about.unattended
        assert about.warm
        assert about.ai_replies_today < AI_REPLIES_PER_DAY
        assert analysis.sentiment >= 50
        assert analysis.confidence >= 0.7
        assert not analysis.keywords
        assert not analysis.down


@given(analysis=analyses, about=circumstances)
def test_the_item_is_as_urgent_as_its_most_urgent_finding(
    analysis: Analysis, about: Circumstances
) -> None:
    answer = triage(analysis, about)

    if answer.review is not None:
        reason, priority = answer.review
        found = [f.priority for f in answer.reasons if f.priority is not None]
        assert priority == max(found)
        assert priority is PRIORITY_OF[reason]
        assert reason in {finding.reason for finding in answer.reasons}
