"""A clock that the scheduler turns."""

from __future__ import annotations

from datetime import datetime, timedelta

from outreach.adapters.memory.clock import MemoryClock
from outreach.testing.simulation.seam import no_pause

__all__ = ["VirtualClock"]


class VirtualClock(MemoryClock):
    """Engine, machine and monotonic time as one number of seconds since the start.

    Dates are made when somebody asks, which is seldom.
    """

    __slots__ = ("_date", "seconds", "start")

    def __init__(self, start: datetime) -> None:
        """Stand at *start* (UTC)."""
        self.start = start
        self.seconds = 0.0
        self._date: datetime | None = None
        super().__init__(start, start, pause=no_pause)

    @property
    def engine(self) -> datetime:
        """See `MemoryClock`; the machine's time is the same."""
        if self._date is None:
            self._date = self.start + timedelta(seconds=self.seconds)
        return self._date

    @engine.setter
    def engine(self, _at: datetime) -> None:
        """Only the scheduler turns it."""

    @property
    def machine(self) -> datetime:
        """See `engine`."""
        return self.engine

    @machine.setter
    def machine(self, _at: datetime) -> None:
        """Only the scheduler turns it."""

    def turn(self, seconds: float) -> None:
        """Make it so late; never earlier than it is."""
        self.seconds = seconds
        self._date = None

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self.seconds
