"""Everything periodic, over one truth in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import evolve, frozen

from outreach.adapters.memory.rows import Lease
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.change import Duty
from outreach.domain.ids import Incarnation

__all__ = ["MemoryDuties"]


@frozen
class MemoryDuties:
    """Implements `outreach.ports.duties.Duties`."""

    store: MemoryStore

    async def put(self, duties: Sequence[Duty]) -> None:
        """The earlier due time wins."""
        await self.store.pause()
        for duty in duties:
            self.store.put_duty(duty)

    async def take(self, who: Incarnation, limit: int) -> Sequence[Duty]:
        """What is due and not being done, the oldest first."""
        await self.store.pause()
        store = self.store
        lease = Lease(who, store.machine + store.timing.lease)
        due = [
            row
            for row in store.duties.values()
            if row.duty.due_at <= store.now
            and not store.leased(row.lease)
            and not store.instance.held
        ]
        due.sort(key=lambda row: (row.duty.due_at, row.duty.kind, row.duty.key))
        for row in due[:limit]:
            row.lease = lease
            row.taken_at = store.now
        return [evolve(row.duty, now=store.now) for row in due[:limit]]

    async def done(self, duty: Duty, again: datetime | None) -> None:
        """Nothing, if somebody else has taken it since."""
        await self.store.pause()
        row = self.store.duties.get((duty.kind, duty.key))
        if row is None or row.lease is None or row.taken_at != duty.now:
            return
        times = [at for at in (again, row.again) if at is not None]
        if not times:
            del self.store.duties[duty.kind, duty.key]
            return
        row.duty = evolve(row.duty, due_at=min(times))
        row.lease = row.taken_at = row.again = None
