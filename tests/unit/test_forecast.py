"""Days played through slot by slot, held against the closed formulas."""

from __future__ import annotations

import random
from datetime import timedelta
from statistics import mean

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.capacity import Demand, plan
from outreach.domain.forecast import BOUND, ForecastDay, forecast, late_on

ASKED = Demand(senders=20, new=200, followups=1, stop_rate=0.15)


def played(demand: Demand, days: int = 60, seed: int = 0) -> list[ForecastDay]:
    return list(forecast(demand, days, random.Random(seed)))


@pytest.mark.parametrize(
    ("followups", "sustainable"), [(1, 194.6), (2, 139.9), (3, 113.0), (4, 97.1)]
)
def test_what_the_formula_calls_sustainable_stays_within_its_bound_and_more_does_not(
    followups: int, sustainable: float
) -> None:
    less = evolve(ASKED, followups=followups, new=0.97 * sustainable)
    more = evolve(ASKED, followups=followups, new=1.05 * sustainable)

    assert plan(less).fits
    assert late_on(iter(played(less, 250))) is None
    assert not plan(more).fits
    assert late_on(iter(played(more, 250))) is not None


@pytest.mark.parametrize("followups", [2, 3, 4])
def test_a_phone_that_never_rests_takes_what_is_sustainable(followups: int) -> None:
    demand = evolve(ASKED, followups=followups, new=200)

    days = played(demand, 300)[50:]

    formula = plan(demand)
    assert mean(day.new + day.followups for day in days) == pytest.approx(360, abs=2)
    assert mean(day.new for day in days) == pytest.approx(
        formula.sustainable_new_per_sender_day, rel=0.02
    )


def test_two_hundred_a_day_with_follow_ups_without_end_are_soon_late() -> None:
    days = played(evolve(ASKED, followups=None))

    assert late_on(iter(days)) is not None
    assert max(day.oldest_followup for day in days) < 1 + BOUND
    assert days[-1].waiting > days[10].waiting


DEMANDS = st.builds(
    Demand,
    senders=st.just(3),
    new=st.floats(0, 260),
    followups=st.none() | st.integers(0, 5),
    stop_rate=st.floats(0, 1),
    hours=st.integers(1, 12).map(lambda hours: timedelta(hours=hours)),
    limit=st.integers(0, 200),
    batch=st.none() | st.integers(0, 4_000),
)


@given(demand=DEMANDS, seed=st.integers(0, 99))
def test_nobody_is_lost_and_no_limit_is_passed(demand: Demand, seed: int) -> None:
    days = played(demand, 12, seed)

    share = None if demand.batch is None else -(-demand.batch // demand.senders)
    for day in days:
        came = int(demand.new * day.day + 1e-6)
        came = came if share is None else min(came, share)
        assert day.new <= demand.limit
        assert day.new + day.followups <= demand.hours.total_seconds() / 30
        assert sum(d.new for d in days[: day.day]) + day.waiting == came
    if demand.followups == 0 or demand.stop_rate == 1:
        assert not any(day.followups or day.due for day in days)


def test_half_the_free_slots_are_for_new_contacts_while_no_follow_up_is_late() -> None:
    second = played(evolve(ASKED, new=200, followups=None, stop_rate=0.0), 2)[1]

    assert second.new >= (second.new + second.followups) // 2 - 1


def test_the_same_seed_gives_the_same_days() -> None:
    assert played(ASKED) == played(ASKED)
    assert played(ASKED) != played(ASKED, seed=1)
