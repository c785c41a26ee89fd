"""Who writes, over one truth in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final

from attrs import evolve, frozen

from outreach.adapters.memory import watch
from outreach.adapters.memory.budgeting import reopen
from outreach.adapters.memory.cases import channels_of, ledger_of
from outreach.adapters.memory.counting import reach
from outreach.adapters.memory.rows import AttemptRow, LaneRow, LogRow
from outreach.adapters.memory.store import MemoryStore
from outreach.adapters.memory.waking import wake_at
from outreach.domain.budget import WarmUp
from outreach.domain.change import Duty, DutyKind
from outreach.domain.channel import Channel
from outreach.domain.errors import NotFound, Refused
from outreach.domain.ids import AccountId, SenderId, TenantId, account_id
from outreach.domain.message import MessageStatus
from outreach.domain.new_sender import NewSender
from outreach.domain.sender import Sender, SenderMove, SenderState
from outreach.domain.sender_names import has_address
from outreach.domain.warming import limits_at
from outreach.domain.window import local_day
from outreach.ports.gateway import Status
from outreach.ports.senders import Account, Polled, SenderUse

__all__ = ["LATELY", "MemorySenders"]

_RECENT: Final = timedelta(days=4)

LATELY: Final = timedelta(days=3)
"""How long (engine time) a message's status is worth asking for."""

_UNFINISHED: Final = frozenset(
    {MessageStatus.ACCEPTED, MessageStatus.SENT, MessageStatus.DELIVERED},
)
_SHORTEST: Final = 4
"""Characters of an id that are enough to look for."""


@frozen
class MemorySenders:
    """Implements `outreach.ports.senders.Senders`."""

    store: MemoryStore

    async def import_(
        self, tenant: TenantId, batch: Sequence[NewSender]
    ) -> Sequence[Sender]:
        """All of it or, if a phone is another tenant's, nothing."""
        await self.store.pause()
        store = self.store
        for new in batch:
            taken = _known(store, tenant, new.number)
            if taken is not None and taken.sender.tenant != tenant:
                message = f"{new.number} belongs to another tenant: leave it out"
                raise Refused(message)
        return [_import(store, tenant, new) for new in batch]

    async def all(self, tenant: TenantId) -> Sequence[SenderUse]:
        """By number."""
        await self.store.pause()
        lanes = [
            lane for lane in self.store.lanes.values() if lane.sender.tenant == tenant
        ]
        lanes.sort(key=lambda lane: lane.sender.number)
        sent = _followups_today(self.store)
        return [_use(self.store, lane, sent[lane.sender.id]) for lane in lanes]

    async def channels(self, tenant: TenantId) -> frozenset[Channel]:
        """Looked up afresh."""
        await self.store.pause()
        return channels_of(self.store, tenant)

    async def get(self, tenant: TenantId, words: str) -> Sender:
        """By id, its start, number or label."""
        await self.store.pause()
        found = [
            lane.sender
            for lane in self.store.lanes.values()
            if lane.sender.tenant == tenant and _named(lane.sender, words)
        ]
        if len(found) != 1:
            many = "no sender is" if not found else f"{len(found)} senders are"
            message = f"{many} meant by {words!r}: give an id or a number"
            raise NotFound(message)
        return found[0]

    async def by_id(self, tenant: TenantId, sender: SenderId) -> Sender:
        """As it is now."""
        await self.store.pause()
        lane = self.store.lanes.get(sender)
        if lane is None or lane.sender.tenant != tenant:
            message = f"no sender has the id {sender}"
            raise NotFound(message)
        return lane.sender

    async def change(self, before: Sender, after: Sender, *, by: str) -> bool:
        """Nothing, if the sender is not as in *before*."""
        await self.store.pause()
        store = self.store
        lane = store.lanes.get(before.id)
        if lane is None or lane.sender != before or after.id != before.id:
            return False
        if (after.limits, after.daily_limit) != (before.limits, before.daily_limit):
            reopen(store, lane)
        lane.sender = after
        watch.moved(store, before, after)
        moved = after.state is not before.state
        store.sender_moves.append((store.now, by, SenderMove(after, moved)))
        if after.until is not None:
            kind, key = DutyKind.SENDER_TIMEOUT, str(after.id)
            store.put_duty(Duty(kind, key, after.tenant, after.until))
        return True

    async def accounts(self, tenant: TenantId) -> Sequence[Account]:
        """By provider and name."""
        await self.store.pause()
        own = [one for one in self.store.accounts.values() if one.tenant == tenant]
        return sorted(own, key=lambda one: (one.provider, one.name))

    async def all_accounts(self, provider: str, name: str) -> Sequence[Account]:
        """By tenant."""
        await self.store.pause()
        found = [
            one
            for one in self.store.accounts.values()
            if (one.provider, one.name) == (provider, name)
        ]
        return sorted(found, key=lambda one: one.tenant)

    async def told(self, account: AccountId, status: Status, now: datetime) -> None:
        """Nothing, if the account has sent no such message."""
        await self.store.pause()
        for name in self.store.refs.get(status.ref, ()):
            attempt = self.store.attempts[name]
            if attempt.parcel.account == account:
                self._name(attempt, status)
                reach(self.store, attempt, status.status, status.at or now)

    def _name(self, attempt: AttemptRow, status: Status) -> None:
        """A conversation that has a name keeps it: this may be news of an old
        message.
        """
        pair = (attempt.parcel.sender, attempt.lead)
        known = self.store.threads.get(pair, "")
        self.store.name(attempt, status.ref, status.thread)
        if known:
            self.store.converse(*pair, known)

    async def unfinished(self, account: AccountId, limit: int) -> Sequence[Polled]:
        """Those returned are asked for; the others come first next time."""
        await self.store.pause()
        store = self.store
        rows = [
            row
            for row in store.sent.values()
            if row.ref
            and row.status in _UNFINISHED
            and row.at >= store.now - LATELY
            and row.attempt is not None
            and store.attempts[row.attempt].parcel.account == account
            and (row.ask_at is None or row.ask_at <= store.now)
        ]
        rows.sort(key=lambda row: (row.ask_at is not None, row.ask_at or row.at))
        for row in rows[:limit]:
            row.ask_at = store.now + (store.now - row.at) / 2
        return [
            Polled(
                row.ref,
                account,
                row.status,
                row.sender,
                store.lanes[row.sender].sender.number,
            )
            for row in rows[:limit]
            if row.status is not None and row.sender is not None
        ]


