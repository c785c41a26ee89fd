"""What a provider lets one account do: calls at a rate, messages by a plan.

Calls are counted by a leaky bucket in machine time: it holds *burst* calls and fills
by *rate* a second. Messages are counted per day and month of UTC; what the vendor
tells of its own count is believed where it is more than ours.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen, validators

__all__ = [
    "UNBOUND",
    "Allowance",
    "Counted",
    "Period",
    "PlanBudget",
    "Use",
    "ends_at",
    "is_plan",
    "level_after",
    "plan_key",
    "room_in",
    "used_up",
]

_PLAN: Final = "plan_"
_A_DAY: Final = timedelta(days=1)
_A_MONTH_AND_MORE: Final = timedelta(days=31)
_NEARLY: Final = 0.8
"""Share of a plan from which on people are told."""


class Period(StrEnum):
    """What a plan counts by."""

    DAY = "day"
    MONTH = "month"


@frozen
class Allowance:
    """Of one account; 0 is no bound.

    Attributes:
        rate: calls a second.
        burst: calls at once after a rest.
        per_day, per_month: messages.

    Raises:
        ValueError: a bound below 0, or a burst below 1.
    """

    rate: float = field(default=0.0, validator=validators.ge(0))
    burst: int = field(default=1, validator=validators.ge(1))
    per_day: int = field(default=0, validator=validators.ge(0))
    per_month: int = field(default=0, validator=validators.ge(0))

    def limit(self, period: Period) -> int | None:
        """Messages of a period; None: no bound."""
        return (self.per_day if period is Period.DAY else self.per_month) or None


UNBOUND: Final = Allowance()


class Counted(StrEnum):
    """What a vendor's plan bounds."""

    MESSAGES = "messages"
    CALLS = "calls"
    """Requests of any kind: nothing is held back for them, people are told."""


@frozen
class Use:
    """What a vendor tells of one period: how much is used, and what the plan allows.

    Attributes:
        limit: None: it does not tell.
    """

    period: Period
    used: int
    limit: int | None = None
    counted: Counted = Counted.MESSAGES

    @property
    def is_nearly_full(self) -> bool:
        """At least 80 % of what the plan allows are used."""
        return self.limit is not None and self.used >= _NEARLY * self.limit


@frozen
class PlanBudget:
    """How far one period's plan is used.

    Attributes:
        key: ``plan_day:2026-12-01`` or ``plan_month:2026-12``.
        limit: ours or the vendor's, whichever is less.
    """

    key: str
    used: int
    limit: int
    ends_at: datetime

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """As a decision keeps them."""
        used, limit = str(self.used), str(self.limit)
        return ("budget", self.key), ("used", used), ("limit", limit)

    @property
    def is_full(self) -> bool:
        """No message fits any more."""
        return self.used >= self.limit

    @property
    def is_nearly_full(self) -> bool:
        """At least 80 % are used."""
        return self.used >= _NEARLY * self.limit


def plan_key(period: Period, day: date) -> str:
    """Names a period's plan."""
    return f"{_PLAN}{period}:{day if period is Period.DAY else f'{day:%Y-%m}'}"


def is_plan(key: str) -> bool:
    """Whether a budget's key names a plan of an account."""
    return key.startswith(_PLAN)


def used_up(key: str, used: int, limit: int) -> str:
    """In words, for people."""
    period = key.removeprefix(_PLAN).replace(":", " ")
    return f"the provider account has used {used} of {limit} messages of its {period}"


def ends_at(period: Period, day: date) -> datetime:
    """When the period of that day ends."""
    following = day + _A_DAY
    if period is Period.MONTH:
        following = (day.replace(day=1) + _A_MONTH_AND_MORE).replace(day=1)
    return datetime.combine(following, time(), UTC)


def level_after(level: float, allowance: Allowance, elapsed: timedelta) -> float:
    """Calls that can be made now, if *level* could be *elapsed* (machine time) ago."""
    filled = level + allowance.rate * max(0.0, elapsed.total_seconds())
    return min(float(allowance.burst), filled)


def room_in(level: float, allowance: Allowance) -> timedelta:
    """Machine time until a call can be made; zero: now, or nothing bounds it."""
    if allowance.rate == 0 or level >= 1:
        return timedelta()
    return timedelta(seconds=(1 - level) / allowance.rate)
