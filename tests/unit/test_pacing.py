"""How long a sender waits."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured
from outreach.domain.new_sender import NewSender
from outreach.domain.pacing import GAP, JITTER, Backoff, Pacing, ready

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


class Fixed(random.Random):
    """Draws one number only."""

    def __init__(self, drawn: float) -> None:
        super().__init__()
        self.drawn = drawn

    def random(self) -> float:
        return self.drawn


LOWEST, HIGHEST = Fixed(0.0), Fixed(1.0)


@given(
    st.timedeltas(GAP, timedelta(hours=1)),
    st.timedeltas(timedelta(), timedelta(hours=1)),
    st.randoms(use_true_random=False),
)
def test_a_gap_is_at_least_the_gap_and_at_most_the_jitter_more(
    gap: timedelta,
    jitter: timedelta,
    rng: random.Random,
) -> None:
    drawn = Pacing(gap, jitter).draw(rng)

    assert gap <= drawn <= gap + jitter


def test_a_phone_waits_30_seconds_and_up_to_two_minutes_more() -> None:
    assert Pacing().draw(LOWEST) == seconds(30)
    assert Pacing().draw(HIGHEST) == seconds(150)
    assert Pacing().mean == seconds(90)
    assert Pacing() == Pacing(GAP, JITTER)


def test_gaps_are_even() -> None:
    rng = random.Random(7)

    drawn = [Pacing().draw(rng).total_seconds() for _ in range(4_000)]

    for quarter in range(4):
        low = 30 + 30 * quarter
        assert 900 <= sum(low <= each < low + 30 for each in drawn) <= 1_100


def test_the_same_seed_draws_the_same_gaps() -> None:
    one, two = random.Random(3), random.Random(3)

    assert [Pacing().draw(one) for _ in range(9)] == [
        Pacing().draw(two) for _ in range(9)
    ]


def test_no_setting_puts_sends_of_a_phone_closer_than_30_seconds() -> None:
    short = Pacing(gap=GAP - MICROSECOND)

    with pytest.raises(Misconfigured, match="at least 30 s"):
        short.demand(Channel.WHATSAPP)
    with pytest.raises(Misconfigured, match="at least 30 s"):
        NewSender("+40722000001", "timelinesai", "UTC", pacing=short)


def test_30_seconds_are_enough_for_a_phone() -> None:
    Pacing(gap=GAP).demand(Channel.WHATSAPP)

    assert NewSender("+40722000001", "timelinesai", "UTC").pacing.gap == GAP


def test_a_mailbox_may_be_paced_by_its_vendor() -> None:
    none = Pacing(timedelta(), timedelta())

    none.demand(Channel.EMAIL_COLD)

    assert none.draw(HIGHEST) == timedelta()


def test_a_gap_is_not_negative() -> None:
    with pytest.raises(Misconfigured, match="gap"):
        Pacing(gap=-MICROSECOND)


def test_a_jitter_is_not_negative() -> None:
    with pytest.raises(Misconfigured, match="jitter"):
        Pacing(jitter=-MICROSECOND)


@pytest.mark.parametrize(
    ("failures", "shortest", "longest"),
    [
        (1, 30, 37.5),
        (2, 60, 75),
        (3, 120, 150),
        (7, 1_920, 2_400),
        (8, 2_880, 3_600),
        (9, 2_880, 3_600),
        (1_000_000, 2_880, 3_600),
    ],
)
def test_a_wait_doubles_from_30_seconds_to_an_hour(
    failures: int,
    shortest: float,
    longest: float,
) -> None:
    assert Backoff().wait(failures, LOWEST) == seconds(shortest)
    assert Backoff().wait(failures, HIGHEST) == seconds(longest)


@given(
    st.timedeltas(MICROSECOND, timedelta(hours=2)),
    st.timedeltas(timedelta(), timedelta(days=2)),
    st.integers(1, 200),
    st.randoms(use_true_random=False),
)
def test_a_wait_is_never_under_the_first_nor_over_the_ceiling(
    first: timedelta,
    more: timedelta,
    failures: int,
    rng: random.Random,
) -> None:
    backoff = Backoff(first, first + more)

    assert first <= backoff.wait(failures, rng) <= first + more
    assert backoff.wait(failures, LOWEST) <= backoff.wait(failures + 1, LOWEST)


def test_there_is_no_wait_before_the_first_failure() -> None:
    with pytest.raises(ValueError, match="0 failures"):
        Backoff().wait(0, LOWEST)


@pytest.mark.parametrize(("first", "ceiling"), [(0, 60), (61, 60), (-1, 60)])
def test_a_back_off_out_of_order_is_refused(first: int, ceiling: int) -> None:
    with pytest.raises(Misconfigured, match="back-off"):
        Backoff(seconds(first), seconds(ceiling))


def test_a_lane_is_ready_when_its_gate_has_come() -> None:
    assert ready(None, NOW)
    assert ready(NOW, NOW)
    assert ready(NOW - MICROSECOND, NOW)
    assert not ready(NOW + MICROSECOND, NOW)
