"""What every `Guard` owes its callers.

Subclass `GuardContract` in a test module, with a fixture ``world`` that gives a fresh
`GuardWorld`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final, Protocol
from uuid import UUID

from attrs import evolve

from outreach.domain.budget import Ask, Budget, Grant, GuardCode, Units, UnitSlot
from outreach.domain.ids import IntentId, SenderId
from outreach.ports.guard import Guard

__all__ = ["EPOCH", "SLOT", "GuardContract", "GuardWorld", "ask", "rid", "units"]

EPOCH: Final = 7
LIMIT: Final = 3
CALLERS: Final = 40
SLOT: Final = UnitSlot(SenderId(UUID(int=1)), date(2026, 3, 2))
NEXT_DAY: Final = evolve(SLOT, day=SLOT.day + timedelta(days=1))
OTHER: Final = evolve(SLOT, sender=SenderId(UUID(int=2)))
TOTAL: Final = Budget("total:2026-03-02", 5, 1, timedelta(hours=9))
COMPANY: Final = Budget("company:RO123:2026-03", 1, 1, timedelta(days=29))


class GuardWorld(Protocol):
    """A guard and its store, as an adapter under test offers them.

    Attributes:
        guards: one or several over the same store, as processes have them.
        young: how long a rebuild spares what the ledger does not hold.
    """

    guards: Sequence[Guard]
    young: timedelta

    async def lose(self, slot: UnitSlot, budget: str = "") -> None:
        """Have the store lose a slot, or the further budget of its sender."""
        ...

    async def age(self, slot: UnitSlot, by: timedelta) -> None:
        """Have time pass for what the slot holds."""
        ...

    async def restart(self) -> None:
        """Have the store begin another run with what it held."""
        ...


def rid(number: int) -> IntentId:
    """Name a reservation."""
    return IntentId(UUID(int=1_000 + number))


def ask(number: int, *budgets: Budget, slot: UnitSlot = SLOT, cost: int = 1) -> Ask:
    """Ask for reservation *number*."""
    return Ask(
        rid=rid(number),
        slot=slot,
        cost=cost,
        limit=LIMIT,
        epoch=EPOCH,
        expires_in=timedelta(hours=9),
        budgets=budgets,
    )


def units(
    *numbers: int, slot: UnitSlot = SLOT, external: int = 0, **budgets: Iterable[int]
) -> Units:
    """What the ledger holds: reservations by number, of *total* and *company* too."""
    keys = {"total": TOTAL.key, "company": COMPANY.key}
    return Units(
        slot=slot,
        ids=tuple(rid(number) for number in numbers),
        external=external,
        effective=LIMIT,
        epoch=EPOCH,
        expires_in=timedelta(hours=9),
        budgets=tuple(
            (keys[name], tuple(rid(number) for number in held))
            for name, held in budgets.items()
        ),
    )


async def _one(guard: Guard, asked: Ask) -> Grant:
    [grant] = await guard.reserve([asked])
    return grant


async def _used(guard: Guard, slot: UnitSlot = SLOT) -> int:
    [grant] = await guard.peek([slot])
    return grant.used


class GuardContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_no_further_budget_is_granted_more_than_its_limit(
        self, world: GuardWorld
    ) -> None:
        """No further budget is granted more than its limit, however many ask at
        once.
        """
        days = (SLOT, NEXT_DAY)
        await world.guards[0].rebuild([units(slot=day, total=()) for day in days])
        asks = [ask(n, TOTAL, slot=days[n % 2]) for n in range(CALLERS)]
        wide = [evolve(asked, limit=CALLERS) for asked in asks]

        grants = await asyncio.gather(
            *(_one(world.guards[n % len(world.guards)], a) for n, a in enumerate(wide))
        )

        codes = Counter(grant.code for grant in grants)
        full = CALLERS - TOTAL.limit
        assert codes == {GuardCode.OK: TOTAL.limit, GuardCode.BUDGET_EXCEEDED: full}

    async def test_no_slot_is_granted_more_than_its_limit(
        self, world: GuardWorld
    ) -> None:
        """No slot is granted more than its limit, however many ask at once."""
        await world.guards[0].rebuild([units(), units(slot=OTHER)])
        callers = [
            (world.guards[n % len(world.guards)], ask(n, slot=slot))
            for n in range(CALLERS)
            for slot in (SLOT, OTHER)
        ]

        grants = await asyncio.gather(*(_one(guard, a) for guard, a in callers))

        granted = Counter(
            a.slot for (_, a), g in zip(callers, grants, strict=True) if g.code == "OK"
        )
        assert granted == {SLOT: LIMIT, OTHER: LIMIT}
        assert {g.code for g in grants} == {GuardCode.OK, GuardCode.QUOTA_EXCEEDED}
        assert max(g.used for g in grants) == LIMIT

    async def test_asking_twice_costs_once(self, world: GuardWorld) -> None:
        """Asking twice costs once, and an answer does not change when asked again."""
        guard = world.guards[-1]
        await guard.rebuild([units()])
        asked = [ask(n) for n in range(LIMIT + 2)]

        first = await guard.reserve(asked)
        again = [await _one(each, a) for each in world.guards for a in asked]

        assert [g.used for g in first] == [1, 2, 3, 3, 3]
        assert [g.code for g in again] == [g.code for g in first] * len(world.guards)
        assert {g.used for g in again} == {LIMIT}

    async def test_what_is_held_stays_held_when_the_limit_falls(
        self, world: GuardWorld
    ) -> None:
        guard = world.guards[0]
        await guard.rebuild([units(0, 1)])

        held = await _one(guard, evolve(ask(0), limit=1))
        new = await _one(guard, evolve(ask(2), limit=1))

        assert held == Grant(GuardCode.OK, 2, 1)
        assert new == Grant(GuardCode.QUOTA_EXCEEDED, 2, 1)
        assert held.remaining == new.remaining == 0

    async def test_budgets_are_taken_together_or_none_is(
        self, world: GuardWorld
    ) -> None:
        """All budgets of an ask are taken together or none is."""
        guard = world.guards[0]
        await guard.rebuild([units(total=[], company=[9])])

        refused = await _one(guard, ask(0, TOTAL, COMPANY))
        room = [await _one(guard, ask(n, TOTAL, cost=0)) for n in range(1, 7)]

        assert refused == Grant(GuardCode.BUDGET_EXCEEDED, 0, LIMIT, COMPANY.key)
        assert [g.code == GuardCode.OK for g in room] == [True] * TOTAL.limit + [False]
        assert await _used(guard) == 0

    async def test_racing_callers_take_whole_budgets(self, world: GuardWorld) -> None:
        await world.guards[0].rebuild([units(total=[7, 8, 9], company=[])])
        wide = evolve(COMPANY, limit=CALLERS)

        grants = await asyncio.gather(
            *(
                _one(world.guards[n % len(world.guards)], ask(n, TOTAL, wide))
                for n in range(100, 100 + CALLERS)
            )
        )

        assert sum(g.code == GuardCode.OK for g in grants) == TOTAL.limit - 3
        assert {g.budget for g in grants} == {"", TOTAL.key}
        assert await _used(world.guards[0]) == TOTAL.limit - 3
        left = await _one(world.guards[0], ask(1, evolve(wide, limit=3), cost=0))
        assert left.code == GuardCode.OK
        full = await _one(world.guards[0], ask(2, evolve(wide, limit=3), cost=0))
        assert full.code == GuardCode.BUDGET_EXCEEDED

    async def test_a_message_that_costs_nothing_leaves_no_entry(
        self, world: GuardWorld
    ) -> None:
        guard = world.guards[0]
        await guard.rebuild([units(0, 1, 2)])

        grants = await guard.reserve([ask(n, cost=0) for n in range(3, 10)])

        assert set(grants) == {Grant(GuardCode.OK, 3, LIMIT)}
        assert await _used(guard) == LIMIT

    async def test_what_takes_nothing_needs_no_rebuild(self, world: GuardWorld) -> None:
        free = evolve(TOTAL, cost=0)

        grant = await _one(world.guards[0], ask(0, free, cost=0))

        assert grant == Grant(GuardCode.OK, 0, LIMIT)
        [seen] = await world.guards[0].peek([SLOT])
        assert seen.code == GuardCode.NEED_REBUILD

    async def test_what_is_not_whole_grants_nothing(self, world: GuardWorld) -> None:
        """A slot that is missing, halved or of another epoch grants nothing until it
        is rebuilt.
        """
        guard = world.guards[0]

        missing = await _one(guard, ask(0, TOTAL))
        await guard.rebuild([units(total=[])])
        whole = await _one(guard, ask(0, TOTAL))
        of_another = await _one(guard, evolve(ask(0, TOTAL), epoch=EPOCH + 1))
        await world.lose(SLOT, TOTAL.key)
        halved = await _one(guard, ask(0, TOTAL))
        await guard.rebuild([units(0, total=[0])])
        whole_again = await _one(guard, ask(1, TOTAL))
        await world.lose(SLOT)
        lost = await _one(guard, ask(0))

        need = GuardCode.NEED_REBUILD
        assert missing == Grant(need, 0, LIMIT)
        assert whole == Grant(GuardCode.OK, 1, LIMIT)
        assert of_another == Grant(need, 1, LIMIT)
        assert halved == Grant(need, 1, LIMIT, TOTAL.key)
        assert whole_again == Grant(GuardCode.OK, 2, LIMIT)
        assert lost == Grant(need, 0, LIMIT)

    async def test_another_run_of_the_store_is_rebuilt_first(
        self, world: GuardWorld
    ) -> None:
        guard = world.guards[0]
        await guard.rebuild([units(0)])

        await world.restart()

        assert (await _one(guard, ask(0))).code == GuardCode.NEED_REBUILD
        [seen] = await guard.peek([SLOT])
        assert seen.code == GuardCode.NEED_REBUILD
        await guard.rebuild([units(1)])
        assert await _one(guard, ask(2)) == Grant(GuardCode.OK, 3, LIMIT)

    async def test_a_rebuild_under_an_older_epoch_is_seen(
        self, world: GuardWorld
    ) -> None:
        guard = world.guards[0]
        await guard.rebuild([units(0)])

        await guard.rebuild([evolve(units(0), epoch=EPOCH - 1)])

        assert (await _one(guard, ask(0))).code == GuardCode.NEED_REBUILD

    async def test_a_rebuild_is_a_union(self, world: GuardWorld) -> None:
        """A rebuild is a union with the ledger and never forgets a younger
        reservation.
        """
        guard = world.guards[0]
        await guard.rebuild([units()])
        await guard.reserve([ask(0), ask(1)])
        await world.age(SLOT, world.young / 2)

        for _ in range(2):
            await guard.rebuild([units(1, 2)])

        assert await _used(guard) == LIMIT
        assert (await _one(guard, ask(3))).code == GuardCode.QUOTA_EXCEEDED
        again = await guard.reserve([ask(n) for n in range(3)])
        assert {g.code for g in again} == {GuardCode.OK}

    async def test_what_a_crash_left_behind_is_forgotten_in_the_end(
        self, world: GuardWorld
    ) -> None:
        guard = world.guards[0]
        await guard.rebuild([units(total=[])])
        await guard.reserve([ask(0, TOTAL), ask(1), ask(2)])
        await world.age(SLOT, world.young * 2)
        await guard.reserve([ask(2)])

        await guard.rebuild([units(1, total=[])])

        assert await _used(guard) == LIMIT - 1
        assert await _one(guard, ask(3)) == Grant(GuardCode.OK, 3, LIMIT)
        assert (await _one(guard, ask(0))).code == GuardCode.QUOTA_EXCEEDED

    async def test_a_rebuild_that_races_with_asks_loses_none(
        self, world: GuardWorld
    ) -> None:
        first, last = world.guards[0], world.guards[-1]
        await first.rebuild([units(0)])
        wide = [evolve(ask(n), limit=CALLERS) for n in range(CALLERS)]

        async def rebuild() -> None:
            for _ in range(CALLERS):
                await last.rebuild([units(0, 1)])

        rebuilding = asyncio.create_task(rebuild())
        grants = await asyncio.gather(*(_one(first, each) for each in wide))
        await rebuilding

        assert {g.code for g in grants} == {GuardCode.OK}
        assert await _used(first) == CALLERS

    async def test_what_people_sent_themselves_is_left_off_the_limit(
        self, world: GuardWorld
    ) -> None:
        guard = world.guards[0]

        await guard.rebuild([units(0, external=1), units(slot=OTHER, external=9)])

        seen = await guard.peek([SLOT, OTHER, NEXT_DAY])
        assert list(seen) == [
            Grant(GuardCode.OK, 1, LIMIT - 1),
            Grant(GuardCode.OK, 0, 0),
            Grant(GuardCode.NEED_REBUILD, 0, 0),
        ]

    async def test_a_release_gives_back_one_unit_once(self, world: GuardWorld) -> None:
        """A release gives back exactly one unit, once."""
        guard = world.guards[0]
        await guard.rebuild([units()])
        await guard.reserve([ask(n) for n in range(LIMIT)])

        await asyncio.gather(*(g.release(rid(1), SLOT) for g in [*world.guards] * 3))
        await guard.release(rid(99), SLOT)
        await guard.release(rid(0), NEXT_DAY)

        assert await _used(guard) == LIMIT - 1
        grants = await guard.reserve([ask(7), ask(8)])
        assert [g.code for g in grants] == [GuardCode.OK, GuardCode.QUOTA_EXCEEDED]

    async def test_a_release_gives_back_further_budgets_too(
        self, world: GuardWorld
    ) -> None:
        guard = world.guards[0]
        await guard.rebuild([units(total=[], company=[])])
        await guard.reserve([ask(0, TOTAL), ask(1, TOTAL, COMPANY, cost=0)])
        await guard.reserve([ask(0, COMPANY), ask(1, TOTAL, cost=0)])

        await guard.release(rid(1), SLOT)
        await guard.release(rid(1), SLOT)

        grants = await guard.reserve(
            [ask(2, COMPANY, cost=0), *(ask(n, TOTAL, cost=0) for n in range(3, 9))]
        )
        assert [g.code == GuardCode.OK for g in grants] == [True] * 5 + [False] * 2
        assert await _used(guard) == 1

    async def test_a_release_after_a_rebuild_gives_back_further_budgets_too(
        self, world: GuardWorld
    ) -> None:
        guard = world.guards[0]
        await guard.rebuild([units(0, company=[0])])
        full = await _one(guard, ask(1, COMPANY))

        await guard.release(rid(0), SLOT)

        assert full.code == GuardCode.BUDGET_EXCEEDED
        assert await _one(guard, ask(1, COMPANY)) == Grant(GuardCode.OK, 1, LIMIT)

    async def test_another_day_and_another_sender_are_other_slots(
        self, world: GuardWorld
    ) -> None:
        guard = world.guards[0]
        slots = (SLOT, NEXT_DAY, OTHER)

        await guard.rebuild([units(slot=slot) for slot in slots])
        grants = await guard.reserve([ask(0, slot=slot) for slot in slots])

        assert set(grants) == {Grant(GuardCode.OK, 1, LIMIT)}

    async def test_nothing_asked_is_nothing_answered(self, world: GuardWorld) -> None:
        guard = world.guards[0]

        await guard.rebuild([])

        assert list(await guard.reserve([])) == []
        assert list(await guard.peek([])) == []
