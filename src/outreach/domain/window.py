"""When a prospect may be written to: working hours in the prospect's own zone.

Instants go in and come out as aware datetimes in UTC. A local time becomes the
first instant at which the clock there shows it or a later one: one that the clock
skips becomes the first instant after the gap, one that comes twice the first of
the two. So 'next day 09:00' is a date plus one at 09:00, never plus 24 hours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Final
from zoneinfo import ZoneInfo

from attrs import define, field, frozen

from outreach.domain.errors import Misconfigured

__all__ = [
    "CLOSES",
    "HORIZON",
    "MONDAY_TO_FRIDAY",
    "OPENS",
    "Hours",
    "Window",
    "local_day",
    "local_instant",
    "next_midnight",
    "start_of_day",
    "zone_info",
]

OPENS: Final = time(9)
CLOSES: Final = time(18)
MONDAY_TO_FRIDAY: Final = frozenset(range(5))
HORIZON: Final = timedelta(days=400)
"""How far ahead an opening is looked for."""

_MIDNIGHT: Final = time(0)
_ONE_DAY: Final = timedelta(days=1)
_WEEKDAYS: Final = frozenset(range(7))
_COUNTRY: Final = re.compile(r"(?:[A-Z]{2}(?:-[A-Z0-9]{1,3})?)?")
# Names that mean another zone on another machine, or none.
_NOT_ZONES: Final = frozenset({"Factory", "localtime", "posixrules"})
_KEY_BYTES: Final = 6


def _sorted(zones: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(zones)))


def _days(days: Iterable[int]) -> frozenset[int]:
    return frozenset(days)


def _dates(dates: Iterable[date]) -> frozenset[date]:
    return frozenset(dates)


@frozen(cache_hash=True)
class Hours:
    """Opening hours of a working day, local time.

    Attributes:
        opens: the first moment that is open.
        closes: the first moment that is not any more; 00:00 is the day's end.
        days: weekdays, Monday is 0 and Sunday 6.

    Raises:
        Misconfigured: the hours are empty, run over midnight, or have a zone.
    """

    opens: time = OPENS
    closes: time = field(default=CLOSES)
    days: frozenset[int] = field(default=MONDAY_TO_FRIDAY, converter=_days)

    @closes.validator
    def _in_order(self, _: object, closes: time) -> None:
        if self.opens.tzinfo or closes.tzinfo:
            msg = f"hours {self.opens}-{closes}: give local times without a zone"
            raise Misconfigured(msg)
        if closes <= self.opens and closes != _MIDNIGHT:
            msg = (
                f"hours {self.opens:%H:%M}-{closes:%H:%M}: they must close after they "
                "open, on the same day; 00:00 closes at the day's end"
            )
            raise Misconfigured(msg)

    @days.validator
    def _weekdays(self, _: object, days: frozenset[int]) -> None:
        if not days or not days <= _WEEKDAYS:
            msg = (
                f"hours on days {sorted(days)}: give at least one weekday, "
                "from 0 for Monday to 6 for Sunday"
            )
            raise Misconfigured(msg)

    @property
    def length(self) -> timedelta:
        """From opening to closing by the clock on the wall."""
        closes = _ONE_DAY if self.closes == _MIDNIGHT else _since_midnight(self.closes)
        return closes - _since_midnight(self.opens)


@frozen(cache_hash=True)
class Window:
    """Hours in one zone, or those common to several; never on a holiday there.

    Attributes:
        zones: IANA names; open only when open in all of them.
        hours: local in each of the zones.
        holidays: local dates without opening.
        country: ISO 3166 code whose holidays these are; empty if unknown.

    Raises:
        Misconfigured: no zone, an unknown one, or a country that is no code.
    """

    zones: tuple[str, ...] = field(converter=_sorted)
    hours: Hours = field(factory=Hours)
    holidays: frozenset[date] = field(default=frozenset(), converter=_dates)
    country: str = field(default="")

    @zones.validator
    def _known(self, _: object, zones: tuple[str, ...]) -> None:
        if not zones:
            msg = "a window needs at least one time zone, such as Europe/Bucharest"
            raise Misconfigured(msg)
        for name in zones:
            zone_info(name)

    @country.validator
    def _code(self, _: object, country: str) -> None:
        if not _COUNTRY.fullmatch(country):
            msg = f"country {country!r}: give an ISO 3166 code such as RO, or nothing"
            raise Misconfigured(msg)

    @property
    def key(self) -> str:
        """Short, and the same for all windows of these zones, hours and country."""
        hours = self.hours
        zones = self.zones[0]
        if len(self.zones) > 1:
            written = ",".join(self.zones).encode()
            digest = blake2b(written, digest_size=_KEY_BYTES).hexdigest()
            zones = f"{len(self.zones)}-zones-{digest}"
        days = "".join(map(str, sorted(hours.days)))
        times = f"{hours.opens.isoformat()}-{hours.closes.isoformat()}"
        return f"{self.country}/{zones}/{times}/{days}"

    def is_open(self, at: datetime) -> bool:
        """Half open: true at 09:00:00, false at 18:00:00."""
        return self._opening(at) is not None

    def next_open(self, at: datetime) -> datetime | None:
        """The first open instant, *at* included; None: none within HORIZON."""
        utc = _utc(at)
        day = utc.date()
        for opening in self._openings(day):
            if utc < opening.end:
                return max(utc, opening.start)
        first = _first_opening_after(self, day)
        return first if first and first - utc <= HORIZON else None

    def closes(self, at: datetime) -> datetime:
        """The end of the opening that *at* is in.

        An opening belongs to one local day, so that hours round the clock close at
        each midnight.

        Raises:
            ValueError: the window is closed then; ask :meth:`is_open` first.
        """
        end = self.open_until(at)
        if end is None:
            msg = f"window {self.key} is closed at {at.isoformat()}: it has no end"
            raise ValueError(msg)
        return end

    def open_until(self, at: datetime) -> datetime | None:
        """As :meth:`closes`; None: the window is closed at *at*."""
        opening = self._opening(at)
        return None if opening is None else opening.end

    def _opening(self, at: datetime) -> _Opening | None:
        utc = _utc(at)
        for opening in self._openings(utc.date()):
            if opening.start <= utc < opening.end:
                return opening
        return None

    def _openings(self, day: date) -> tuple[_Opening, ...]:
        return _openings_around(self, day)


def zone_info(name: str) -> ZoneInfo:
    """The zone of that IANA name.

    Raises:
        Misconfigured: there is none, here or anywhere; names it.
    """
    try:
        if name not in _NOT_ZONES:
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise Misconfigured(_no_zone(name)) from error
    raise Misconfigured(_no_zone(name))


@lru_cache(maxsize=4_096)
def local_instant(day: date, at: time, zone: str) -> datetime:
    """When the clock in *zone* first shows *day*, *at*, or anything later."""
    info = zone_info(zone)
    wanted = datetime.combine(day, at)
    instant = wanted.replace(tzinfo=info).astimezone(UTC)
    if instant.astimezone(info).replace(tzinfo=None) == wanted:
        return instant
    # Skipped by the clock: fold=1 reads it with the offset of after the gap, which
    # is an instant before it; so the end of the gap lies between the two.
    early = wanted.replace(tzinfo=info, fold=1).astimezone(UTC)
    return _end_of_gap(early, instant, wanted, info)


def start_of_day(day: date, zone: str) -> datetime:
    """The first instant of the local *day*; of a skipped day that of the next."""
    return local_instant(day, _MIDNIGHT, zone)


@lru_cache(maxsize=4_096)
def local_day(at: datetime, zone: str) -> date:
    """The local date; once begun it lasts until the next one begins.

    Where a clock is put back over midnight, the hour that comes twice belongs to
    the new day both times, so that no day begins twice.
    """
    day = _utc(at).astimezone(zone_info(zone)).date()
    following = day + _ONE_DAY
    return following if start_of_day(following, zone) <= at else day


def next_midnight(at: datetime, zone: str) -> datetime:
    """When the local day of *at* ends; always later than *at*."""
    return start_of_day(local_day(at, zone) + _ONE_DAY, zone)


@define
class _Opening:
    """Open from *start*, closed from *end* on."""

    start: datetime
    end: datetime


@lru_cache(maxsize=8_192)
def _openings_around(window: Window, day: date) -> tuple[_Opening, ...]:
    """In order, at least the openings that touch *day* in UTC."""
    first, *others = (list(_openings_in(window, zone, day)) for zone in window.zones)
    common = first
    for other in others:
        common = [
            _Opening(max(a.start, b.start), min(a.end, b.end))
            for a in common
            for b in other
            if max(a.start, b.start) < min(a.end, b.end)
        ]
    return tuple(common)


def _openings_in(window: Window, zone: str, day: date) -> Iterator[_Opening]:
    hours = window.hours
    # No offset reaches a day, so that a local day touches three days in UTC.
    for local in (day - _ONE_DAY, day, day + _ONE_DAY):
        if local.weekday() in hours.days and local not in window.holidays:
            start = local_instant(local, hours.opens, zone)
            last = local + _ONE_DAY if hours.closes == _MIDNIGHT else local
            end = local_instant(last, hours.closes, zone)
            if start < end:
                yield _Opening(start, end)


@lru_cache(maxsize=8_192)
def _first_opening_after(window: Window, day: date) -> datetime | None:
    """Start of the first opening that touches a later day than *day*, in UTC."""
    for later in range(1, HORIZON.days + 2):
        following = day + timedelta(days=later)
        midnight = datetime.combine(following, _MIDNIGHT, UTC)
        for opening in _openings_around(window, following):
            if opening.end > midnight:
                return opening.start
    return None


def _end_of_gap(
    early: datetime,
    late: datetime,
    wanted: datetime,
    info: ZoneInfo,
) -> datetime:
    """The first second after *early*, *late* at most, when the clock is past it."""
    low, high = 0, int((late - early).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        shown = (early + timedelta(seconds=middle)).astimezone(info)
        if shown.replace(tzinfo=None) < wanted:
            low = middle
        else:
            high = middle
    return early + timedelta(seconds=high)


def _since_midnight(at: time) -> timedelta:
    return timedelta(
        hours=at.hour,
        minutes=at.minute,
        seconds=at.second,
        microseconds=at.microsecond,
    )


def _utc(at: datetime) -> datetime:
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        msg = f"{at.isoformat()} has no time zone: give an aware datetime in UTC"
        raise ValueError(msg)
    return at.astimezone(UTC)


def _no_zone(name: str) -> str:
    return f"time zone {name!r} is unknown: give an IANA name such as Europe/Bucharest"
