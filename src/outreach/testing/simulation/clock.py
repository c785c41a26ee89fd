"""A clock that the scheduler turns."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import define, field

from outreach.adapters.memory.clock import MemoryClock

__all__ = ["VirtualClock"]


@define(eq=False)
class VirtualClock(MemoryClock):
    """Engine, machine and monotonic time as one number of seconds since the start."""

    start: datetime = field(kw_only=True)
    seconds: float = field(default=0.0, init=False)

    def turn(self, seconds: float) -> None:
        """Make it so late; never earlier than it is."""
        self.seconds = seconds
        self.engine = self.machine = self.start + timedelta(seconds=seconds)

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self.seconds
