"""The ledger of sends, over one truth in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from attrs import frozen

from outreach.adapters.memory import arming, budgeting, ending
from outreach.adapters.memory.rows import AttemptRow, Lease
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.budget import Units, UnitSlot
from outreach.domain.decision import Decision
from outreach.domain.ids import Incarnation
from outreach.domain.message import Armed, Draft, Left, NotArmed, Result
from outreach.domain.window import start_of_day
from outreach.ports.intents import Doubt, Resolution
from outreach.ports.lanes import Claim

__all__ = ["MemoryIntents"]


@frozen
class MemoryIntents:
    """Implements `outreach.ports.intents.Intents`."""

    store: MemoryStore

    async def arm(
        self, claim: Claim, drafts: Sequence[tuple[Draft, Decision]]
    ) -> Sequence[Armed | NotArmed]:
        """T1."""
        await self.store.pause()
        return arming.arm(self.store, claim, drafts)

    async def settle(self, results: Sequence[Result]) -> Sequence[Left]:
        """T2; what was never armed has nothing left."""
        await self.store.pause()
        known = [one for one in results if one.attempt in self.store.attempts]
        return [ending.settle(self.store, result) for result in known]

    async def give_up(self, limit: int) -> Sequence[Left]:
        """Calls past their deadline, the oldest first."""
        await self.store.pause()
        store = self.store
        calls = [store.attempts[name] for name in store.calling]
        lost = [call for call in calls if call.deadline <= store.machine]
        lost.sort(key=lambda call: (call.deadline, call.parcel.attempt))
        return [ending.lose_call(store, call) for call in lost[:limit]]

    async def doubtful(self, who: Incarnation, limit: int) -> Sequence[Doubt]:
        """Those due for a look, the longest waiting first."""
        await self.store.pause()
        store = self.store
        lease = Lease(who, store.machine + store.timing.lease)
        due = [
            (attempt.next_look, attempt)
            for attempt in (store.attempts[name] for name in store.unknown)
            if attempt.next_look is not None
            and attempt.next_look <= store.now
            and not store.leased(attempt.lease)
            and not store.instance.held
        ]
        due.sort(key=lambda pair: (pair[0], pair[1].parcel.attempt))
        taken = [attempt for _, attempt in due[:limit]]
        for attempt in taken:
            attempt.lease = lease
        return [_doubt(store, attempt) for attempt in taken]

    async def may_repeat(self, doubt: Doubt) -> bool:
        """T1's questions once more."""
        await self.store.pause()
        attempt = self.store.attempts[doubt.parcel.attempt]
        return arming.may_repeat(self.store, attempt)

    async def resolve(self, resolutions: Sequence[Resolution]) -> Sequence[Left]:
        """What is settled already stays."""
        await self.store.pause()
        return [ending.resolve(self.store, found) for found in resolutions]

    async def units(
        self, slots: Sequence[UnitSlot], budgets: Sequence[str] = ()
    ) -> Sequence[Units]:
        """One per slot, in order."""
        await self.store.pause()
        return [_units(self.store, slot, budgets) for slot in slots]


def _doubt(store: MemoryStore, attempt: AttemptRow) -> Doubt:
    return Doubt(
        parcel=attempt.parcel,
        tenant=attempt.tenant,
        lead=attempt.lead,
        send_class=attempt.send_class,
        called_at=attempt.called_at,
        called_on=attempt.called_on,
        now=store.now,
        looks=attempt.looks,
        overdue=attempt.overdue_at is not None and attempt.overdue_at <= store.now,
    )


def _units(store: MemoryStore, slot: UnitSlot, budgets: Sequence[str]) -> Units:
    sender = store.lanes[slot.sender].sender
    unit = store.unit(slot)
    ends = start_of_day(slot.day + timedelta(days=1), sender.time_zone)
    return Units(
        slot=slot,
        ids=tuple(unit.ids),
        external=unit.external,
        effective=store.effective(sender, slot.day),
        epoch=store.epoch,
        expires_in=max(ends - store.now, timedelta()),
        budgets=tuple(
            (key, budgeting.holders(store, slot.sender, key)) for key in budgets
        ),
    )
