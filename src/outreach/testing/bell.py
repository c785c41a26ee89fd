"""What every `Bell` owes its callers.

Subclass `BellContract` in a test module, with a fixture ``world`` that gives a fresh
`BellWorld`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final, Protocol

from outreach.ports.bell import Bell

__all__ = ["BellContract", "BellWorld"]

RINGS: Final = 50
SOON: Final = timedelta(seconds=2)


class BellWorld(Protocol):
    """A bell and one worker that hears it.

    Attributes:
        latest: a ring is heard this long after its time at most.
        broken: a bell of the same kind that nobody can hear.
    """

    bell: Bell
    broken: Bell
    latest: timedelta

    async def woken(self, within: timedelta) -> bool:
        """Whether the worker, which sleeps, is woken in that time."""
        ...


class BellContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_a_ring_wakes_a_worker(self, world: BellWorld) -> None:
        """A ring wakes a worker that waits."""
        waiting = asyncio.create_task(world.woken(world.latest + SOON))
        await asyncio.sleep(0.01)

        await world.bell.ring()

        assert await waiting

    async def test_a_ring_before_anybody_waits_is_heard(self, world: BellWorld) -> None:
        await world.bell.ring()

        assert await world.woken(world.latest + SOON)

    async def test_nobody_is_woken_without_a_ring(self, world: BellWorld) -> None:
        assert not await world.woken(timedelta(seconds=0.2))

    async def test_a_ring_for_later_wakes_later(self, world: BellWorld) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()

        await world.bell.ring(timedelta(seconds=1))

        assert await world.woken(world.latest + SOON)
        assert loop.time() - began >= 1

    async def test_many_rings_do_not_pile_up(self, world: BellWorld) -> None:
        """Many rings for one time do not pile up."""
        await asyncio.gather(
            *(world.bell.ring(timedelta(seconds=0.1)) for _ in range(RINGS))
        )

        wakes = 0
        while await world.woken(world.latest + timedelta(seconds=0.2)):
            wakes += 1
        assert 1 <= wakes <= 1 + 1  # they may lie on both sides of a rounded time

    async def test_a_ring_that_fails_raises_nothing(self, world: BellWorld) -> None:
        """A ring that fails raises nothing."""
        await world.broken.ring()
        await world.broken.ring(timedelta(seconds=1))

        assert not await world.woken(timedelta(seconds=0.2))
