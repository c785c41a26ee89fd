"""What every `Clock` owes its callers.

Subclass `ClockContract` in a test module, with a fixture ``world`` that gives a fresh
`World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from itertools import pairwise
from typing import Final

from outreach.testing.invented import START
from outreach.testing.world import HOUR, World

__all__ = ["ClockContract"]

MANY: Final = 20
A_MOMENT: Final = timedelta(milliseconds=20)


class ClockContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_engine_time_never_goes_back(self, world: World) -> None:
        """Engine time never goes back."""
        times = []
        for n in range(MANY):
            times.append(await world.clock.now())
            if n % 5 == 0:
                await world.advance_engine(HOUR)
            elif n % 7 == 0:
                await world.advance_machine(A_MOMENT)

        assert all(earlier <= later for earlier, later in pairwise(times))
        assert times[0] >= START
        assert times[-1] - times[0] >= HOUR * 4
        assert {time.tzinfo for time in times} == {UTC}

    async def test_monotonic_time_is_the_machines(self, world: World) -> None:
        """The monotonic time never goes back and is not scaled."""
        began = world.clock.monotonic()

        await world.advance_engine(HOUR)
        unscaled = world.clock.monotonic()
        await world.advance_machine(A_MOMENT)
        passed = world.clock.monotonic()

        assert began <= unscaled < began + 60
        assert unscaled + A_MOMENT.total_seconds() <= passed < began + 60

    async def test_all_ports_go_by_the_same_time(self, world: World) -> None:
        await world.phone_with()

        await world.advance_engine(HOUR)
        before = await world.clock.now()
        claim = await world.claim()
        enrolling = await world.campaigns.now()
        after = await world.clock.now()

        assert before <= claim.now <= enrolling <= after
