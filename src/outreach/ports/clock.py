"""The two times."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

__all__ = ["Clock"]


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
