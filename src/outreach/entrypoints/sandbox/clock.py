"""Engine time, as far as a provider outside the engine can know it."""

from __future__ import annotations

import datetime as dt
import time

__all__ = ["Clock"]


class Clock:
    """Runs at `speed` from where it was set.

    A vendor that sends within hours needs a time of day. A scaled run holds its own
    clock back while work is due, so it says now and then where it is: see `set`.
    """

    def __init__(self, speed: float, begin_s: float | None = None) -> None:
        """Begin at `begin_s` (engine time, Unix seconds), or at the machine's time."""
        self.speed = speed
        self._is_set = begin_s is not None
        self._engine_s = time.time() if begin_s is None else begin_s
        self._since_s = time.monotonic()

    def now_s(self) -> float:
        """Give engine time in Unix seconds."""
        return self._engine_s + (time.monotonic() - self._since_s) * self.speed

    def now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.now_s(), dt.UTC)

    def kept_s(self) -> float | None:
        """Give what a restart goes on from; None for the machine's time."""
        return self.now_s() if self._is_set else None

    def set(self, engine_s: float) -> None:
        """Go on from `engine_s`."""
        self._is_set = True
        self._engine_s = engine_s
        self._since_s = time.monotonic()
