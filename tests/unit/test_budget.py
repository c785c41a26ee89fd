"""Units: the warm-up ramp, and the last unit of a day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cases import uid

from outreach.domain.budget import (
    HARD_LIMIT,
    Grant,
    GuardCode,
    Units,
    UnitSlot,
    WarmUp,
    effective_limit,
    has_room,
)
from outreach.domain.ids import IntentId, SenderId

DAY = date(2026, 3, 4)
A_DAY = timedelta(days=1)

RAMPS = st.builds(
    WarmUp, began=st.just(DAY), days=st.integers(0, 40), start=st.integers(0, 300)
)
LIMITS = st.integers(0, 400)


def test_the_hard_limit_is_two_hundred() -> None:
    assert HARD_LIMIT == 200


@pytest.mark.parametrize(
    ("used", "external", "limit", "room"),
    [
        (199, 0, 200, True),
        (200, 0, 200, False),
        (201, 0, 200, False),
        (150, 49, 200, True),
        (150, 50, 200, False),
        (0, 500, 200, False),
        (0, 0, 0, False),
        (0, 0, 1, True),
    ],
)
def test_the_last_unit_fits_and_the_one_after_it_does_not(
    *, used: int, external: int, limit: int, room: bool
) -> None:
    assert has_room(used=used, external=external, limit=limit) is room


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 200))
def test_units_that_are_taken_while_there_is_room_never_pass_the_limit(
    used: int, external: int, limit: int
) -> None:
    if has_room(used=used, external=external, limit=limit):
        assert used + 1 + external <= limit


def test_a_phone_that_does_not_warm_up_has_its_limit() -> None:
    assert effective_limit(40, None, DAY) == 40
    assert effective_limit(40, WarmUp(DAY, days=0), DAY) == 40
    assert effective_limit(40, WarmUp(DAY, days=1), DAY) == 40


def test_no_setting_raises_a_limit_over_the_hard_one() -> None:
    assert effective_limit(1_000, None, DAY) == HARD_LIMIT
    assert effective_limit(1_000, WarmUp(DAY, days=5, start=900), DAY) == HARD_LIMIT


def test_a_ramp_goes_straight_from_its_start_to_the_limit() -> None:
    ramp = WarmUp(DAY, days=14, start=15)

    limits = [effective_limit(200, ramp, DAY + n * A_DAY) for n in range(16)]

    assert limits == [
        *(15 + 185 * n // 13 for n in range(14)),
        200,
        200,
    ]
    assert limits[0] == 15
    assert limits[13] == 200


@given(RAMPS, LIMITS)
def test_a_ramp_never_falls_and_never_passes_the_limit(
    ramp: WarmUp, limit: int
) -> None:
    limits = [effective_limit(limit, ramp, DAY + n * A_DAY) for n in range(-3, 45)]

    assert limits == sorted(limits)
    assert all(0 <= one <= min(limit, HARD_LIMIT) for one in limits)
    assert limits[-1] == min(limit, HARD_LIMIT)


@given(RAMPS, LIMITS)
def test_before_a_ramp_began_its_first_days_limit_holds(
    ramp: WarmUp, limit: int
) -> None:
    before = effective_limit(limit, ramp, DAY - 10 * A_DAY)

    assert before == effective_limit(limit, ramp, DAY)


def test_a_ramp_of_less_than_no_days_is_refused() -> None:
    with pytest.raises(ValueError, match="days"):
        WarmUp(DAY, days=-1)
    with pytest.raises(ValueError, match="start"):
        WarmUp(DAY, days=1, start=-1)


def test_what_remains_is_never_below_nothing() -> None:
    assert Grant(GuardCode.OK, used=3, limit=10).remaining == 7
    assert Grant(GuardCode.QUOTA_EXCEEDED, used=12, limit=10).remaining == 0


def test_the_use_of_a_slot_is_the_number_of_its_ids() -> None:
    units = Units(
        slot=UnitSlot(SenderId(uid(1)), DAY),
        ids=(IntentId(uid(2)), IntentId(uid(3))),
        external=5,
        effective=40,
        epoch=1,
        expires_in=A_DAY,
    )

    assert units.used == 2
