"""The bell inside one process, and one that rings there and elsewhere."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from attrs import define, field, frozen

from outreach.ports.bell import Bell

__all__ = ["Bells", "LocalBell", "MemoryBell"]

RINGS_PER_SECOND: Final = 10
"""Later rings meet in tenths of a second, so that any number of them is few."""


@define(eq=False)
class LocalBell:
    """Implements :class:`outreach.ports.bell.Bell` for one event loop.

    A ring that comes before anybody waits is heard by the next who does. Rings need
    no running loop and no timer: whoever waits sleeps until the earliest of them.

    Args:
        monotonic: machine seconds.
    """

    _monotonic: Callable[[], float] = time.monotonic
    _due: set[float] = field(factory=set, init=False)
    _rung: asyncio.Event = field(factory=asyncio.Event, init=False)

    async def ring(self, after: timedelta = timedelta()) -> None:
        """Wake one who waits, *after* this much machine time."""
        seconds = after.total_seconds()
        at = 0.0
        if seconds > 0:
            due = (self._monotonic() + seconds) * RINGS_PER_SECOND
            at = math.ceil(due) / RINGS_PER_SECOND
        self._due.add(at)
        self._rung.set()

    async def wait(self, within: timedelta | None = None) -> bool:
        """Wait for a ring; False if *within* is over first (None: for ever)."""
        now = self._monotonic()
        end = math.inf if within is None else now + within.total_seconds()
        while not self._heard(now):
            until = min(end, *self._due, math.inf)
            if now >= end:
                return False
            self._rung.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if until == math.inf else until - now):
                    await self._rung.wait()
            now = self._monotonic()
        return True

    def _heard(self, now: float) -> bool:
        rung = {at for at in self._due if at <= now}
        self._due -= rung
        return bool(rung)


MemoryBell = LocalBell
"""The double of tests is the real thing."""


@frozen
class Bells:
    """One bell for this process and one for all others.

    A worker waits at the local one; its arq ``look`` rings that, too.
    """

    local: LocalBell
    remote: Bell

    async def ring(self, after: timedelta = timedelta()) -> None:
        """Ring here at once, then elsewhere."""
        await self.local.ring(after)
        await self.remote.ring(after)

    async def wait(self, within: timedelta | None = None) -> bool:
        """Wait for a ring; False if *within* is over first (None: for ever)."""
        return await self.local.wait(within)
