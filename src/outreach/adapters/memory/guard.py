"""The guard as a dict of dicts, with every way to lose them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import timedelta
from typing import Final

from attrs import define, field

from outreach.adapters.memory.pause import Pause, yield_once
from outreach.domain.budget import Ask, Grant, GuardCode, Units, UnitSlot
from outreach.domain.ids import IntentId, SenderId

__all__ = ["YOUNG", "MemoryGuard"]

YOUNG: Final = timedelta(minutes=10)
"""A reservation that the ledger does not know yet may still be armed for this long."""

_Key = tuple[SenderId, str]
"""A sender, and its day or a further budget's key."""


@define(eq=False)
class _Held:
    """One budget and period.

    Attributes:
        run: of the store, in which it was rebuilt.
        limit: as last told.
        since: when each reservation was last asked for, by the monotonic clock.
    """

    epoch: int
    run: int
    limit: int
    since: dict[IntentId, float] = field(factory=dict)


@define(eq=False)
class _Store:
    """What a server would hold.

    Attributes:
        records: of a day, which further budgets each reservation took.
    """

    budgets: dict[_Key, _Held] = field(factory=dict)
    records: dict[_Key, dict[IntentId, set[_Key]]] = field(factory=dict)


@define(eq=False)
class MemoryGuard:
    """Implements :class:`outreach.ports.guard.Guard` for one event loop.

    Never expires anything, so that a simulated month shows what was kept.

    Args:
        monotonic: machine seconds, for what is young.
        pause: lets others run, once at the start of every verb.
        young: see ``YOUNG``.
    """

    _monotonic: Callable[[], float] = time.monotonic
    _pause: Pause = field(default=yield_once, kw_only=True)
    _young: timedelta = field(default=YOUNG, kw_only=True)
    _store: _Store = field(factory=_Store, init=False)
    _run: int = field(default=1, init=False)

    async def reserve(self, asks: Sequence[Ask]) -> Sequence[Grant]:
        """Take the units of each ask, or say why not."""
        await self._pause()
        return [self._reserve(ask) for ask in asks]

    async def release(self, rid: IntentId, slot: UnitSlot) -> None:
        """Give a reservation's units back; unknown is fine."""
        await self._pause()
        day = _key(slot)
        taken = self._store.records.get(day, {}).pop(rid, set())
        for key in (day, *taken):
            if held := self._store.budgets.get(key):
                held.since.pop(rid, None)

    async def rebuild(self, units: Sequence[Units]) -> None:
        """Bring slots to at least what the ledger holds, under its epoch."""
        await self._pause()
        for each in units:
            day = _key(each.slot)
            limit = max(0, each.effective - each.external)
            self._rebuild(day, each.epoch, each.ids, limit=limit)
            for name, ids in each.budgets:
                key = (each.slot.sender, name)
                self._rebuild(key, each.epoch, ids, limit=0)
                for rid in ids:
                    self._record(day, rid).add(key)

    async def peek(self, slots: Sequence[UnitSlot]) -> Sequence[Grant]:
        """Use of each slot and the limit last told, or NEED_REBUILD."""
        await self._pause()
        return [self._peek(self._store.budgets.get(_key(slot))) for slot in slots]

    async def held(self, slot: UnitSlot, budget: str = "") -> frozenset[IntentId]:
        """Whose units a slot, or a further budget of its sender, holds, for an audit;
        empty where it is missing.
        """
        await self._pause()
        held = self._store.budgets.get(_key(slot, budget))
        return frozenset(held.since if held else ())

    async def store_id(self) -> str:
        """Name the store's run; a restart changes it."""
        await self._pause()
        return f"memory-{self._run}"

    def flush(self) -> None:
        """Lose everything, as FLUSHALL does: the run goes on."""
        self._store = _Store()

    def lose(self, fraction: float, rng: random.Random) -> None:
        """Lose about *fraction* (0 to 1) of what is held, each budget as a whole."""
        for part in (self._store.budgets, self._store.records):
            for key in [key for key in part if rng.random() < fraction]:
                del part[key]

    def restart(self) -> None:
        """Begin another run of the store, which still holds what it held."""
        self._run += 1

    def save(self) -> object:
        """Copy what is held, for ``restore``."""
        return deepcopy(self._store)

    def restore(self, saved: object) -> None:
        """Go back to what was saved and let nobody notice: no other run begins.

        Raises:
            TypeError: it did not come from ``save``.
        """
        if not isinstance(saved, _Store):
            msg = f"restore what save() gave, not {saved!r}"
            raise TypeError(msg)
        self._store = deepcopy(saved)

    def _reserve(self, ask: Ask) -> Grant:
        day = self._store.budgets.get(_key(ask.slot))
        used = len(day.since) if day else 0
        further = [(b.key, b.limit) for b in ask.budgets if b.cost]
        taken: list[_Held] = []
        for name, limit in [("", ask.limit)] * bool(ask.cost) + further:
            held = self._store.budgets.get(_key(ask.slot, name))
            if held is None or (held.epoch, held.run) != (ask.epoch, self._run):
                return Grant(GuardCode.NEED_REBUILD, used, ask.limit, name)
            held.limit = limit
            if ask.rid not in held.since and len(held.since) >= limit:
                code = GuardCode.BUDGET_EXCEEDED if name else GuardCode.QUOTA_EXCEEDED
                return Grant(code, used, ask.limit, name)
            taken.append(held)
        for held in taken:
            held.since[ask.rid] = self._monotonic()
        if further:
            keys = [_key(ask.slot, name) for name, _ in further]
            self._record(_key(ask.slot), ask.rid).update(keys)
        return Grant(GuardCode.OK, len(day.since) if day else 0, ask.limit)

    def _rebuild(
        self, key: _Key, epoch: int, ids: Sequence[IntentId], *, limit: int
    ) -> None:
        now, before = self._monotonic(), self._store.budgets.get(key)
        since = dict.fromkeys(ids, now)
        for rid, then in before.since.items() if before else ():
            if rid in since or now - then < self._young.total_seconds():
                since[rid] = then
        self._store.budgets[key] = _Held(epoch, self._run, limit, since)

    def _peek(self, held: _Held | None) -> Grant:
        if held is None or held.run != self._run:
            used, limit = (len(held.since), held.limit) if held else (0, 0)
            return Grant(GuardCode.NEED_REBUILD, used, limit)
        return Grant(GuardCode.OK, len(held.since), held.limit)

    def _record(self, day: _Key, rid: IntentId) -> set[_Key]:
        return self._store.records.setdefault(day, {}).setdefault(rid, set())


def _key(slot: UnitSlot, budget: str = "") -> _Key:
    return slot.sender, budget or str(slot.day)
