"""Who may send now, over one truth in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from outreach.adapters.memory import budgeting, hosting, metering, relaying
from outreach.adapters.memory.arming import close_to_strangers
from outreach.adapters.memory.cases import case_of
from outreach.adapters.memory.ending import lose_call, reroute
from outreach.adapters.memory.rows import (
    AttemptRow,
    DutyRow,
    EventRow,
    IntentRow,
    LaneRow,
    Lease,
    Standing,
)
from outreach.adapters.memory.stopping import stop_run
from outreach.adapters.memory.store import MemoryStore
from outreach.adapters.memory.waking import free_at, openings, wake_at
from outreach.domain.allowance import is_plan
from outreach.domain.case import Case
from outreach.domain.decision import Reason, Verdict
from outreach.domain.ids import AccountId, Incarnation, IntentId, TenantId
from outreach.domain.sender import SendClass
from outreach.ports.lanes import ALL_ROOM, ALONE, Claim, PutOff

__all__ = ["MemoryLanes", "forsake"]


@frozen
class MemoryLanes:
    """Implements `outreach.ports.lanes.Lanes`."""

    store: MemoryStore

    async def claim(
        self,
        who: Incarnation,
        room: Mapping[AccountId, int],
        limit: int,
        after: TenantId | None = None,
        many: Mapping[AccountId, int] = ALONE,
    ) -> Sequence[Claim]:
        """Lanes that have waited longest first, all of one tenant."""
        await self.store.pause()
        left = dict(room)
        ready = [
            lane
            for lane in _ready(self.store)
            if _has_room(room, lane) and _is_open(self.store, lane)
        ]
        tenant = _next_tenant(ready, after)
        claims: list[Claim] = []
        for lane in ready:
            sender = lane.sender
            if len(claims) == limit:
                break
            if sender.tenant != tenant:
                continue
            if left.setdefault(sender.account, limit) <= 0:
                continue
            if metering.calls_left(self.store, sender.account) == 0:
                continue
            if not relaying.may_claim(self.store, sender.account):
                continue
            left[sender.account] -= 1
            claims.append(_take(self.store, lane, who, many.get(sender.account, 1)))
            metering.take_call(self.store, sender.account)
        return claims

    async def put_off(
        self, claim: Claim, puts: Sequence[PutOff], *, keep: bool = False
    ) -> None:
        """Move as little as the reasons ask for; nothing if the token is stale."""
        for put in puts:
            if put.until is None and put.decision.verdict is not Verdict.STOP:
                msg = (
                    f"message {put.intent} is put off ({put.decision.binding}) until "
                    "no time: give one, or the verdict STOP"
                )
                raise ValueError(msg)
        await self.store.pause()
        lane = _held(self.store, claim)
        if lane is None:
            return
        for put in puts:
            row = self.store.intents.get(put.intent)
            if (
                row is not None
                and row.standing is Standing.WAITING
                and row.lane == claim.lane
            ):
                _put(self.store, lane, row, put)
        if not keep:
            _free(self.store, lane)

    async def free(self, claim: Claim) -> None:
        """Give it back, if it is still ours."""
        await self.store.pause()
        lane = _held(self.store, claim)
        if lane is not None:
            _free(self.store, lane)

    async def next_wake(
        self, room: Mapping[AccountId, int] = ALL_ROOM
    ) -> timedelta | None:
        """The nearest of everything that can come due."""
        await self.store.pause()
        waits = min(_waits(self.store, room), default=None)
        return None if waits is None else max(waits, timedelta())

    async def forsake(self, dead: Incarnation) -> int:
        """Leases of every kind end; what was called is UNKNOWN from now on."""
        await self.store.pause()
        return forsake(self.store, dead)


def _free(store: MemoryStore, lane: LaneRow) -> None:
    """The claim makes no call."""
    lane.lease = None
    metering.return_call(store, lane.sender.account)
    relaying.unused(store, lane)


def forsake(store: MemoryStore, dead: Incarnation) -> int:
    """What incarnations that are proven dead had claimed; how many lanes."""
    ended = 0
    for lane in store.lanes.values():
        if lane.lease is None or not _is(lane.lease.who, dead):
            continue
        ended += 1
        calls = tuple(lane.calling)
        for attempt in calls:
            lose_call(store, store.attempts[attempt])
        if not calls:
            lane.lease = None
            rested = store.now + store.timing.rest
            lane.gate_at = max(lane.gate_at, rested)
    _release(store, dead)
    return ended


def _release(store: MemoryStore, dead: Incarnation) -> None:
    """What else the dead were at work on is free again."""
    doubts = [store.attempts[attempt] for attempt in store.unknown]
    rows: list[DutyRow | EventRow | AttemptRow] = [*doubts, *store.arrived.values()]
    rows += store.duties.values()
    in_hand = next((one for one in store.arrived.values() if _has(one, dead)), None)
    if in_hand is not None:
        in_hand.tries += 1
    for row in rows:
        if _has(row, dead):
            row.lease = None


def _has(row: DutyRow | EventRow | AttemptRow, dead: Incarnation) -> bool:
    return row.lease is not None and _is(row.lease.who, dead)


def _is(who: Incarnation, dead: Incarnation) -> bool:
    return who.startswith(dead[:-1]) if dead.endswith("*") else who == dead


def _ready(store: MemoryStore) -> list[LaneRow]:
    now = store.now
    ready: list[tuple[datetime, LaneRow]] = []
    for lane in store.lanes.values():
        if lane.calling or not _reclaimable(store, lane):
            continue
        wake = wake_at(store, lane)
        if wake is not None and wake <= now:
            ready.append((wake, lane))
    ready.sort(key=lambda pair: (pair[0], pair[1].sender.id))
    return [lane for _, lane in ready]


def _has_room(room: Mapping[AccountId, int], lane: LaneRow) -> bool:
    return room.get(lane.sender.account, 1) > 0


def _is_open(store: MemoryStore, lane: LaneRow) -> bool:
    opens = metering.opens_at(store, lane.sender.account)
    open_ = opens is None or opens <= store.now
    return open_ and relaying.may_claim(store, lane.sender.account)


def _next_tenant(ready: Sequence[LaneRow], after: TenantId | None) -> TenantId | None:
    """Whose turn it is: in the order of ids, and round again."""
    if not ready or after is None:
        return ready[0].sender.tenant if ready else None
    due = sorted({lane.sender.tenant for lane in ready})
    return next((tenant for tenant in due if tenant > after), due[0])


def _reclaimable(store: MemoryStore, lane: LaneRow) -> bool:
    free = free_at(store, lane)
    return free is None or free <= store.machine


def _take(store: MemoryStore, lane: LaneRow, who: Incarnation, many: int) -> Claim:
    lane.token += 1
    until = store.machine + store.timing.lease
    lane.lease = Lease(who, until)
    sender = lane.sender
    relaying.to_try(store, lane)
    return Claim(
        lane=sender.id,
        tenant=sender.tenant,
        account=sender.account,
        token=lane.token,
        now=store.now,
        lease_until=until,
        epoch=store.epoch,
        cases=tuple(_offers(store, lane, many)),
        last_was_new=lane.last_was_new,
        backoffs=lane.backoffs,
        speed=store.clock.speed,
        many=many,
    )


def _offers(store: MemoryStore, lane: LaneRow, many: int) -> list[Case]:
    rows = [store.intents[intent] for at, intent in openings(lane) if at <= store.now]
    rows.sort(key=_served)
    if many > 1:
        for send_class in (SendClass.FOLLOWUP, SendClass.NEW):
            first = next((r for r in rows if r.intent.send_class is send_class), None)
            if first is not None:
                rows += _following(store, lane, first, many - 1)
        rows.sort(key=_served)
    return [case_of(store, row) for row in rows]


def _served(row: IntentRow) -> tuple[SendClass, datetime, IntentId]:
    return row.intent.send_class, row.intent.due_at, row.intent.id


def _following(
    store: MemoryStore, lane: LaneRow, first: IntentRow, most: int
) -> list[IntentRow]:
    """What comes after the head of its class and window, and is due."""
    behind = lane.line.behind(first.window_key, first.intent.send_class, most)
    rows = [store.intents[intent] for intent in behind]
    return [row for row in rows if row.intent.due_at <= store.now]


def _held(store: MemoryStore, claim: Claim) -> LaneRow | None:
    """The claim's lane if it is still the claim's, with no call under way."""
    lane = store.lanes.get(claim.lane)
    if lane is None or lane.token != claim.token or lane.calling:
        return None
    return None if lane.lease is None else lane


def _put(store: MemoryStore, lane: LaneRow, row: IntentRow, put: PutOff) -> None:
    decision = put.decision
    store.record(row, decision)
    if put.to_channel is not None:
        reroute(store, row, put.to_channel)
        return
    if put.until is None:
        store.cancel(row, str(decision.binding))
        stop_run(store, row.intent.enrolment, str(decision.binding))
        return
    deferred = decision.verdict is Verdict.DEFER
    if deferred and decision.binding is Reason.OUTSIDE_WINDOW and row.window_key:
        known = lane.closed.get(row.window_key, put.until)
        lane.closed[row.window_key] = max(known, put.until)
    elif deferred and decision.binding is Reason.QUOTA_EXCEEDED:
        close_to_strangers(store, lane, row, put.until)
    elif put.hosted:
        hosting.wait(store, lane, row, put.until)
    elif decision.binding is Reason.BREAKER_OPEN:
        _wait_for_breaker(store, lane, row, put.until)
    elif deferred and is_plan(put.budget):
        metering.close(store, lane.sender.account, put.until)
    elif deferred and put.budget:
        budgeting.close(store, lane, row, put.budget, put.until)
    else:
        store.wait(row, put.until)


def _wait_for_breaker(
    store: MemoryStore, lane: LaneRow, row: IntentRow, until: datetime
) -> None:
    """All of the lane that belongs to the campaign waits as long: one breaker is one
    put-off, however many wait.
    """
    campaign = store.campaign_of(row.intent.id)
    for other in [*store.intents.values()]:
        here = other.standing is Standing.WAITING and other.lane == lane.sender.id
        early = here and other.intent.due_at < until
        if early and store.campaign_of(other.intent.id) == campaign:
            store.wait(other, until)


def _waits(store: MemoryStore, room: Mapping[AccountId, int]) -> Iterator[timedelta]:
    """Machine time until each thing that can come due."""
    yield from _lane_waits(store, room)
    machine = store.machine
    for attempt in store.calling:
        yield store.attempts[attempt].deadline - machine
    for event in store.arrived.values():
        if event.due_at is not None:
            yield _later(store, event.due_at, event.lease)
    if store.instance.held:
        return
    for attempt in store.unknown:
        doubt = store.attempts[attempt]
        yield _later(store, doubt.next_look, doubt.lease)
    yield from _duty_waits(store)


def _duty_waits(store: MemoryStore) -> Iterator[timedelta]:
    duties = store.duties.values()
    idle = [duty.duty.due_at for duty in duties if duty.lease is None]
    if idle:
        yield _machine_wait(store, min(idle))
    for duty in duties:
        if duty.lease is not None:
            yield _later(store, duty.duty.due_at, duty.lease)


def _lane_waits(
    store: MemoryStore, room: Mapping[AccountId, int]
) -> Iterator[timedelta]:
    wakes = []
    for lane in store.lanes.values():
        wake = None if lane.calling else wake_at(store, lane)
        if wake is None:
            continue
        if store.meters:
            wake = max(wake, metering.opens_at(store, lane.sender.account) or wake)
        if store.relayed.health:
            wake = max(wake, relaying.opens_at(store, lane.sender.account) or wake)
        free = free_at(store, lane)
        if free is not None and free > store.machine:
            yield max(_machine_wait(store, wake), free - store.machine)
        elif _has_room(room, lane):
            wakes.append(wake)
    if wakes:
        yield _machine_wait(store, min(wakes))


def _machine_wait(store: MemoryStore, at: datetime) -> timedelta:
    return (at - store.now) / store.clock.speed


def _later(store: MemoryStore, due: datetime | None, lease: Lease | None) -> timedelta:
    wait = timedelta() if due is None else _machine_wait(store, due)
    return wait if lease is None else max(wait, lease.until - store.machine)
