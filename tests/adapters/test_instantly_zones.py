"""The vendor's schedule lies inside our window, whatever the zone (INV-4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vendor_specs import vendor_spec

from outreach.adapters.instantly.zone_list import VENDOR_ZONES
from outreach.adapters.instantly.zones import SHORTEST, Schedule, schedule
from outreach.domain.window import Hours, Window

TODAY: Final = date(2026, 12, 1)
OPENS: Final = time(9)
CLOSES: Final = time(18)
WEEK: Final = frozenset({1, 2, 3, 4, 5})
A_MINUTE: Final = timedelta(minutes=1)
ZONES: Final = sorted(available_timezones() - {"Factory", "localtime"})


def open_instants(
    there: Schedule, zone: str, days: frozenset[int] = WEEK
) -> Iterator[datetime]:
    """Of a year: first and last of each day; each quarter near a change of a clock."""
    theirs, ours = ZoneInfo(there.zone), ZoneInfo(zone)
    before = None
    for number in range(366):
        day = TODAY + timedelta(days=number)
        begin = datetime.combine(day, there.opens, theirs).astimezone(UTC)
        end = datetime.combine(day, there.closes, theirs).astimezone(UTC) - A_MINUTE
        stands = (
            begin.astimezone(theirs).utcoffset(),
            end.astimezone(theirs).utcoffset(),
            begin.astimezone(ours).utcoffset(),
            end.astimezone(ours).utcoffset(),
        )
        changes, before = stands != before, stands
        if day.isoweekday() not in days:
            continue
        yield from (begin, end)
        while changes and begin < end:
            yield begin
            begin += 15 * A_MINUTE


@pytest.mark.parametrize("part", range(4))
def test_whenever_a_schedule_is_open_our_window_is_open_in_every_zone_there_is(
    part: int,
) -> None:
    for zone in ZONES[part::4]:
        there = schedule(zone, OPENS, CLOSES, WEEK, TODAY)

        assert there is not None, zone
        assert there.zone in VENDOR_ZONES
        info = ZoneInfo(zone)
        for at in open_instants(there, zone):
            local = at.astimezone(info)
            is_open = OPENS <= local.time() < CLOSES and local.isoweekday() in WEEK
            assert is_open, (zone, there, at)


@pytest.mark.parametrize(
    "zone",
    [
        *("Europe/Chisinau", "America/Havana", "Asia/Gaza", "America/New_York"),
        *("Pacific/Norfolk", "Pacific/Chatham", "Antarctica/Troll", "America/Nuuk"),
    ],
)
def test_hours_at_which_clocks_are_changed_are_cut_where_others_are_not(
    zone: str,
) -> None:
    opens, closes, days = time(0, 30), time(5), frozenset(range(1, 8))
    there = schedule(zone, opens, closes, days, TODAY)

    assert there is not None
    for at in open_instants(there, zone, days):
        local = at.astimezone(ZoneInfo(zone))
        assert opens <= local.time() < closes, (there, at)


@given(
    zone=st.sampled_from(ZONES),
    opens=st.integers(0, 23 * 60 + 59),
    closes=st.integers(0, 23 * 60 + 59),
    days=st.frozensets(st.integers(1, 7), min_size=1),
    day=st.integers(0, 365),
    minute=st.integers(0, 24 * 60 - 1),
)
def test_any_hours_and_days_lie_inside_the_window(
    zone: str, opens: int, closes: int, days: frozenset[int], day: int, minute: int
) -> None:
    first, last = time(*divmod(opens, 60)), time(*divmod(closes, 60))
    if closes and closes <= opens:
        first, last = last, first
    if first == last:
        last = time(0)

    there = schedule(zone, first, last, days, TODAY)

    if there is None:
        return
    length = timedelta(
        hours=there.closes.hour - there.opens.hour,
        minutes=there.closes.minute - there.opens.minute,
    )
    assert length >= SHORTEST
    hours = Hours(first, last, days={day - 1 for day in days})
    window = Window((zone,), hours)
    at = datetime.combine(TODAY, time(*divmod(minute, 60)), ZoneInfo(there.zone))
    at += timedelta(days=day)
    is_theirs = there.opens <= at.time() < there.closes and at.isoweekday() in days
    real = at.astimezone(UTC).astimezone(ZoneInfo(there.zone))
    if is_theirs and real.time() == at.time():
        assert window.is_open(at.astimezone(UTC))


@pytest.mark.parametrize(
    ("zone", "taken", "opens", "closes"),
    [
        ("Europe/Bucharest", "Europe/Bucharest", 9, 18),
        ("Europe/London", "Europe/Isle_of_Man", 9, 18),
        ("Europe/Berlin", "Europe/Belgrade", 9, 18),
        ("Europe/Chisinau", "Europe/Bucharest", 9, 18),
        ("Europe/Moscow", "Europe/Istanbul", 9, 18),
        ("America/New_York", "America/Detroit", 9, 18),
        ("Asia/Calcutta", "Asia/Kolkata", 9, 18),
        ("Asia/Tokyo", "Asia/Dili", 9, 18),
        ("UTC", "America/Danmarkshavn", 9, 18),
        ("America/Los_Angeles", "America/Anchorage", 8, 17),
    ],
)
def test_a_zone_that_the_vendor_lacks_is_the_nearest_that_it_has(
    zone: str, taken: str, opens: int, closes: int
) -> None:
    there = schedule(zone, OPENS, CLOSES, WEEK, TODAY)

    assert there == Schedule(taken, time(opens), time(closes))


def test_a_window_too_short_for_any_zone_is_told_as_none() -> None:
    assert schedule("America/Los_Angeles", time(9), time(9, 50), WEEK, TODAY) is None


def test_the_list_is_the_vendors() -> None:
    spec = vendor_spec("instantly.json").document
    create = spec["paths"]["/api/v2/campaigns"]["post"]["requestBody"]
    body: Any = create["content"]["application/json"]["schema"]["properties"]
    listed = body["campaign_schedule"]["properties"]["schedules"]["items"]

    assert list(VENDOR_ZONES) == listed["properties"]["timezone"]["enum"]
