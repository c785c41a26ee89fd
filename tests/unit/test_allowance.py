"""What a provider lets one account do: a bucket for calls, a plan for messages."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.allowance import (
    UNBOUND,
    Allowance,
    Period,
    PlanBudget,
    ends_at,
    is_plan,
    level_after,
    plan_key,
    room_in,
    used_up,
)

SECOND = timedelta(seconds=1)

bounded = st.builds(
    Allowance,
    rate=st.floats(0.01, 1_000),
    burst=st.integers(1, 100),
)


@given(bounded, st.lists(st.floats(0, 30), min_size=1, max_size=100))
def test_no_stretch_of_time_sees_more_calls_than_burst_and_rate_allow(
    allowance: Allowance, waits: list[float]
) -> None:
    level, now = float(allowance.burst), 0.0
    calls: list[float] = []

    for wait in waits:
        now += wait
        level = level_after(level, allowance, timedelta(seconds=wait))
        while level >= 1:
            level -= 1
            calls.append(now)

    for first, began in enumerate(calls):
        for last in range(first, len(calls)):
            most = allowance.burst + allowance.rate * (calls[last] - began)
            assert last - first + 1 <= most + 1e-3


@given(bounded, st.floats(0, 0.999))
def test_after_the_wait_there_is_a_call(allowance: Allowance, level: float) -> None:
    wait = room_in(level, allowance)

    assert wait > timedelta()
    assert level_after(level, allowance, wait) >= 1 - 1e-3


def test_an_account_without_a_rate_waits_for_nothing() -> None:
    assert room_in(0.0, UNBOUND) == timedelta()
    assert UNBOUND.limit(Period.DAY) is None
    assert UNBOUND.limit(Period.MONTH) is None


def test_a_clock_that_goes_back_empties_nothing() -> None:
    assert level_after(1.5, Allowance(rate=2, burst=3), -SECOND) == 1.5


@pytest.mark.parametrize(
    ("period", "day", "key", "end"),
    [
        (Period.DAY, date(2026, 12, 31), "plan_day:2026-12-31", (2027, 1, 1)),
        (Period.MONTH, date(2026, 12, 31), "plan_month:2026-12", (2027, 1, 1)),
        (Period.MONTH, date(2028, 2, 1), "plan_month:2028-02", (2028, 3, 1)),
    ],
)
def test_a_period_is_a_day_or_month_of_utc(
    period: Period, day: date, key: str, end: tuple[int, int, int]
) -> None:
    assert plan_key(period, day) == key
    assert is_plan(key)
    assert ends_at(period, day) == datetime(*end, tzinfo=UTC)


@pytest.mark.parametrize(
    ("used", "says"),
    [(79, [False, False]), (80, [True, False]), (100, [True, True])],
)
def test_80_percent_is_nearly_full(used: int, says: list[bool]) -> None:
    plan = PlanBudget(
        "plan_day:2026-12-01", used, 100, datetime(2026, 12, 2, tzinfo=UTC)
    )

    assert [plan.is_nearly_full, plan.is_full] == says


def test_people_read_what_is_used_of_what() -> None:
    assert used_up("plan_month:2026-12", 9, 10) == (
        "the provider account has used 9 of 10 messages of its month 2026-12"
    )


@pytest.mark.parametrize(
    "facts", [{"rate": -1}, {"burst": 0}, {"per_day": -1}, {"per_month": -1}]
)
def test_a_bound_that_cannot_be_is_refused(facts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(facts))):
        Allowance(**facts)
