"""What the calls of each sender say of it, over one truth in memory."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from outreach.adapters.memory.rows import AttemptRow
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.change import Duty, DutyKind
from outreach.domain.ids import AccountId, AttemptId, SenderId, TenantId
from outreach.domain.message import Result
from outreach.domain.sender import GONE, Sender, SenderState
from outreach.domain.signs import Said, Signs, after_call, after_move, answered
from outreach.domain.window import local_day

__all__ = ["MemoryWatch", "came_back", "moved", "note_call", "note_signal"]


@frozen
class MemoryWatch:
    """Implements `outreach.ports.watch.Watch`."""

    store: MemoryStore

    async def signs(self, tenant: TenantId, sender: SenderId) -> Signs:
        """Of a stranger's sender: an empty one."""
        await self.store.pause()
        lane = self.store.lanes.get(sender)
        if lane is None or lane.sender.tenant != tenant:
            return Signs()
        return self.store.signs.get(sender, Signs())

    async def refused_since(
        self, tenant: TenantId, account: AccountId
    ) -> datetime | None:
        """The earliest of all lanes of the account."""
        await self.store.pause()
        since = (
            signs.refused_since
            for sender, signs in self.store.signs.items()
            if self.store.lanes[sender].sender.account == account
            and self.store.lanes[sender].sender.tenant == tenant
        )
        return min((at for at in since if at is not None), default=None)

    async def said(self, tenant: TenantId, attempt: AttemptId) -> Said | None:
        """Of a stranger's attempt: nothing."""
        await self.store.pause()
        row = self.store.attempts.get(attempt)
        if row is None or row.tenant != tenant or row.signal is None:
            return None
        return Said(row.parcel.sender, row.signal, row.detail, row.signal_until)

    async def carried_out(self, tenant: TenantId, attempt: AttemptId) -> None:
        """Kept no longer."""
        await self.store.pause()
        row = self.store.attempts.get(attempt)
        if row is not None and row.tenant == tenant:
            row.signal = None


def note_signal(store: MemoryStore, attempt: AttemptRow, result: Result) -> None:
    """What the end of a call says of its sender; part of the commit that ends it."""
    if result.signal is not None:
        attempt.signal, attempt.signal_until = result.signal, result.signal_until
        key = str(attempt.parcel.attempt)
        store.put_duty(Duty(DutyKind.SIGNAL, key, attempt.tenant, store.now))


def note_call(store: MemoryStore, attempt: AttemptRow, result: Result) -> None:
    """A call of the sender has ended; part of the commit that ends it."""
    lane = store.lanes[attempt.parcel.sender]
    sender = lane.sender
    # What the provider asked for is machine time, and no longer for a run's speed.
    wait = max(result.gap, result.rest)
    called = after_call(
        store.signs.get(sender.id, Signs()),
        result.outcome,
        state=sender.state,
        day=local_day(store.now, sender.time_zone),
        now=store.now,
        refused_until=store.now + wait if result.lane_refused else None,
        token=attempt.token,
    )
    store.signs[sender.id] = called.signs
    for kind, due in (
        (DutyKind.DOUBT, called.doubt_at),
        (DutyKind.SILENCE, called.silence_at),
        (DutyKind.REFUSAL, called.refusal_at),
    ):
        if due is not None:
            store.put_duty(Duty(kind, str(sender.id), sender.tenant, due))


def came_back(store: MemoryStore, sender: SenderId) -> None:
    """Something came back from the sender; one that was silent is looked at at once."""
    lane = store.lanes.get(sender)
    if lane is None:
        return
    store.signs[sender] = answered(store.signs.get(sender, Signs()))
    if SenderState.QUARANTINE in {lane.sender.state, lane.sender.state_before}:
        tenant = lane.sender.tenant
        store.put_duty(Duty(DutyKind.SILENCE, str(sender), tenant, store.now))


def moved(store: MemoryStore, before: Sender, after: Sender) -> None:
    """A sender has another state."""
    if after.state in GONE and before.state not in GONE:
        store.put_duty(Duty(DutyKind.GONE, str(after.id), after.tenant, store.now))
    known = store.signs.get(after.id)
    if known is not None:
        store.signs[after.id] = after_move(known, before.state, after.state)
