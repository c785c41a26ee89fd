"""What a sender can carry: the figures of the specification, and beyond them."""

from __future__ import annotations

import random
from datetime import timedelta
from math import inf
from statistics import mean, stdev
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.capacity import (
    Binding,
    Demand,
    capacity_deviation,
    capacity_per_sender_day,
    intake_per_sender_day,
    needed_per_sender_day,
    plan,
    senders_needed,
    sends_per_lead,
    sustainable_new_per_sender_day,
)
from outreach.domain.errors import Misconfigured
from outreach.domain.pacing import Pacing

NINE_HOURS = timedelta(hours=9)
ASKED = Demand(senders=20, new=200, followups=1, stop_rate=0.15)


def test_nine_hours_at_a_mean_gap_of_90_seconds_are_360_sends() -> None:
    assert capacity_per_sender_day() == 360
    assert round(capacity_deviation()) == 7


def test_a_send_that_takes_three_seconds_leaves_348() -> None:
    capacity = capacity_per_sender_day(send_time=timedelta(seconds=3))

    assert round(capacity) == 348
    assert capacity_deviation(send_time=timedelta(seconds=3)) < capacity_deviation()


def test_the_formula_agrees_with_days_drawn_gap_by_gap() -> None:
    rng, pacing = random.Random(11), Pacing()
    days = []
    for _ in range(200):
        sent, clock = 0, pacing.draw(rng)
        while clock < NINE_HOURS:
            sent, clock = sent + 1, clock + pacing.draw(rng)
        days.append(sent)

    assert mean(days) == pytest.approx(capacity_per_sender_day(), abs=2)
    assert stdev(days) == pytest.approx(capacity_deviation(), abs=1)


@pytest.mark.parametrize(
    ("followups", "needed"),
    [(0, 200), (1, 370), (2, 514.5), (3, 637.3)],
)
def test_200_new_leads_need_so_many_sends(followups: int, needed: float) -> None:
    assert round(needed_per_sender_day(200, followups, 0.15), 1) == needed


@pytest.mark.parametrize(
    ("followups", "sustainable"),
    [(1, 194.6), (2, 139.9), (3, 113.0), (4, 97.1)],
)
def test_so_many_new_leads_can_go_on_for_ever(
    followups: int,
    sustainable: float,
) -> None:
    assert round(sustainable_new_per_sender_day(360, followups, 0.15), 1) == sustainable


def test_the_daily_limit_binds_where_there_are_no_follow_ups() -> None:
    assert sustainable_new_per_sender_day(360, 0, 0.15) == 200
    assert sustainable_new_per_sender_day(360, 0, 0.15, limit=40) == 40
    assert plan(evolve(ASKED, followups=0)).binding is Binding.DAILY_LIMIT
    assert plan(evolve(ASKED, limit=194)).binding is Binding.DAILY_LIMIT
    assert plan(evolve(ASKED, limit=195)).binding is Binding.CAPACITY
    assert plan(evolve(ASKED, followups=1, stop_rate=0, limit=180)).binding is (
        Binding.DAILY_LIMIT
    )


def test_what_does_not_fit_says_how_many_senders_are_needed() -> None:
    answer = plan(ASKED)

    assert not answer.fits
    assert answer.binding is Binding.CAPACITY
    assert answer.senders_needed == 21  # 4,000 / 194.6
    assert answer.needed_per_sender_day == 370
    assert answer.days is None


def test_what_can_go_on_for_ever_fits_and_a_little_more_does_not() -> None:
    most = plan(ASKED).sustainable_new_per_sender_day

    assert plan(evolve(ASKED, new=most)).fits
    assert not plan(evolve(ASKED, new=most + 1e-6)).fits
    assert plan(evolve(ASKED, new=200, followups=0)).fits


def test_follow_ups_without_end_are_carried_only_if_leads_stop() -> None:
    stopping = plan(evolve(ASKED, followups=None))
    never = plan(evolve(ASKED, followups=None, stop_rate=0))

    assert stopping.sustainable_new_per_sender_day == pytest.approx(54)
    assert stopping.senders_needed == 75
    assert not stopping.fits
    assert never.needed_per_sender_day == inf
    assert never.sustainable_new_per_sender_day == 0
    assert never.senders_needed is None
    assert not never.fits


def test_nothing_asked_needs_nobody() -> None:
    answer = plan(evolve(ASKED, new=0, followups=None, stop_rate=0))

    assert answer.needed_per_sender_day == 0
    assert answer.senders_needed == 0
    assert answer.fits


