"""Give new leads to phones: at most what each can still take, and follow up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from attrs import field, frozen

from outreach.domain.allocation import Intake, Room, Shortage, allocate, shortage
from outreach.domain.ids import SenderId, TenantId
from outreach.ports.lanes import Allocations

__all__ = ["Dispatch"]

_AT_ONCE: Final = 500
"""Leads taken from a phone in one commit."""


@frozen
class Dispatch:
    """Allocates what is due when it is due; the rest waits unallocated."""

    allocations: Allocations
    intake: Intake = field(factory=Intake)

    async def __call__(self, tenant: TenantId) -> int:
        """Answers how many leads got a phone."""
        rooms = await self.rooms(tenant)
        free = sum(room.free for room in rooms)
        if free == 0:
            return 0
        waiting = await self.allocations.waiting(tenant, free)
        given = allocate(rooms, [one.intent for one in waiting])
        return await self.allocations.allocate(tenant, given) if given else 0

    async def rooms(self, tenant: TenantId) -> Sequence[Room]:
        """What each phone may be given now."""
        rooms = await self.allocations.rooms(tenant)
        return [self.intake.bounded(room) for room in rooms]

    async def shortage(self, tenant: TenantId, now: datetime) -> Shortage | None:
        """Why no phone takes a new contact at *now* (engine time); None: one does."""
        rooms = await self.allocations.rooms(tenant)
        return shortage(rooms, self.intake, now)

    async def take_back(self, tenant: TenantId, sender: SenderId) -> None:
        """A phone is banned or retired: whom it has not written to needs another."""
        while await self.allocations.take_back(tenant, sender, _AT_ONCE) == _AT_ONCE:
            pass
