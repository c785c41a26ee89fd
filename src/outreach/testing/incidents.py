"""What every `Incidents` and every `ModelBudget` owes its callers.

Subclass each contract in a test module: `IncidentsContract` with fixtures ``world`` and
``incidents``, `ModelBudgetContract` with ``world`` and ``budget`` (`PER_MINUTE` and
`PER_DAY` calls). A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from outreach.domain.timing import TELL_AGAIN
from outreach.ports.incidents import Incidents
from outreach.ports.model_budget import ModelBudget
from outreach.testing.world import World

__all__ = ["PER_DAY", "PER_MINUTE", "IncidentsContract", "ModelBudgetContract"]

PER_MINUTE: Final = 3
PER_DAY: Final = 7
MANY: Final = 12
MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
KIND: Final = "phone.offline"
ABOUT: Final = "a phone"


class IncidentsContract:
    """One test per promise of the port."""

    async def test_the_first_tells(self, incidents: Incidents) -> None:
        """The first to open an incident tells people, nobody after it does."""
        first = await incidents.open(KIND, ABOUT)
        before = await incidents.open(KIND, ABOUT)
        await incidents.told(KIND, ABOUT)

        assert first is True
        assert before is False
        assert await incidents.open(KIND, ABOUT) is False

    async def test_one_of_many_tells(self, incidents: Incidents) -> None:
        """Of many who open it at once one tells people."""
        opened = await asyncio.gather(
            *(incidents.open(KIND, ABOUT) for _ in range(MANY))
        )

        assert sorted(opened) == [False] * (MANY - 1) + [True]

    async def test_a_closed_one_opens_again(self, incidents: Incidents) -> None:
        """An incident that was closed may be opened again."""
        await incidents.open(KIND, ABOUT)
        await incidents.told(KIND, ABOUT)

        closed = await incidents.close(KIND, ABOUT)

        assert closed is True
        assert await incidents.open(KIND, ABOUT) is True

    async def test_one_nobody_told_of(self, world: World, incidents: Incidents) -> None:
        """One that nobody confirms to have told of is told of by a later one."""
        await incidents.open(KIND, ABOUT)
        await world.advance_machine(TELL_AGAIN - MINUTE)
        early = await incidents.open(KIND, ABOUT)
        await world.advance_machine(2 * MINUTE)

        late = await incidents.open(KIND, ABOUT)
        again = await incidents.open(KIND, ABOUT)
        await incidents.told(KIND, ABOUT)
        await world.advance_machine(2 * TELL_AGAIN)

        assert (early, late, again) == (False, True, False)
        assert await incidents.open(KIND, ABOUT) is False

    async def test_another_incident(self, incidents: Incidents) -> None:
        """Another kind, or about another thing, is another incident."""
        await incidents.open(KIND, ABOUT)

        other = await incidents.open(KIND, "another phone")
        kind = await incidents.open("phone.silent", ABOUT)
        await incidents.close("phone.silent", ABOUT)

        assert other is kind is True
        assert await incidents.open(KIND, ABOUT) is False

    async def test_closing_what_is_not_open(self, incidents: Incidents) -> None:
        """Closing what is not open changes nothing."""
        closed = await incidents.close(KIND, ABOUT)
        await incidents.told(KIND, ABOUT)

        assert closed is False
        assert await incidents.open(KIND, ABOUT) is True


class ModelBudgetContract:
    """One test per promise of the port."""

    async def test_the_minute(self, world: World, budget: ModelBudget) -> None:
        """No more calls are allowed in a minute than the minute's limit."""
        allowed = [await budget.take(world.tenant) for _ in range(PER_MINUTE + 2)]

        assert allowed == [True] * PER_MINUTE + [False, False]

    async def test_the_day(self, world: World, budget: ModelBudget) -> None:
        """No more calls are allowed in a day than the day's limit."""
        allowed = []
        for _ in range(PER_DAY + 3):
            allowed.append(await budget.take(world.tenant))
            await world.advance_machine(MINUTE)

        assert allowed == [True] * PER_DAY + [False] * 3

    async def test_time_passes(self, world: World, budget: ModelBudget) -> None:
        """A new minute allows calls again, a day that is used up does not."""
        for _ in range(PER_MINUTE + 1):
            await budget.take(world.tenant)
        await world.advance_machine(MINUTE)
        next_minute = await budget.take(world.tenant)
        for _ in range(PER_DAY):
            await world.advance_machine(MINUTE)
            await budget.take(world.tenant)

        used_up = await budget.take(world.tenant)
        await world.advance_machine(DAY)

        assert next_minute is True
        assert used_up is False
        assert await budget.take(world.tenant) is True

    async def test_tenants(self, world: World, budget: ModelBudget) -> None:
        """One tenant's calls use up nothing of another's."""
        for _ in range(PER_MINUTE + 1):
            await budget.take(world.stranger)

        assert await budget.take(world.tenant) is True

    async def test_many_at_once(self, world: World, budget: ModelBudget) -> None:
        """Of many who ask at once no more than the limit are allowed."""
        allowed = await asyncio.gather(
            *(budget.take(world.tenant) for _ in range(MANY))
        )

        assert sum(allowed) == PER_MINUTE
