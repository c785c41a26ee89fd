"""Whether this is the store that was left, and what remembers how far it came."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, frozen

from outreach.adapters.memory.lanes import forsake
from outreach.adapters.memory.pause import Pause, yield_once
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.ids import Incarnation
from outreach.domain.suppression import RESTORED, Switch, SwitchScope
from outreach.ports.instance import Confirmed, Met

__all__ = ["MemoryInstance", "MemoryWitness"]

_KEY = (None, SwitchScope.ALL, RESTORED)
_EVERYBODY = Incarnation("*")


@frozen
class MemoryInstance:
    """Implements `outreach.ports.instance.Instance`."""

    store: MemoryStore

    async def meet(self, seen: Mapping[str, int], *, beat: bool) -> Met:
        """It is held by a switch that only `confirm` takes away."""
        await self.store.pause()
        row, store = self.store.instance, self.store
        if not row.lineage:
            row.lineage, row.began_in = str(store.ids()), row.place
            row.moved_on = store.machine
        if not row.held and row.began_in != row.place:
            self._hold(f"it is a copy, as it was at {row.moved_on}")
        elif not row.held and seen.get(row.lineage, 0) > row.position:
            self._hold(f"it stands where it stood at {row.moved_on}")
        elif beat and not row.held:
            row.position += 1
            row.moved_on = store.machine
        return self._met()

    async def confirm(self, *, reason: str, by: str) -> Confirmed | None:
        """It goes on as a store of its own."""
        await self.store.pause()
        row, store = self.store.instance, self.store
        if not row.held:
            return None
        calls = len(store.calling)
        forsake(store, _EVERYBODY)
        thrown = store.switches.pop(_KEY)
        lifted = Switch(SwitchScope.ALL, RESTORED, reason, by, store.now)
        store.lifted.append((thrown, lifted))
        store.epoch += 1
        confirmed = Confirmed(row.held, row.moved_on or store.machine, calls)
        row.lineage, row.began_in, row.held = str(store.ids()), row.place, ""
        row.position += 1
        row.moved_on = store.machine
        return confirmed

    def _hold(self, why: str) -> None:
        row, store = self.store.instance, self.store
        row.held = why
        reason = f"the database was restored: {why}"
        switch = Switch(SwitchScope.ALL, RESTORED, reason, "engine", store.now)
        store.switches.setdefault(_KEY, switch)

    def _met(self) -> Met:
        row = self.store.instance
        at = row.moved_on or self.store.machine
        return Met(row.lineage, row.position, row.held, at)


@frozen
class MemoryWitness:
    """Implements `outreach.ports.instance.Witness`."""

    kept: dict[str, int] = Factory(dict)
    pause: Pause = yield_once

    async def seen(self) -> Mapping[str, int]:
        """As far as was told."""
        await self.pause()
        return dict(self.kept)

    async def saw(self, lineage: str, position: int) -> None:
        """The furthest."""
        await self.pause()
        self.kept[lineage] = max(position, self.kept.get(lineage, 0))
