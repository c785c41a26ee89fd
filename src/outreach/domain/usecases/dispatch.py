"""Give new leads to phones: at most what each can still take today."""

from __future__ import annotations

from attrs import frozen

from outreach.domain.allocation import allocate
from outreach.domain.ids import TenantId
from outreach.ports.lanes import Allocations

__all__ = ["Dispatch"]


@frozen
class Dispatch:
    """Allocates what is due when it is due; the rest waits unallocated."""

    allocations: Allocations

    async def __call__(self, tenant: TenantId) -> int:
        """Answers how many leads got a phone."""
        rooms = await self.allocations.rooms(tenant)
        free = sum(room.free for room in rooms)
        if free == 0:
            return 0
        waiting = await self.allocations.waiting(tenant, free)
        given = allocate(rooms, [one.intent for one in waiting])
        return await self.allocations.allocate(tenant, given) if given else 0
