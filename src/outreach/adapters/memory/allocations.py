"""Which sender takes which new lead, over one truth in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from outreach.adapters.memory import budgeting, relaying
from outreach.adapters.memory.cases import ledger_of
from outreach.adapters.memory.rows import IntentRow, Standing
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.allocation import PLENTY, Room
from outreach.domain.channel import Channel
from outreach.domain.ids import IntentId, SenderId, TenantId
from outreach.domain.sender import GONE, SendClass
from outreach.domain.sequence import EnrolmentStatus
from outreach.ports.lanes import Waiting

__all__ = ["MemoryAllocations"]


@frozen
class MemoryAllocations:
    """Implements `outreach.ports.lanes.Allocations`."""

    store: MemoryStore

    async def rooms(self, tenant: TenantId) -> Sequence[Room]:
        """By id, so that the same facts give the same allocation."""
        await self.store.pause()
        found: list[Room] = []
        followups = _followups(self.store, tenant)
        for _, lane in sorted(self.store.lanes.items()):
            sender = lane.sender
            if sender.tenant != tenant or not sender.enabled:
                continue
            ledger = ledger_of(self.store, sender)
            units = PLENTY
            if sender.channel is Channel.WHATSAPP:
                limit = self.store.effective(sender, ledger.day)
                units = max(0, limit - ledger.used - ledger.external)
            units = budgeting.room(self.store, sender, units)
            waiting = lane.line.count(SendClass.NEW)
            account = relaying.room_of(self.store, lane)
            found.append(Room(sender, units, waiting, ledger.used, followups, account))
        return found

    async def waiting(
        self, tenant: TenantId, limit: int, channel: Channel = Channel.WHATSAPP
    ) -> Sequence[Waiting]:
        """Those whose time has come."""
        await self.store.pause()
        rows = [self.store.intents[intent] for intent in self.store.unallocated]
        due = [
            _waiting(self.store, row)
            for row in rows
            if row.intent.tenant == tenant
            and row.intent.channel is channel
            and row.intent.due_at <= self.store.now
        ]
        return sorted(due, key=lambda one: (one.due_at, one.intent))[:limit]

    async def allocate(
        self, tenant: TenantId, given: Mapping[IntentId, SenderId]
    ) -> int:
        """Only what still waits, and only to a sender of its tenant and channel."""
        await self.store.pause()
        moved = 0
        for intent, sender in given.items():
            lane = self.store.lanes.get(sender)
            if lane is None or lane.sender.tenant != tenant:
                continue
            row = self.store.intents.get(intent)
            if row is None or intent not in self.store.unallocated:
                continue
            answers = self.store.threads.get((sender, row.intent.lead), "")
            carried = lane.sender.carries(row.intent.channel, thread=answers)
            if row.intent.tenant == tenant and carried:
                self.store.place(row, sender)
                moved += 1
        return moved

    async def take_back(self, tenant: TenantId, sender: SenderId, limit: int) -> int:
        """The earliest first."""
        await self.store.pause()
        store = self.store
        lane = store.lanes.get(sender)
        if (
            lane is None
            or lane.sender.tenant != tenant
            or lane.sender.state not in GONE
        ):
            return 0
        rows = [row for row in store.intents.values() if _new_to(store, row, sender)]
        rows.sort(key=lambda row: (row.intent.due_at, row.intent.id))
        for row in rows[:limit]:
            store.place(row, None)
        return len(rows[:limit])


def _waiting(store: MemoryStore, row: IntentRow) -> Waiting:
    intent = row.intent
    plain = Waiting(intent.id, intent.due_at, intent.lead)
    if intent.channel is not Channel.EMAIL_WARM:
        return plain
    refused = relaying.refused_by(store, row)
    return evolve(plain, refused=refused, known=relaying.known_to(store, intent.lead))


def _followups(store: MemoryStore, tenant: TenantId) -> int | None:
    """The most of any campaign that has leads nobody has written to."""
    fresh = {
        row.enrolment.campaign
        for row in store.enrolments.values()
        if row.tenant == tenant
        and row.enrolment.status is EnrolmentStatus.ACTIVE
        and row.enrolment.current_step == 0
    }
    campaigns = [one for one in store.campaigns.values() if one.id in fresh]
    if not campaigns or any(one.override for one in campaigns):
        return None
    live = {one.id: one for one in store.live_sequences.values()}
    return max(live[one.sequence].followups for one in campaigns)


def _new_to(store: MemoryStore, row: IntentRow, sender: SenderId) -> bool:
    """It waits in this lane for a lead that the sender has not written to."""
    return (
        row.lane == sender
        and row.standing is Standing.WAITING
        and row.intent.send_class is SendClass.NEW
        and store.journey(row.intent.lead).sender(row.intent.channel) is None
        and (sender, row.intent.lead) not in store.contacted
    )
