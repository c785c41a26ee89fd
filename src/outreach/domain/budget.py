"""How many units a sender may use, and what is asked of the guard.

A unit is one new WhatsApp contact of one phone on one phone-day. Every budget is
asked together, and all are taken or none.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen, validators

from outreach.domain.ids import IntentId, SenderId

__all__ = [
    "HARD_LIMIT",
    "KEEP",
    "Ask",
    "Budget",
    "Grant",
    "GuardCode",
    "UnitSlot",
    "Units",
    "WarmUp",
    "effective_limit",
    "has_room",
    "ramped",
]

HARD_LIMIT: Final = 200
"""New WhatsApp contacts per phone and day that only a migration can raise."""
KEEP: Final = timedelta(hours=48)
"""A guard's record outlives the sender's day by this much."""


@frozen
class UnitSlot:
    """One sender on one calendar day of its own time zone."""

    sender: SenderId
    day: date


@frozen
class WarmUp:
    """A ramp from *start* to the daily limit over *days* (0: none)."""

    began: date
    days: int = field(validator=validators.ge(0))
    start: int = field(default=15, validator=validators.ge(0))

    def is_over(self, day: date) -> bool:
        """Whether the whole limit holds on that day."""
        return self.days <= 1 or (day - self.began).days >= self.days - 1


def effective_limit(daily_limit: int, warm_up: WarmUp | None, day: date) -> int:
    """New contacts a sender may make on *day*: its limit, or less while it warms up."""
    return ramped(min(daily_limit, HARD_LIMIT), warm_up, day)


def ramped(limit: int, warm_up: WarmUp | None, day: date) -> int:
    """What is left of *limit* on *day* while a sender warms up.

    Linear from ``start`` on the first day to *limit* on the last one, rounded down.
    """
    if warm_up is None or warm_up.is_over(day):
        return limit
    done = max((day - warm_up.began).days, 0)
    start = min(warm_up.start, limit)
    return start + (limit - start) * done // (warm_up.days - 1)


def has_room(*, used: int, external: int, limit: int) -> bool:
    """Whether one more unit fits: messages of people count, but are never refused."""
    return used + external < limit


@frozen
class Budget:
    """One more limit beside the units.

    Attributes:
        key: names the budget and its period under the sender's hash tag, for
            example ``total:2026-03-02`` or ``company:RO123:2026-03``.
        cost: what this message takes of it, 0 or 1.
        expires_in: engine time until the period ends.
    """

    key: str
    limit: int
    cost: int
    expires_in: timedelta


@frozen
class Ask:
    """May this message take its units?

    Attributes:
        rid: the reservation: the intent's id, so that asking twice costs once.
        cost: 1 for a new contact, else 0.
        limit: effective limit less what people sent themselves, at least 0.
        epoch: what the guard must have been rebuilt under.
        expires_in: engine time until the sender's day ends.
    """

    rid: IntentId
    slot: UnitSlot
    cost: int
    limit: int
    epoch: int
    expires_in: timedelta
    budgets: tuple[Budget, ...] = ()


class GuardCode(StrEnum):
    """What the guard says to an ask."""

    OK = "OK"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    BUDGET_EXCEEDED = "BUDGET_EXCEEDED"
    NEED_REBUILD = "NEED_REBUILD"


@frozen
class Grant:
    """The guard's answer.

    Attributes:
        used: units of the slot after the call.
        budget: key of the budget that was exceeded, if one was.
    """

    code: GuardCode
    used: int
    limit: int
    budget: str = ""

    @property
    def remaining(self) -> int:
        """Units left in the slot."""
        return max(0, self.limit - self.used)


@frozen
class Units:
    """What the ledger holds of a slot: all that a rebuild of the guard needs.

    Attributes:
        ids: intents that hold a unit.
        external: new contacts people made from the phone's own app.
        budgets: intents that count in each further budget, by its key.
        expires_in: engine time until the sender's day ends.
    """

    slot: UnitSlot
    ids: tuple[IntentId, ...]
    external: int
    effective: int
    epoch: int
    expires_in: timedelta
    budgets: tuple[tuple[str, tuple[IntentId, ...]], ...] = ()

    @property
    def used(self) -> int:
        """Units our own messages hold."""
        return len(self.ids)