def _known(store: MemoryStore, tenant: TenantId, number: str) -> LaneRow | None:
    """An address is one sender's, over all tenants; an account's name its tenant's."""
    everywhere = has_address(number)
    for lane in store.lanes.values():
        own = everywhere or lane.sender.tenant == tenant
        if own and lane.sender.number == number:
            return lane
    return None


def _named(sender: Sender, words: str) -> bool:
    if words in {sender.number, sender.label, str(sender.id)} and words:
        return True
    return len(words) >= _SHORTEST and str(sender.id).startswith(words.lower())


def _account(store: MemoryStore, tenant: TenantId, new: NewSender) -> AccountId:
    wanted = (tenant, new.provider, new.provider_account)
    for one in store.accounts.values():
        if (one.tenant, one.provider, one.name) == wanted:
            return one.id
    made = Account(account_id(*wanted), *wanted)
    store.accounts[made.id] = made
    return made.id


def _import(store: MemoryStore, tenant: TenantId, new: NewSender) -> Sender:
    account = _account(store, tenant, new)
    lane = _known(store, tenant, new.number)
    if lane is None:
        sender = _made(store, tenant, account, new)
        store.lanes[sender.id] = LaneRow(sender, gate_at=store.now)
        return sender
    lane.sender = evolve(
        lane.sender,
        account=account,
        provider=new.provider,
        time_zone=new.time_zone,
        channel=new.channel,
        answers=new.answers,
        label=new.label,
        account_ref=new.account_ref or lane.sender.account_ref,
        daily_limit=new.daily_limit,
        priority=new.priority,
        warm_up=_warm_up(store, lane.sender.warm_up, new),
        limits=new.limits,
    )
    reopen(store, lane)
    return lane.sender


def _made(
    store: MemoryStore, tenant: TenantId, account: AccountId, new: NewSender
) -> Sender:
    warm_up = _warm_up(store, None, new)
    state = SenderState.ACTIVE if warm_up is None else SenderState.WARMING
    return Sender(
        id=SenderId(store.ids()),
        tenant=tenant,
        account=account,
        provider=new.provider,
        number=new.number,
        time_zone=new.time_zone,
        channel=new.channel,
        answers=new.answers,
        label=new.label,
        account_ref=new.account_ref,
        daily_limit=new.daily_limit,
        priority=new.priority,
        state=state,
        state_before=state,
        warm_up=warm_up,
        limits=new.limits,
        pacing=new.pacing,
    )


def _warm_up(store: MemoryStore, known: WarmUp | None, new: NewSender) -> WarmUp | None:
    """A ramp goes on from where it began."""
    if not new.warm_up_days:
        return None
    if known is not None:
        return evolve(known, days=new.warm_up_days, start=new.warm_up_start)
    today = local_day(store.now, new.time_zone)
    return WarmUp(today, new.warm_up_days, new.warm_up_start)


def _lately(store: MemoryStore) -> Iterator[LogRow]:
    """What was sent on days that are not over everywhere, newest first: the log is in
    order but for what was learnt late, which is a day at most.
    """
    since = store.now - _RECENT
    return takewhile(lambda row: row.at >= since, reversed(store.sent.values()))


def _followups_today(store: MemoryStore) -> Counter[SenderId]:
    """Accepted sends of each sender's own day that opened no conversation."""
    zones = {lane.sender.id: lane.sender.time_zone for lane in store.lanes.values()}
    today = {zone: local_day(store.now, zone) for zone in set(zones.values())}
    return Counter(
        row.sender
        for row in _lately(store)
        if row.sender in zones
        and row.attempt is not None
        and store.attempts[row.attempt].unit is None
        and row.status is not MessageStatus.FAILED
        and local_day(row.at, zones[row.sender]) == today[zones[row.sender]]
    )


def _use(store: MemoryStore, lane: LaneRow, sent_today: int) -> SenderUse:
    sender = lane.sender
    ledger = ledger_of(store, sender)
    return SenderUse(
        sender=sender,
        day_new=ledger.used,
        day_followups=sent_today,
        external=ledger.external,
        limit=store.effective(sender, ledger.day),
        total=limits_at(sender, store.now).total_per_day,
        waiting=lane.line.count(),
        next_wake=wake_at(store, lane),
    )
