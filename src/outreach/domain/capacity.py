"""What a sender can carry: closed formulas for enrolling and for planning.

A sender sends one message per gap all day long. Each new lead brings its first
message and, unless it stopped at an earlier touch, each follow-up: the sends per
new lead are 1 + q + q**2 + ... with q = 1 - stop rate. In the long run the sends
of a day are those of the new leads of a day, times that. The source of the rules
and of the figures in the tests is the specification, section 16.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from math import ceil, floor, fsum, inf, isfinite, sqrt
from typing import Final

from attrs import frozen

from outreach.domain.errors import Misconfigured
from outreach.domain.pacing import GAP

__all__ = [
    "DAILY_LIMIT",
    "STOP_RATE",
    "Binding",
    "Demand",
    "Plan",
    "capacity_deviation",
    "capacity_per_sender_day",
    "intake_per_sender_day",
    "needed_per_sender_day",
    "plan",
    "senders_needed",
    "sends_per_lead",
    "sustainable_new_per_sender_day",
]

DAILY_LIMIT: Final = 200
"""New contacts of one phone in a day; a setting may lower it."""
STOP_RATE: Final = 0.15
"""Share of leads that stop at each touch, unless something else is known."""

_HOURS: Final = timedelta(hours=9)
_MEAN_GAP: Final = timedelta(seconds=90)
_DAY: Final = timedelta(days=1)
_ZERO: Final = timedelta()
_EVEN_VARIANCE: Final = 12
_FOLLOWUPS: Final = frozenset({None, *range(1_001)})
# 600 / (200 * 3) must not come to 2 because of the last bit of a float.
_ROUNDING: Final = 1e-9


class Binding(StrEnum):
    """The rule that sets how many new leads a sender can take."""

    DAILY_LIMIT = "daily_limit"
    CAPACITY = "capacity"


def capacity_per_sender_day(
    hours: timedelta = _HOURS,
    gap: timedelta = _MEAN_GAP,
    send_time: timedelta = _ZERO,
) -> float:
    """Sends of one sender in a working day, on average.

    Args:
        hours: how long the window is open a day.
        gap: the mean gap, from the end of a call.
        send_time: how long a call takes.
    """
    return hours / (gap + send_time)


def capacity_deviation(
    hours: timedelta = _HOURS,
    gap: timedelta = _MEAN_GAP,
    send_time: timedelta = _ZERO,
) -> float:
    """Standard deviation of a day's sends.

    That of a renewal process: sqrt(hours x variance / mean**3), where the gap is
    even between GAP and as much above the mean as GAP is under it.
    """
    width = (2 * max(_ZERO, gap - GAP)).total_seconds()
    mean = (gap + send_time).total_seconds()
    return sqrt(hours.total_seconds() * width**2 / _EVEN_VARIANCE / mean**3)


def sends_per_lead(followups: int | None, stop_rate: float) -> float:
    """Sends one new lead leads to, its first included; None: no end of follow-ups.

    Infinite where they never end and nobody ever stops.
    """
    if followups is None:
        return 1 / stop_rate if stop_rate else inf
    return fsum((1 - stop_rate) ** touch for touch in range(followups + 1))


def needed_per_sender_day(
    new: float,
    followups: int | None,
    stop_rate: float,
) -> float:
    """Sends a day that *new* leads a day need in the long run."""
    return new * sends_per_lead(followups, stop_rate) if new else 0.0


def sustainable_new_per_sender_day(
    capacity: float,
    followups: int | None,
    stop_rate: float,
    limit: int = DAILY_LIMIT,
) -> float:
    """New leads a day that one sender can go on taking for ever.

    Args:
        capacity: sends of one sender a day.
        followups: per lead; None: no end of them.
        stop_rate: share of leads that stop at each touch, 0 to 1.
        limit: new leads allowed to one sender a day.
    """
    return min(float(limit), capacity / sends_per_lead(followups, stop_rate))


def intake_per_sender_day(
    hours: timedelta, gap: timedelta, followups: int, stop_rate: float
) -> int:
    """New leads that one sender may be given in a day: what is sustainable, whole.

    At least 1: a phone that is slower than that still takes everybody in the end.

    Args:
        hours: how long the window is open a day.
        gap: the sender's mean gap between two sends.
        followups: the most that a lead given to it gets.
        stop_rate: share of leads that stop at each touch, 0 to 1.
    """
    capacity = capacity_per_sender_day(hours, gap)
    sustainable = sustainable_new_per_sender_day(capacity, followups, stop_rate)
    return max(1, floor(sustainable + _ROUNDING))


def senders_needed(new: float, sustainable: float) -> int | None:
    """Senders for *new* leads a day in all; None: no number of them is enough."""
    if not new:
        return 0
    return ceil(new / sustainable - _ROUNDING) if sustainable else None


@frozen(kw_only=True)
class Demand:
    """What is asked of some senders.

    Attributes:
        senders: how many there are.
        new: new leads for each of them, per working day.
        followups: per lead; None: no end of them.
        stop_rate: share of leads that stop at each touch, 0 to 1.
        hours: how long the window is open a day.
        gap: mean gap between two sends, at least 30 s.
        send_time: how long a call takes.
        limit: new leads allowed to one sender a day.
        batch: leads to contact in all; None: they come every day.

    Raises:
        Misconfigured: a figure that cannot be; names it.
    """

    senders: int
    new: float
    followups: int | None
    stop_rate: float
    hours: timedelta = _HOURS
    gap: timedelta = _MEAN_GAP
    send_time: timedelta = _ZERO
    limit: int = DAILY_LIMIT
    batch: int | None = None

    def __attrs_post_init__(self) -> None:
        for name, possible, allowed in (
            ("senders", self.senders >= 1, "1 or more"),
            ("new", isfinite(self.new) and self.new >= 0, "0 or more"),
            ("followups", self.followups in _FOLLOWUPS, "0 to 1000, or no end"),
            ("stop_rate", 0 <= self.stop_rate <= 1, "0 to 1"),
            ("hours", _ZERO < self.hours <= _DAY, "above 0, at most 24 h"),
            ("gap", self.gap >= GAP, "30 s or more"),
            ("send_time", self.send_time >= _ZERO, "0 or more"),
            ("limit", 0 <= self.limit <= DAILY_LIMIT, f"0 to {DAILY_LIMIT}"),
            ("batch", self.batch is None or self.batch >= 0, "0 or more"),
        ):
            if not possible:
                msg = f"plan with {name} = {getattr(self, name)}: give {allowed}"
                raise Misconfigured(msg)


@frozen(kw_only=True)
class Plan:
    """Whether some senders can do what is asked of them.

    Attributes:
        capacity_per_sender_day: sends, on average.
        capacity_deviation: standard deviation of that.
        needed_per_sender_day: sends that the demand comes to; may be infinite.
        sustainable_new_per_sender_day: new leads that can go on for ever.
        senders_needed: None: no number of them is enough.
        fits: follow-ups never fall further and further behind. A finite batch fits
            if it ends: no more are taken in a day than is sustainable.
        binding: the rule that sets what is sustainable.
        days: working days until the last first contact of the batch; None: there
            is no batch, or no end.
    """

    capacity_per_sender_day: float
    capacity_deviation: float
    needed_per_sender_day: float
    sustainable_new_per_sender_day: float
    senders_needed: int | None
    fits: bool
    binding: Binding
    days: int | None


def plan(demand: Demand) -> Plan:
    """Answer *demand* by the closed formulas."""
    capacity = capacity_per_sender_day(demand.hours, demand.gap, demand.send_time)
    followups, stop_rate = demand.followups, demand.stop_rate
    by_capacity = capacity / sends_per_lead(followups, stop_rate)
    sustainable = sustainable_new_per_sender_day(
        capacity,
        followups,
        stop_rate,
        demand.limit,
    )
    days = None
    if demand.batch is not None:
        days = senders_needed(demand.batch, sustainable * demand.senders)
    endless = demand.batch is None
    return Plan(
        capacity_per_sender_day=capacity,
        capacity_deviation=capacity_deviation(
            demand.hours,
            demand.gap,
            demand.send_time,
        ),
        needed_per_sender_day=needed_per_sender_day(demand.new, followups, stop_rate),
        sustainable_new_per_sender_day=sustainable,
        senders_needed=senders_needed(demand.new * demand.senders, sustainable),
        fits=demand.new <= sustainable if endless else days is not None,
        binding=(
            Binding.CAPACITY if by_capacity < demand.limit else Binding.DAILY_LIMIT
        ),
        days=days,
    )
