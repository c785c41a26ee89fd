"""What an analysis may say."""

from __future__ import annotations

import pytest

from outreach.domain.analysis import Analysis, Reply, ReplyIntent


def analysis(sentiment: int = 0, confidence: float = 0.5, by: str = "t/1") -> Analysis:
    return Analysis(ReplyIntent.NEUTRAL, sentiment, confidence, "ro", (), by)


@pytest.mark.parametrize("sentiment", [-101, 101])
def test_a_sentiment_out_of_range_is_refused(sentiment: int) -> None:
    with pytest.raises(ValueError, match="sentiment"):
        analysis(sentiment=sentiment)


@pytest.mark.parametrize("confidence", [-0.01, 1.01, float("nan")])
def test_a_confidence_out_of_range_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        analysis(confidence=confidence)


def test_the_ends_of_the_ranges_are_allowed() -> None:
    assert analysis(sentiment=-100, confidence=0.0).sentiment == -100
    assert analysis(sentiment=100, confidence=1.0).sentiment == 100


def test_an_analyser_must_name_itself() -> None:
    with pytest.raises(ValueError, match="by"):
        analysis(by="")


def test_media_with_a_caption_is_not_media_only() -> None:
    assert Reply(" \n", media=True).media_only
    assert not Reply("uitați", media=True).media_only
    assert not Reply("").media_only


def test_what_a_prospect_wrote_is_not_in_the_repr() -> None:
    assert "secret" not in repr(Reply("secret"))
