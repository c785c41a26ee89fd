"""What a world thinks is due next is what the store says, at any turn."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outreach.testing.simulation import World, drawn
from outreach.testing.simulation.place import now

EVERY = 40
PHONES, MAIL = 3, 18
"""Seeds of a world of phones alone, and of one with mail."""
MICROSECOND = 2e-6


@pytest.mark.parametrize("seed", [PHONES, MAIL])
def test_the_wake_of_a_world_is_the_stores_next_wake(seed: int) -> None:
    turns, differ = 0, list[tuple[float, float]]()

    def compare(_fiber: str, _what: str, at: float) -> None:
        nonlocal turns
        turns += 1
        if turns % EVERY:
            return
        wait: timedelta | None = now(lanes.next_wake())
        told = float("inf") if wait is None else at + wait.total_seconds()
        known = max(world.wake.at(), at)
        if abs(told - known) > MICROSECOND and told != known:
            differ.append((told, known))

    world = World(drawn(seed), trace=compare)
    lanes = world.parts.lanes.port
    world.run()
    world.schedule.bury()

    assert (world.mail is not None) is (seed == MAIL)
    assert differ == []
    assert turns > 100 * EVERY
