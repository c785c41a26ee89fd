"""Our window in a zone that the vendor's closed list lacks.

For every zone of the list we look at how far our clock is ahead of that zone's, at
every instant of the coming year at which the hours could be open: one figure where both
keep the same time, several where one of them changes its clock and the other does not,
or on another day. The hours are cut so that they lie inside ours whatever the figure is
just then, and the zone that leaves the most is taken: nothing has to be known about
aliases.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final

from attrs import frozen

from outreach.adapters.instantly.zone_list import VENDOR_ZONES
from outreach.domain.window import zone_info

__all__ = ["SHORTEST", "Schedule", "schedule"]

SHORTEST: Final = timedelta(hours=1)
"""A shorter day is none."""

_LOOKS_BACK: Final = timedelta(days=2)
_AHEAD: Final = timedelta(days=368)
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_MINUTES_OF_DAY: Final = 24 * 60
_LAST_MINUTE: Final = _MINUTES_OF_DAY - 1
"""The vendor's hours end at 23:59 at the latest."""


@frozen
class Schedule:
    """Hours in a zone that the vendor knows.

    Attributes:
        zone: of the vendor's list.
        closes: the first minute that is not open any more.
    """

    zone: str
    opens: time
    closes: time


@frozen
class _Clock:
    """How a zone's clock stands to UTC: *minutes[n]* from *since[n]* on.

    The first of them holds before, too.
    """

    since: Sequence[datetime]
    minutes: Sequence[int]

    def at(self, moment: datetime) -> int:
        return self.minutes[max(0, bisect_right(self.since, moment) - 1)]


def schedule(
    zone: str, opens: time, closes: time, days: Collection[int], today: date
) -> Schedule | None:
    """The longest hours inside *opens* to *closes* of *zone* on *days* (ISO weekdays),
    all the year from *today*; None: no zone of the vendor leaves at least `SHORTEST`.

    Among equals: the zone itself, the one whose clock is nearest, one of the same
    region, the first on the vendor's list.

    Raises:
        Misconfigured: there is no such zone.
    """
    ours = _clock(zone, today)
    first = _minutes(opens) + (opens.second > 0)
    last = _minutes(closes) or _MINUTES_OF_DAY
    best: tuple[tuple[int, bool, int, bool, int], Schedule] | None = None
    for place, name in enumerate(VENDOR_ZONES):
        spans = list(_spans(ours, _clock(name, today)))
        ahead = {span.ahead for span in spans if span.end - span.start >= _DAY}
        begins, ends = _common(first, last, ahead)
        # Where clocks are changed hours apart, mostly while nobody sends.
        brief = {
            span.ahead
            for span in spans
            if span.ahead not in ahead and span.meets(begins, ends, days)
        }
        if brief:
            ahead |= brief
            begins, ends = _common(first, last, ahead)
        if (ends - begins) * _MINUTE < SHORTEST:
            continue
        rank = (
            ends - begins,
            name == zone,
            -max(map(abs, ahead)),
            _region(name) == _region(zone),
            -place,
        )
        if best is None or rank > best[0]:
            best = rank, Schedule(name, _time(begins), _time(ends))
    return None if best is None else best[1]


@frozen
class _Span:
    """A time in which two clocks do not change.

    Attributes:
        ahead: minutes by which ours is ahead of theirs.
        theirs: minutes by which theirs is ahead of UTC.
    """

    start: datetime
    end: datetime
    ahead: int
    theirs: int

    def meets(self, begins: int, ends: int, days: Collection[int]) -> bool:
        """Whether their clock shows a time of the hours on one of the days."""
        start = self.start + self.theirs * _MINUTE
        end = self.end + self.theirs * _MINUTE
        midnight = datetime.combine(start.date(), time(0), UTC)
        while midnight < end:
            opens, closes = midnight + begins * _MINUTE, midnight + ends * _MINUTE
            if midnight.isoweekday() in days and opens < end and start < closes:
                return True
            midnight += _DAY
        return False


def _spans(ours: _Clock, theirs: _Clock) -> Iterator[_Span]:
    moments = sorted({*ours.since, *theirs.since})
    for start, end in pairwise([*moments, moments[0] + _LOOKS_BACK + _AHEAD]):
        stands = theirs.at(start)
        yield _Span(start, end, ours.at(start) - stands, stands)


def _common(first: int, last: int, ahead: set[int]) -> tuple[int, int]:
    """Minutes of their day that are in our hours of the same day, whichever it is."""
    low, high = min(ahead), max(ahead)
    begins = max(0, first - low, -low)
    return begins, min(_LAST_MINUTE, last - high, _MINUTES_OF_DAY - high)


@lru_cache(maxsize=1_024)
def _clock(zone: str, today: date) -> _Clock:
    """Looked at day by day, and to the minute where two days differ."""
    info = zone_info(zone)

    def stands(moment: datetime) -> int:
        offset = moment.astimezone(info).utcoffset() or timedelta()
        return offset // _MINUTE

    begin = datetime.combine(today, time(0), UTC) - _LOOKS_BACK
    since, minutes = [begin], [stands(begin)]
    for day in range((_AHEAD + _LOOKS_BACK) // _DAY):
        low, high = begin + day * _DAY, begin + (day + 1) * _DAY
        after = stands(high)
        if after == minutes[-1]:
            continue
        while high - low > _MINUTE:
            middle = low + (high - low) // 2 // _MINUTE * _MINUTE
            low, high = (low, middle) if stands(middle) == after else (middle, high)
        since.append(high)
        minutes.append(after)
    return _Clock(tuple(since), tuple(minutes))


def _region(zone: str) -> str:
    return zone.partition("/")[0]


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _time(minutes: int) -> time:
    return time(*divmod(minutes, 60))
