"""Any sequence of asks, releases, rebuilds and losses, against one plain model."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from copy import deepcopy
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from attrs import define, evolve, field
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.contract.guard_worlds import MemoryWorld, RedisWorld

from outreach.adapters.memory.guard import MemoryGuard
from outreach.adapters.redis import RedisGuard
from outreach.domain.budget import Ask, Budget, Grant, GuardCode, Units, UnitSlot
from outreach.domain.ids import IntentId, SenderId

__all__ = ["GuardMachine"]

HOURS: Final = timedelta(hours=9)
A: Final = UnitSlot(SenderId(UUID(int=1)), date(2026, 3, 2))
SLOTS: Final = (
    A,
    evolve(A, day=date(2026, 3, 3)),
    evolve(A, sender=SenderId(UUID(int=2))),
)
RIDS: Final = [IntentId(UUID(int=100 + n)) for n in range(5)]
KEYS: Final = ("total:2026-03-02", "month:2026-03")
FURTHER: Final = [(slot, key) for slot in (SLOTS[0], SLOTS[2]) for key in KEYS]
"""One slot of each sender, with each budget."""

Name = tuple[SenderId, str]
slots = st.sampled_from(SLOTS)
rids = st.sampled_from(RIDS)
ids = st.lists(rids, unique=True, max_size=4).map(tuple)
epochs = st.sampled_from([1, 1, 1, 2])
limits = st.integers(0, 4)
costs = st.sampled_from([0, 1, 1])
budgets = st.lists(
    st.builds(Budget, st.sampled_from(KEYS), limits, costs, st.just(HOURS)),
    unique_by=lambda budget: budget.key,
    max_size=2,
).map(tuple)
asks = st.builds(
    Ask,
    rid=rids,
    slot=slots,
    cost=costs,
    limit=limits,
    epoch=epochs,
    expires_in=st.just(HOURS),
    budgets=budgets,
)
ledgers = st.builds(
    Units,
    slot=slots,
    ids=ids,
    external=st.integers(0, 2),
    effective=limits,
    epoch=epochs,
    expires_in=st.just(HOURS),
    budgets=st.lists(
        st.tuples(st.sampled_from(KEYS), ids),
        unique_by=lambda pair: pair[0],
        max_size=2,
    ).map(tuple),
)


@define
class Kept:
    """One budget in the model; *old* are reservations that are no longer young."""

    epoch: int
    limit: int
    young: set[IntentId] = field(factory=set)
    old: set[IntentId] = field(factory=set)
    whole: bool = True

    @property
    def all(self) -> set[IntentId]:
        return self.young | self.old


@define
class Model:
    """What a guard is to do, said as plainly as can be."""

    kept: dict[Name, Kept] = field(factory=dict)
    took: dict[tuple[Name, IntentId], set[Name]] = field(factory=dict)

    def used(self, day: Name) -> int:
        return len(self.kept[day].all) if day in self.kept else 0

    def reserve(self, ask: Ask) -> Grant:
        day = name_of(ask.slot)
        wanted = [(day, "", ask.limit)] if ask.cost else []
        wanted += [
            ((ask.slot.sender, b.key), b.key, b.limit) for b in ask.budgets if b.cost
        ]
        for name, key, limit in wanted:
            kept = self.kept.get(name)
            if kept is None or not kept.whole or kept.epoch != ask.epoch:
                need = GuardCode.NEED_REBUILD
                return Grant(need, self.used(day), ask.limit, key)
            kept.limit = limit
            if ask.rid not in kept.all and len(kept.all) >= limit:
                full = (GuardCode.QUOTA_EXCEEDED, GuardCode.BUDGET_EXCEEDED)[key != ""]
                return Grant(full, self.used(day), ask.limit, key)
        for name, key, _ in wanted:
            self.kept[name].young.add(ask.rid)
            self.kept[name].old.discard(ask.rid)
            if key:
                self.took.setdefault((day, ask.rid), set()).add(name)
        return Grant(GuardCode.OK, self.used(day), ask.limit)

    def release(self, rid: IntentId, slot: UnitSlot) -> None:
        day = name_of(slot)
        for name in {day} | self.took.pop((day, rid), set()):
            if name in self.kept:
                self.kept[name].young.discard(rid)
                self.kept[name].old.discard(rid)

    def rebuild(self, units: Units) -> None:
        day = name_of(units.slot)
        limit = max(0, units.effective - units.external)
        self.rebuild_one(day, set(units.ids), units.epoch, limit)
        for key, held in units.budgets:
            name = (units.slot.sender, key)
            self.rebuild_one(name, set(held), units.epoch, 0)
            for rid in held:
                self.took.setdefault((day, rid), set()).add(name)

    def rebuild_one(
        self, name: Name, ledger: set[IntentId], epoch: int, limit: int
    ) -> None:
        before = self.kept.get(name, Kept(epoch, limit))
        old = before.old & ledger
        young = before.young | (ledger - old)
        self.kept[name] = Kept(epoch, limit, young, old)

    def peek(self, slot: UnitSlot) -> Grant:
        kept = self.kept.get(name_of(slot))
        if kept is None:
            return Grant(GuardCode.NEED_REBUILD, 0, 0)
        code = GuardCode.OK if kept.whole else GuardCode.NEED_REBUILD
        return Grant(code, len(kept.all), kept.limit)

    def flush(self) -> None:
        self.kept.clear()
        self.took.clear()

    def lose_record(self, slot: UnitSlot) -> None:
        day = name_of(slot)
        self.took = {of: took for of, took in self.took.items() if of[0] != day}

    def records(self) -> list[UnitSlot]:
        days = {day for (day, _), took in self.took.items() if took}
        return [slot for slot in SLOTS if name_of(slot) in days]

    def age(self) -> None:
        for kept in self.kept.values():
            kept.old |= kept.young
            kept.young.clear()


def name_of(slot: UnitSlot) -> Name:
    return slot.sender, str(slot.day)


async def look(guard: MemoryGuard | RedisGuard) -> list[Any]:
    further = [guard.held(slot, key) for slot, key in FURTHER]
    return await gather((*map(guard.held, SLOTS), *further, guard.peek(SLOTS)))


def each_alone(
    guard: MemoryGuard | RedisGuard, asked: Iterable[Ask]
) -> Awaitable[list[Any]]:
    return gather([guard.reserve([each]) for each in asked])


async def gather(verbs: Iterable[Awaitable[Any]]) -> list[Any]:
    return await asyncio.gather(*verbs)


class GuardMachine(RuleBasedStateMachine):
    """Drives guards and the model side by side."""

    def __init__(self, *worlds: MemoryWorld | RedisWorld) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.worlds = worlds
        self.guards = [world.guards[0] for world in worlds]
        self.model = Model()

    def run(self, *verbs: Awaitable[Any]) -> list[Any]:
        """Run one verb of each guard, or of each world."""
        return self.loop.run_until_complete(gather(verbs))

    @rule(asked=st.lists(asks, min_size=1, max_size=4))
    def reserve(self, asked: list[Ask]) -> None:
        answers = self.run(*(guard.reserve(asked) for guard in self.guards))

        grants = [self.model.reserve(each) for each in asked]
        assert answers == [grants for _ in self.guards]

    @rule(asked=st.lists(asks, min_size=2, max_size=6))
    def reserve_together(self, asked: list[Ask]) -> None:
        """Callers of one guard come together, and are served in their order."""
        answers = self.run(*(each_alone(guard, asked) for guard in self.guards))

        grants = [[self.model.reserve(each)] for each in asked]
        assert answers == [grants for _ in self.guards]

    @rule(
        slot=slots,
        limit=limits,
        epoch=epochs,
        budgets=budgets,
        callers=st.lists(rids, min_size=2, unique=True),
    )
    def race(
        self,
        slot: UnitSlot,
        limit: int,
        epoch: int,
        budgets: tuple[Budget, ...],
        callers: list[IntentId],
    ) -> None:
        """Callers of several processes come together; who is first is open."""
        # Who holds one of these budgets from another day gives that back, too, if it
        # wins here, and so would tell who won.
        names = [(slot.sender, budget.key) for budget in budgets]
        known = set[IntentId]().union(
            *(self.model.kept[name].all for name in names if name in self.model.kept)
        )
        asked = [
            Ask(rid, slot, 1, limit, epoch, HOURS, budgets)
            for rid in callers
            if rid not in known
        ]
        if not asked:
            return
        before = deepcopy(self.model)
        outcomes: list[tuple[set[IntentId], list[GuardCode]]] = []
        for world in self.worlds:
            many = [
                world.guards[n % len(world.guards)].reserve([each])
                for n, each in enumerate(asked)
            ]
            codes = [answer[0].code for answer in self.run(*many)]
            won = {
                each.rid
                for each, code in zip(asked, codes, strict=True)
                if code is GuardCode.OK
            }
            outcomes.append((won, codes))

        first, _ = outcomes[0]
        for won, codes in outcomes:
            model = deepcopy(before)
            # Nothing is given back meanwhile, so that whoever won may have come first.
            order = sorted(asked, key=lambda each: each.rid not in won)
            expected = Counter(model.reserve(each).code for each in order)
            assert Counter(codes) == expected
            assert len(won) == len(first)
        for each in asked:
            # Who won differs from world to world: nobody keeps it.
            self.run(*(guard.release(each.rid, slot) for guard in self.guards))
            self.model.release(each.rid, slot)
        self.forget_race(asked)

    def forget_race(self, asked: list[Ask]) -> None:
        """Limits that were told last depend on who was served last; tell them again."""
        told = [evolve(asked[0], rid=RIDS[-1])]
        answers = self.run(*(guard.reserve(told) for guard in self.guards))
        grants = [self.model.reserve(each) for each in told]
        assert answers == [grants for _ in self.guards]

    @rule(rid=rids, slot=slots, times=st.integers(1, 2))
    def release(self, rid: IntentId, slot: UnitSlot, times: int) -> None:
        for _ in range(times):
            self.run(*(guard.release(rid, slot) for guard in self.guards))
            self.model.release(rid, slot)

    @rule(known=st.lists(ledgers, min_size=1, max_size=2))
    def rebuild(self, known: list[Units]) -> None:
        self.run(*(guard.rebuild(known) for guard in self.guards))

        for ledger in known:
            self.model.rebuild(ledger)

    @rule(asked=asks, ledger=ledgers)
    def rebuild_under_a_younger_reservation(self, asked: Ask, ledger: Units) -> None:
        """The ledger was read before the reservation, and arrives after it."""
        ledger = evolve(ledger, slot=asked.slot, epoch=asked.epoch)
        answers = self.run(*(guard.reserve([asked]) for guard in self.guards))
        grant = self.model.reserve(asked)
        self.run(*(guard.rebuild([ledger]) for guard in self.guards))
        self.model.rebuild(ledger)

        assert answers == [[grant] for _ in self.guards]
        if grant.code is GuardCode.OK and asked.cost:
            held = self.run(*(guard.held(asked.slot) for guard in self.guards))
            assert all(asked.rid in ids for ids in held)

    @precondition(lambda self: self.model.kept)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        sender, key = data.draw(st.sampled_from(sorted(self.model.kept)))
        slot = UnitSlot(sender, A.day)

        self.run(*(world.lose(slot, key) for world in self.worlds))

        del self.model.kept[sender, key]

    @rule()
    def flush(self) -> None:
        self.run(*(world.flush() for world in self.worlds))

        self.model.flush()

    @precondition(lambda self: len(self.model.kept) > 1)
    @rule(data=st.data())
    def lose_half(self, data: st.DataObject) -> None:
        """Some of the budgets and of the records are gone, each as a whole."""
        names = sorted(self.model.kept)
        lost = data.draw(st.sets(st.sampled_from(names), max_size=len(names) // 2 + 1))
        for sender, key in sorted(lost):
            slot = UnitSlot(sender, A.day)
            self.run(*(world.lose(slot, key) for world in self.worlds))
            del self.model.kept[sender, key]
        for slot in self.model.records():
            if data.draw(st.booleans()):
                self.run(*(world.lose_record(slot) for world in self.worlds))
                self.model.lose_record(slot)

    @precondition(lambda self: any(name_of(slot) in self.model.kept for slot in SLOTS))
    @rule()
    def age(self) -> None:
        slot = next(slot for slot in SLOTS if name_of(slot) in self.model.kept)

        self.run(*(world.age(slot, world.young * 2) for world in self.worlds))

        self.model.age()

    @rule()
    def restart(self) -> None:
        self.run(*(world.restart() for world in self.worlds))

        for kept in self.model.kept.values():
            kept.whole = False

    @invariant()
    def every_slot_holds_what_the_model_holds(self) -> None:
        looks = self.run(*map(look, self.guards))

        names = [*map(name_of, SLOTS), *((slot.sender, key) for slot, key in FURTHER)]
        kept = [self.model.kept.get(name) for name in names]
        held = [each.all if each else set() for each in kept]
        peeked = [self.model.peek(slot) for slot in SLOTS]
        assert looks == [[*held, peeked] for _ in self.guards]

    def teardown(self) -> None:
        self.run(*(world.aclose() for world in self.worlds))
        self.loop.close()
