"""When a prospect may be written to, against a clock read minute by minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.errors import Misconfigured
from outreach.domain.window import (
    HORIZON,
    Hours,
    Window,
    local_day,
    local_instant,
    next_midnight,
    start_of_day,
)

BUCHAREST = Window(("Europe/Bucharest",))
MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
# Long enough for a weekend with holidays before and after it, as a rule.
FAR = timedelta(days=4)
# No clock here is put back further than that.
WARM_UP_MINUTES = 6 * 60
ZONES = sorted(available_timezones() - {"Factory", "localtime", "posixrules"})
# Clocks that jump: an hour, half an hour, a whole day, at and over midnight.
JUMPS = [
    ("Europe/Bucharest", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Bucharest", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ("America/Goose_Bay", datetime(2010, 11, 7, 3, 1, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 3, 8, 5, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 1, 1, 12, tzinfo=UTC)),
]


def bucharest(text: str) -> datetime:
    """The instant at which Bucharest's winter clock (UTC+2) shows *text*."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) - timedelta(hours=2)


def clock(zone: str, at: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Minute by minute from *at*, the latest reading the clock has had so far."""
    info = ZoneInfo(zone)
    latest = (at - timedelta(days=9)).replace(tzinfo=None)
    for minute in count(-WARM_UP_MINUTES):
        now = at + minute * MINUTE
        latest = max(latest, now.astimezone(info).replace(tzinfo=None))
        if minute >= 0:
            yield now, latest


def shows_open(window: Window, reading: datetime) -> bool:
    """Open from the moment the clock has shown opening until it has shown closing."""
    hours, day = window.hours, reading.date()
    return (
        day.weekday() in hours.days
        and day not in window.holidays
        and hours.opens <= reading.time()
        and (reading.time() < hours.closes or hours.closes == time(0))
    )


def minutes_of_day() -> st.SearchStrategy[time]:
    return st.builds(time, st.integers(0, 23), st.integers(0, 59))


def moments() -> st.SearchStrategy[tuple[str, datetime]]:
    """A zone and a minute, half of them near a jump of its clock."""
    anywhere = st.tuples(
        st.sampled_from(ZONES),
        st.integers(0, 25 * 365 * 24 * 60).map(
            lambda minute: datetime(2005, 1, 1, tzinfo=UTC) + minute * MINUTE,
        ),
    )
    near = st.builds(
        lambda jump, minute: (jump[0], jump[1] + minute * MINUTE),
        st.sampled_from(JUMPS),
        st.integers(-1_500, 1_500),
    )
    return st.one_of(anywhere, near)


def days_off() -> st.SearchStrategy[set[int]]:
    """Holidays, counted from the day of the moment."""
    return st.sets(st.integers(-1, 3), max_size=3)


@st.composite
def hours(draw: st.DrawFn) -> Hours:
    opens = draw(minutes_of_day())
    closes = draw(minutes_of_day().filter(lambda at: at > opens or at == time(0)))
    days = draw(st.sets(st.integers(0, 6), min_size=4))
    return Hours(opens, closes, frozenset(days))


def windows(zones: set[str], open_hours: Hours, off: set[int], at: datetime) -> Window:
    holidays = frozenset(at.date() + timedelta(days=day) for day in off)
    return Window(tuple(zones), open_hours, holidays)


@given(moments(), hours(), days_off())
def test_a_window_opens_and_closes_when_the_clock_on_the_wall_says_so(
    moment: tuple[str, datetime],
    open_hours: Hours,
    off: set[int],
) -> None:
    zone, at = moment
    window = windows({zone}, open_hours, off, at)

    readings = clock(zone, at)
    now, reading = next(readings)
    was_open, today = shows_open(window, reading), reading.date()
    while now < at + FAR and shows_open(window, reading) == was_open:
        if was_open and reading.date() != today:
            break
        now, reading = next(readings)

    assert window.is_open(at) == was_open
    if was_open:
        assert window.closes(at) == now
        assert window.next_open(at) == at
    elif now < at + FAR:
        assert window.next_open(at) == now
    else:
        assert (window.next_open(at) or now) >= now


@given(moments(), st.sampled_from(ZONES), hours(), days_off())
def test_a_window_of_two_zones_is_open_when_both_are(
    moment: tuple[str, datetime],
    other: str,
    open_hours: Hours,
    off: set[int],
) -> None:
    zone, at = moment
    both = windows({zone, other}, open_hours, off, at)
    one, two = (windows({each}, open_hours, off, at) for each in (zone, other))

    opening = both.next_open(at)

    assert both.is_open(at) == (one.is_open(at) and two.is_open(at))
    last = opening or at + HORIZON
    now = at
    while now < min(last, at + FAR):
        assert not (one.is_open(now) and two.is_open(now))
        now += timedelta(minutes=7)
    if opening:
        assert one.is_open(opening)
        assert two.is_open(opening)
        assert both.closes(opening) == min(one.closes(opening), two.closes(opening))
        before = opening - MICROSECOND
        assert opening == at or not (one.is_open(before) and two.is_open(before))


@given(moments(), minutes_of_day(), st.integers(-1, 1))
def test_a_local_time_is_the_first_instant_the_clock_shows_it_or_later(
    moment: tuple[str, datetime],
    at_time: time,
    days: int,
) -> None:
    zone, around = moment
    day = around.date() + timedelta(days=days)
    wanted = datetime.combine(day, at_time)

    instant = local_instant(day, at_time, zone)

    (_, before), (_, after) = (
        next(clock(zone, instant - MINUTE)),
        next(clock(zone, instant)),
    )
    assert before < wanted <= after


@given(moments())
def test_every_moment_is_in_exactly_one_local_day(
    moment: tuple[str, datetime],
) -> None:
    zone, at = moment

    day = local_day(at, zone)

    assert start_of_day(day, zone) <= at < next_midnight(at, zone)
    assert local_day(next_midnight(at, zone) - MICROSECOND, zone) == day
    assert local_day(next_midnight(at, zone), zone) > day


@pytest.mark.parametrize(
    "at",
    ["2026-01-05T09:00:00", "2026-01-05T17:59:59.999999", "2026-01-09T17:59:59.999999"],
)
def test_nine_is_open_and_so_is_the_last_moment_before_eighteen(at: str) -> None:
    assert BUCHAREST.is_open(bucharest(at))


@pytest.mark.parametrize(
    "at",
    [
        "2026-01-05T08:59:59.999999",
        "2026-01-05T18:00:00",
        "2026-01-09T18:00:00",
        "2026-01-10T12:00:00",
        "2026-01-11T12:00:00",
    ],
)
def test_eighteen_is_closed_and_so_is_the_last_moment_before_nine(at: str) -> None:
    assert not BUCHAREST.is_open(bucharest(at))


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-01-05T08:59:59.999999", "2026-01-05T09:00:00"),
        ("2026-01-05T09:00:00", "2026-01-05T09:00:00"),
        ("2026-01-05T12:34:56.000007", "2026-01-05T12:34:56.000007"),
        ("2026-01-05T17:59:59.999999", "2026-01-05T17:59:59.999999"),
        ("2026-01-05T18:00:00", "2026-01-06T09:00:00"),
        ("2026-01-09T18:00:00", "2026-01-12T09:00:00"),
        ("2026-01-10T03:00:00", "2026-01-12T09:00:00"),
    ],
)
def test_the_next_opening_is_now_or_on_the_next_working_day(
    at: str,
    opens: str,
) -> None:
    assert BUCHAREST.next_open(bucharest(at)) == bucharest(opens)


def test_an_opening_closes_at_eighteen() -> None:
    for at in ("2026-01-05T09:00:00", "2026-01-05T17:59:59.999999"):
        assert BUCHAREST.closes(bucharest(at)) == bucharest("2026-01-05T18:00:00")


def test_a_closed_window_has_no_end() -> None:
    with pytest.raises(ValueError, match="is closed at 2026-01-05T16:00:00"):
        BUCHAREST.closes(bucharest("2026-01-05T18:00:00"))


def test_the_next_day_at_nine_is_not_24_hours_later_when_clocks_change() -> None:
    every_day = Window(("Europe/Bucharest",), Hours(days=frozenset(range(7))))
    saturday = datetime(2026, 3, 28, 16, tzinfo=UTC)  # 18:00 in winter time

    assert every_day.next_open(saturday) == datetime(2026, 3, 29, 6, tzinfo=UTC)


def test_a_holiday_is_the_prospects_date_not_ours() -> None:
    closed = frozenset({date(2026, 1, 6)})
    auckland = Window(("Pacific/Auckland",), holidays=closed, country="NZ")

    assert auckland.is_open(datetime(2026, 1, 6, 21, tzinfo=UTC))  # the 7th there
    assert not auckland.is_open(datetime(2026, 1, 5, 21, tzinfo=UTC))  # the 6th


def test_a_day_that_the_clock_skips_has_no_opening() -> None:
    apia = Window(("Pacific/Apia",))  # went from Thursday 29 to Saturday 31
    thursday_evening = datetime(2011, 12, 30, 4, tzinfo=UTC)

    assert apia.next_open(thursday_evening) == datetime(2012, 1, 1, 19, tzinfo=UTC)


def test_hours_round_the_clock_close_at_each_midnight() -> None:
    always = Window(("UTC",), Hours(time(0), time(0), frozenset(range(7))))
    at = datetime(2026, 1, 5, 23, 59, tzinfo=UTC)
    midnight = datetime(2026, 1, 6, tzinfo=UTC)

    assert always.closes(at) == midnight
    assert always.next_open(midnight) == midnight


def test_zones_without_a_common_hour_never_open() -> None:
    apart = Window(("Asia/Tokyo", "America/New_York"), Hours(time(9), time(12)))

    assert apart.next_open(bucharest("2026-01-05T09:00:00")) is None


def test_zones_whose_hours_only_touch_never_open() -> None:
    touching = Window(("Etc/GMT-9", "Etc/GMT"))

    assert touching.next_open(bucharest("2026-01-05T09:00:00")) is None


def test_nothing_is_looked_for_beyond_the_horizon() -> None:
    first = date(2026, 1, 1)
    at = datetime(2026, 1, 1, 7, tzinfo=UTC)  # 09:00 in Bucharest

    def shut_for(days: int) -> Window:
        closed = frozenset(first + timedelta(days=day) for day in range(days))
        return Window(
            ("Etc/GMT-2",),
            Hours(days=frozenset(range(7))),
            holidays=closed,
        )

    assert shut_for(HORIZON.days).next_open(at) == at + HORIZON
    assert shut_for(HORIZON.days + 1).next_open(at) is None


def test_other_zones_are_taken_and_a_naive_time_is_not() -> None:
    there = datetime(2026, 1, 5, 9, tzinfo=ZoneInfo("Europe/Bucharest"))

    assert BUCHAREST.is_open(there)
    assert BUCHAREST.next_open(there) == bucharest("2026-01-05T09:00:00")
    with pytest.raises(ValueError, match="has no time zone"):
        BUCHAREST.is_open(there.replace(tzinfo=None))


def test_the_key_tells_zones_hours_and_country_apart_and_nothing_else() -> None:
    zones = ("Europe/Bucharest", "Europe/Paris")
    windows_apart = [
        BUCHAREST,
        Window(("Europe/Paris",)),
        Window(zones),
        Window((*zones, "Europe/Rome")),
        Window(("Europe/Bucharest",), country="RO"),
        Window(("Europe/Bucharest",), Hours(time(10))),
        Window(("Europe/Bucharest",), Hours(closes=time(17))),
        Window(("Europe/Bucharest",), Hours(days=frozenset({0}))),
    ]

    assert windows_apart[4].key == "RO/Europe/Bucharest/09:00:00-18:00:00/01234"
    assert len({window.key for window in windows_apart}) == len(windows_apart)
    assert Window(zones).key == Window((*reversed(zones), zones[0])).key
    assert Window(zones, holidays=frozenset({date(2026, 1, 1)})).key == (
        Window(zones).key
    )
    assert all(len(window.key) < 80 for window in windows_apart)


@pytest.mark.parametrize(
    "zone",
    ["", "Mars/Olympus", "Europe", "../etc/passwd", "/etc/passwd", "localtime", "a\0b"],
)
def test_a_zone_that_does_not_exist_is_named(zone: str) -> None:
    with pytest.raises(Misconfigured) as refusal:
        Window((zone,))

    assert repr(zone) in str(refusal.value)
    assert "Europe/Bucharest" in str(refusal.value)


@pytest.mark.parametrize(
    ("opens", "closes", "days"),
    [
        (time(18), time(9), {0}),
        (time(9), time(9), {0}),
        (time(9, tzinfo=UTC), time(18, tzinfo=UTC), {0}),
        (time(9), time(18, tzinfo=UTC), {0}),
        (time(9), time(18), set()),
        (time(9), time(18), {7}),
        (time(9), time(18), {-1, 2}),
    ],
)
def test_hours_that_cannot_be_kept_are_refused(
    opens: time,
    closes: time,
    days: set[int],
) -> None:
    with pytest.raises(Misconfigured, match="hours"):
        Hours(opens, closes, frozenset(days))


def test_a_window_without_zone_or_with_half_a_country_is_refused() -> None:
    with pytest.raises(Misconfigured, match="at least one time zone"):
        Window(())
    with pytest.raises(Misconfigured, match="'Romania'"):
        Window(("Europe/Bucharest",), country="Romania")


def test_the_length_of_hours_is_read_off_the_wall() -> None:
    assert Hours().length == timedelta(hours=9)
    assert Hours(time(22, 30), time(0)).length == timedelta(hours=1, minutes=30)


def test_an_hour_that_comes_twice_over_midnight_begins_its_day_once() -> None:
    # 00:01 became 23:01 of the day before.
    zone, midnight = "America/Goose_Bay", datetime(2010, 11, 7, 3, tzinfo=UTC)

    assert start_of_day(date(2010, 11, 7), zone) == midnight
    assert local_day(midnight - MINUTE, zone) == date(2010, 11, 6)
    for minutes in range(0, 120, 10):
        assert local_day(midnight + minutes * MINUTE, zone) == date(2010, 11, 7)
