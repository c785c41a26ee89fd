"""Give new leads to senders: at most what each can still take, and follow up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from attrs import field, frozen

from outreach.domain.allocation import Intake, Room, Shortage, allocate, shortage
from outreach.domain.channel import Channel
from outreach.domain.ids import IntentId, SenderId, TenantId
from outreach.domain.relay import ORDER, Relayed, relay
from outreach.ports.lanes import Allocations, Waiting

__all__ = ["Dispatch"]

_AT_ONCE: Final = 500
"""Leads taken from a sender in one commit."""
_MOST: Final = 5_000
"""Messages given to lanes in one commit; the rest follow in the next."""


@frozen
class Dispatch:
    """Allocates what is due when it is due; the rest waits unallocated.

    Attributes:
        warm: providers of warm mail, in the order in which they take it.
    """

    allocations: Allocations
    intake: Intake = field(factory=Intake)
    warm: Sequence[str] = ORDER

    async def __call__(self, tenant: TenantId) -> int:
        """Answers how many leads got a sender."""
        moved = 0
        for channel, rooms in _by_channel(await self.rooms(tenant)):
            moved += await self._channel(tenant, channel, rooms)
        return moved

    async def _channel(
        self, tenant: TenantId, channel: Channel, rooms: Sequence[Room]
    ) -> int:
        moved = 0
        while free := min(sum(room.free for room in rooms), _MOST):
            waiting = await self.allocations.waiting(tenant, free, channel)
            given = self._given(channel, rooms, waiting)
            if not given:
                break
            moved += await self.allocations.allocate(tenant, given)
            if len(waiting) < _MOST:
                break
            rooms = [one for one in await self.rooms(tenant) if _is_of(one, channel)]
        return moved

    def _given(
        self, channel: Channel, rooms: Sequence[Room], waiting: Sequence[Waiting]
    ) -> Mapping[IntentId, SenderId]:
        if channel is not Channel.EMAIL_WARM:
            return allocate(rooms, [one.intent for one in waiting])
        mails = [
            Relayed(one.intent, one.lead, one.refused, one.known) for one in waiting
        ]
        return relay(rooms, mails, self.warm)

    async def rooms(self, tenant: TenantId) -> Sequence[Room]:
        """What each sender may be given now."""
        rooms = await self.allocations.rooms(tenant)
        return [self.intake.bounded(room) for room in rooms]

    async def idle(self, tenant: TenantId) -> bool:
        """Nothing that is due waits for a sender that has room for it now."""
        for channel, rooms in _by_channel(await self.rooms(tenant)):
            if any(room.free for room in rooms) and await self.allocations.waiting(
                tenant, 1, channel
            ):
                return False
        return True

    async def shortage(
        self, tenant: TenantId, now: datetime, channel: Channel = Channel.WHATSAPP
    ) -> Shortage | None:
        """Why no sender takes a new contact at *now* (engine time); None: one does."""
        rooms = [
            room
            for room in await self.allocations.rooms(tenant)
            if _is_of(room, channel)
        ]
        return shortage(rooms, self.intake, now, channel)

    async def take_back(self, tenant: TenantId, sender: SenderId) -> None:
        """One is banned or retired: whom it has not written to needs another."""
        while await self.allocations.take_back(tenant, sender, _AT_ONCE) == _AT_ONCE:
            pass


def _is_of(room: Room, channel: Channel) -> bool:
    return room.sender.channel is channel


def _by_channel(rooms: Sequence[Room]) -> Iterator[tuple[Channel, Sequence[Room]]]:
    for channel in Channel:
        own = [room for room in rooms if _is_of(room, channel)]
        if own:
            yield channel, own
