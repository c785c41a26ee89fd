"""The two times."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

__all__ = ["Clock", "TellsOffset"]


class Clock(Protocol):
    """Engine time for rules, monotonic machine time for budgets.

    Promises:
    - engine time never goes back;
    - the monotonic time never goes back and is not scaled.
    """

    async def now(self) -> datetime:
        """Engine time (UTC), of the store."""
        ...

    def monotonic(self) -> float:
        """Seconds of this machine's monotonic clock."""
        ...


class TellsOffset(Protocol):
    """An ability of stores with a clock of their own."""

    def offset(self) -> timedelta:
        """How far the store's clock is ahead of this machine's (negative: behind).

        As far as the last answer that carried its time proves; asks nothing.
        """
        ...
