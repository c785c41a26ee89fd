"""What came in, over one truth in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from outreach.adapters.memory.rows import EventRow, Lease
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.event import Arrival, Arrived
from outreach.domain.ids import EventId, Incarnation

__all__ = ["MemoryInbox"]


@frozen
class MemoryInbox:
    """Implements `outreach.ports.inbox.Inbox`."""

    store: MemoryStore

    async def put(self, arrival: Arrival) -> bool:
        """Its key is kept for good."""
        await self.store.pause()
        store = self.store
        key = (arrival.provider, arrival.account, arrival.key)
        if key in store.event_keys:
            return False
        store.event_keys.add(key)
        row = EventRow(EventId(store.ids()), arrival, store.now, store.now)
        store.events[row.id] = row
        store.arrived[row.id] = row
        return True

    async def take(self, who: Incarnation, limit: int) -> Sequence[Arrived]:
        """In the order they came."""
        await self.store.pause()
        store = self.store
        lease = Lease(who, store.machine + store.timing.lease)
        taken: list[Arrived] = []
        dead: set[Incarnation] = set()
        for row in store.arrived.values():
            if len(taken) == limit:
                break
            due = row.due_at is not None and row.due_at <= store.now
            if due and not store.leased(row.lease):
                # Who died had the oldest of what it left in its hand, and no other.
                if row.lease is not None and row.lease.who not in dead:
                    dead.add(row.lease.who)
                    row.tries += 1
                row.lease = lease
                taken.append(Arrived(row.id, row.arrival, row.tries))
        return taken

    async def wait(
        self, event: EventId, until: datetime, *, aside: bool = False
    ) -> None:
        """It stays in the queue, as if it had not been taken."""
        await self.store.pause()
        row = self.store.arrived.get(event)
        if row is not None:
            row.due_at = until
            row.parked = row.parked or aside
            row.lease = None

    async def park(self, event: EventId, why: str, until: datetime | None) -> None:
        """It is not applied yet, and is taken again at its time."""
        await self.store.pause()
        row = self.store.arrived.get(event)
        if row is not None:
            row.due_at = until
            row.parked = True
            row.tries += 1
            row.why = why
            row.lease = None

    async def close(self, event: EventId, why: str) -> None:
        """It is done with."""
        await self.store.pause()
        self.store.close_event(event, why)

    async def again(
        self, since: datetime, limit: int, *, provider: str | None = None
    ) -> int:
        """They are due at once."""
        await self.store.pause()
        store = self.store
        found = [
            row
            for row in store.arrived.values()
            if row.due_at is None
            and row.stored_at >= since
            and provider in {None, row.arrival.provider}
        ][:limit]
        for row in found:
            row.due_at, row.parked, row.tries, row.why = store.now, False, 0, ""
        return len(found)
