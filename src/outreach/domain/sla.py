"""How soon a person must look: priorities, and the clock their time runs on."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import field, frozen

from outreach.domain.errors import Misconfigured

__all__ = [
    "SLA",
    "Allowance",
    "Priority",
    "ReviewCalendar",
    "sla_due",
    "sla_risk_at",
]

_WEEK_DAYS: Final = 7


class Priority(StrEnum):
    """How soon a person must look; ordered, LOW is the smallest."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    URGENT = "URGENT"

    @property
    def rank(self) -> int:
        """0 for LOW to 3 for URGENT."""
        return _RANKS[self.value]

    # A StrEnum would compare by spelling, and HIGH would come before LOW.
    def __lt__(self, other: str) -> bool:
        return self.rank < _RANKS[other]

    def __le__(self, other: str) -> bool:
        return self.rank <= _RANKS[other]

    def __gt__(self, other: str) -> bool:
        return self.rank > _RANKS[other]

    def __ge__(self, other: str) -> bool:
        return self.rank >= _RANKS[other]


_RANKS: Final = {"LOW": 0, "MEDIUM": 1, "HIGH": 2, "URGENT": 3}


@frozen
class Allowance:
    """Time until an item is due, on the wall clock or on the reviewers' calendar."""

    time: timedelta
    wall_clock: bool = False


SLA: Final = MappingProxyType(
    {
        Priority.URGENT: Allowance(timedelta(hours=1), wall_clock=True),
        Priority.HIGH: Allowance(timedelta(hours=4)),
        Priority.MEDIUM: Allowance(timedelta(hours=24)),
        Priority.LOW: Allowance(timedelta(hours=72)),
    }
)


@frozen
class ReviewCalendar:
    """When reviewers are at work.

    Attributes:
        zone: IANA name of the tenant's time zone.
        days: days of the week, 0 is Monday.
        wall_clock: count every SLA on the wall clock instead.

    Raises:
        Misconfigured: no such zone, no day, or hours that do not follow each other.
    """

    zone: str = field()
    opens: time = time(9)
    closes: time = field(default=time(18))
    days: frozenset[int] = field(default=frozenset(range(5)))
    wall_clock: bool = False

    @zone.validator
    def _exists(self, _attribute: object, zone: str) -> None:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            message = (
                f"review zone {zone!r} is unknown: give an IANA name such as "
                "Europe/Bucharest"
            )
            raise Misconfigured(message) from error

    @closes.validator
    def _follows(self, _attribute: object, closes: time) -> None:
        if closes <= self.opens:
            message = (
                f"review hours {self.opens:%H:%M}-{closes:%H:%M} are empty: "
                "the second must be later than the first"
            )
            raise Misconfigured(message)

    @days.validator
    def _some(self, _attribute: object, days: frozenset[int]) -> None:
        if not days or not days <= frozenset(range(_WEEK_DAYS)):
            message = (
                f"review days {sorted(days)} are wrong: give at least one of "
                "0 (Monday) to 6 (Sunday)"
            )
            raise Misconfigured(message)


def sla_due(
    priority: Priority, opened_at: datetime, calendar: ReviewCalendar
) -> datetime:
    """When an item opened at *opened_at* (UTC) must be resolved (UTC)."""
    return _after(SLA[priority].time, priority, opened_at, calendar)


def sla_risk_at(
    priority: Priority, opened_at: datetime, calendar: ReviewCalendar
) -> datetime:
    """When half of the time is gone, counted on the same clock as `sla_due`."""
    return _after(SLA[priority].time / 2, priority, opened_at, calendar)


def _after(
    span: timedelta, priority: Priority, start: datetime, calendar: ReviewCalendar
) -> datetime:
    start = start.astimezone(UTC)
    if calendar.wall_clock or SLA[priority].wall_clock:
        return start + span
    zone = ZoneInfo(calendar.zone)
    day = start.astimezone(zone).date()
    left = span
    while True:
        if day.weekday() in calendar.days:
            begin = max(start, _instant(day, calendar.opens, zone))
            end = _instant(day, calendar.closes, zone)
            if begin < end:
                if left <= end - begin:
                    return begin + left
                left -= end - begin
        day += timedelta(days=1)


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Local to UTC: the first of two, or the first instant after a gap."""
    local = datetime.combine(day, at)
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local:
        return instant
    # In a gap: the change lies between the readings with the later and the
    # earlier offset; halve the distance until it is found to the second.
    early = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    late = instant
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late
