"""The two times of a store in memory, moved by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import define, field

from outreach.adapters.memory.pause import Pause, yield_once

__all__ = ["EPOCH", "MemoryClock"]

EPOCH: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
"""A Monday morning; where a clock starts that is told nothing else."""


@define(eq=False)
class MemoryClock:
    """Engine, machine and monotonic time that stand still until they are moved.

    Attributes:
        engine: what the rules go by (UTC).
        machine: what leases, grace and deadlines go by (UTC); never scaled.
        speed: engine seconds per machine second.
    """

    engine: datetime = EPOCH
    machine: datetime = EPOCH
    speed: float = 1.0
    pause: Pause = yield_once
    _elapsed: timedelta = field(factory=timedelta, init=False)

    def advance(self, by: timedelta) -> None:
        """Let *by* of machine time pass, and engine time with it."""
        self._forward(by)
        self.machine += by
        self._elapsed += by
        self.engine += by * self.speed

    def advance_engine(self, by: timedelta) -> None:
        """Move engine time alone."""
        self._forward(by)
        self.engine += by

    async def now(self) -> datetime:
        """Engine time."""
        await self.pause()
        return self.engine

    def monotonic(self) -> float:
        """Seconds of machine time since the clock was made."""
        return self._elapsed.total_seconds()

    def _forward(self, by: timedelta) -> None:
        if by < timedelta():
            msg = f"a clock cannot go back by {-by}: give 0 or more"
            raise ValueError(msg)