def test_a_finite_batch_answers_in_days() -> None:
    batch = plan(evolve(ASKED, batch=8_000))
    endless = plan(evolve(ASKED, batch=8_000, followups=None, stop_rate=0))

    assert batch.fits
    assert batch.days == 3  # 8,000 / (20 x 194.6) = 2.06
    assert plan(evolve(ASKED, batch=0)).days == 0
    assert endless.days is None
    assert not endless.fits


@pytest.mark.parametrize(
    ("new", "sustainable", "senders"),
    [(4_000, 200, 20), (4_001, 200, 21), (0.3, 0.1, 3), (1, 200, 1), (0, 0, 0)],
)
def test_senders_are_whole_and_no_more_than_needed(
    new: float,
    sustainable: float,
    senders: int,
) -> None:
    assert senders_needed(new, sustainable) == senders


@given(st.integers(0, 40), st.floats(0, 1))
def test_each_further_follow_up_costs_less_and_the_sum_has_a_bound(
    followups: int,
    stop_rate: float,
) -> None:
    here = sends_per_lead(followups, stop_rate)
    further = sends_per_lead(followups + 1, stop_rate)

    assert here <= further <= here + 1
    assert further <= sends_per_lead(None, stop_rate) * (1 + 1e-12)


@given(
    st.floats(1, 1_000),
    st.integers(0, 10) | st.none(),
    st.floats(0.01, 1),
    st.integers(1, 200),
)
def test_what_is_sustainable_needs_no_more_than_the_capacity(
    capacity: float,
    followups: int | None,
    stop_rate: float,
    limit: int,
) -> None:
    new = sustainable_new_per_sender_day(capacity, followups, stop_rate, limit)

    needed = needed_per_sender_day(new, followups, stop_rate)

    assert needed <= capacity * (1 + 1e-12)
    assert new == limit or needed == pytest.approx(capacity)


@pytest.mark.parametrize(
    ("followups", "most"), [(0, 200), (1, 194), (2, 139), (3, 112), (4, 97)]
)
def test_a_phone_is_given_whole_leads_and_no_more_than_is_sustainable(
    followups: int, most: int
) -> None:
    mean = Pacing().mean

    assert intake_per_sender_day(NINE_HOURS, mean, followups, 0.15) == most


@given(st.integers(1, 24), st.integers(30, 7_200), st.integers(0, 10), st.floats(0, 1))
def test_what_a_phone_is_given_comes_to_no_more_sends_than_it_has(
    hours: int, gap: int, followups: int, stop_rate: float
) -> None:
    day, mean = timedelta(hours=hours), timedelta(seconds=gap)
    capacity = capacity_per_sender_day(day, mean)
    touches = sends_per_lead(followups, stop_rate)

    most = intake_per_sender_day(day, mean, followups, stop_rate)

    # A phone too slow for one lead a day still takes one.
    assert most * touches <= max(capacity * (1 + 1e-9), touches)
    assert 1 <= most <= 200
    assert most == 200 or (most + 1) * touches > capacity


@pytest.mark.parametrize(
    "figure",
    [
        {"senders": 0},
        {"new": -1.0},
        {"new": inf},
        {"followups": -1},
        {"followups": 1_001},
        {"stop_rate": 1.01},
        {"stop_rate": -0.01},
        {"hours": timedelta()},
        {"hours": timedelta(hours=25)},
        {"gap": timedelta(seconds=29)},
        {"send_time": timedelta(seconds=-1)},
        {"limit": 201},
        {"limit": -1},
        {"batch": -1},
    ],
)
def test_a_figure_that_cannot_be_is_named(figure: dict[str, Any]) -> None:
    (name,) = figure

    with pytest.raises(Misconfigured, match=f"plan with {name} = .*: give "):
        evolve(ASKED, **figure)


@pytest.mark.parametrize(
    "figure",
    [
        {"senders": 1},
        {"new": 0.0},
        {"followups": 0},
        {"followups": 1_000},
        {"stop_rate": 0.0},
        {"stop_rate": 1.0},
        {"hours": timedelta(hours=24)},
        {"gap": timedelta(seconds=30)},
        {"limit": 0},
        {"limit": 200},
        {"batch": 0},
    ],
)
def test_a_figure_at_the_edge_of_what_can_be_is_planned_with(
    figure: dict[str, Any],
) -> None:
    answer = plan(evolve(ASKED, **figure))

    assert answer.capacity_per_sender_day > 0
