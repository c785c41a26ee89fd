"""Calls and messages of provider accounts, over one truth in memory."""

from __future__ import annotations

from datetime import UTC, datetime
from math import floor

from outreach.adapters.memory.meter import MeterRow, PlanRow
from outreach.adapters.memory.rows import AttemptRow
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.allowance import (
    Period,
    PlanBudget,
    ends_at,
    level_after,
    plan_key,
    room_in,
)
from outreach.domain.change import Duty, DutyKind
from outreach.domain.ids import AccountId, TenantId
from outreach.domain.message import NotArmed, WhyNotArmed

__all__ = [
    "calls_left",
    "close",
    "full_plan",
    "give_back",
    "key_of",
    "level",
    "made",
    "no_plan",
    "opens_at",
    "plans_of",
    "return_call",
    "room_at",
    "settled",
    "take_call",
    "take_plan",
]


# --- calls


def calls_left(store: MemoryStore, account: AccountId) -> int | None:
    """What the bucket holds; None: nothing bounds it."""
    row = store.meters.get(account)
    if row is None or not row.allowance.rate:
        return None
    return floor(level(store, row))


def take_call(store: MemoryStore, account: AccountId, calls: int = 1) -> None:
    """A claim will make a call."""
    row = store.meters.get(account)
    if row is not None and row.allowance.rate:
        now = level(store, row) - calls
        row.level = min(now, float(row.allowance.burst))
        row.level_on = store.machine


def return_call(store: MemoryStore, account: AccountId) -> None:
    """A claim made none after all."""
    take_call(store, account, -1)


def room_at(store: MemoryStore, account: AccountId) -> datetime | None:
    """Engine time at which a call can be made; None: now."""
    row = store.meters.get(account)
    wait = None if row is None else room_in(level(store, row), row.allowance)
    return store.now + store.engine_span(wait) if wait else None


def opens_at(store: MemoryStore, account: AccountId) -> datetime | None:
    """Engine time before which no lane of the account is claimed."""
    row = store.meters.get(account)
    if row is None:
        return None
    times = (room_at(store, account), row.opens_at)
    return max((at for at in times if at is not None), default=None)


def level(store: MemoryStore, row: MeterRow) -> float:
    """Calls that can be made now."""
    return level_after(row.level, row.allowance, store.machine - row.level_on)


# --- messages


def full_plan(store: MemoryStore, account: AccountId) -> PlanBudget | None:
    """The full one that lasts longest; None: there is room."""
    row = store.meters.get(account)
    if row is None:
        return None
    full = [plan for plan in plans_of(store, row) if plan.is_full]
    return max(full, key=lambda plan: plan.ends_at, default=None)


def no_plan(store: MemoryStore, account: AccountId) -> NotArmed | None:
    """T1's word, if a plan is full."""
    full = full_plan(store, account)
    return None if full is None else NotArmed(WhyNotArmed.BUDGET, full.key)


def take_plan(store: MemoryStore, attempt: AttemptRow) -> None:
    """One more message, where the account's are counted."""
    row = store.meters.get(attempt.parcel.account)
    if row is None or not _is_counted(row):
        return
    attempt.plans = tuple(key_of(store, period) for period in Period)
    for key in attempt.plans:
        row.plans.setdefault(key, PlanRow()).used += 1
    settled(store, attempt.parcel.account, row)


def give_back(store: MemoryStore, attempt: AttemptRow) -> None:
    """What an attempt took of its account's plan, once."""
    if attempt.plans:
        row = store.meters[attempt.parcel.account]
        for key in attempt.plans:
            row.plans[key].used -= 1
        attempt.plans, row.opens_at = (), None


def close(store: MemoryStore, account: AccountId, until: datetime) -> None:
    """No lane of the account is claimed before."""
    row = store.meters[account]
    row.opens_at = until if row.opens_at is None else max(row.opens_at, until)


def made(store: MemoryStore, tenant: TenantId, account: AccountId) -> MeterRow:
    """The account, bounded or not."""
    return store.meters.setdefault(account, MeterRow(tenant, store.machine))


def _is_counted(row: MeterRow) -> bool:
    return row.told or any(row.allowance.limit(period) for period in Period)


def key_of(store: MemoryStore, period: Period) -> str:
    """Of the present day or month."""
    return plan_key(period, store.now.astimezone(UTC).date())


def plans_of(store: MemoryStore, row: MeterRow) -> list[PlanBudget]:
    """What is bounded of the present day and month."""
    day = store.now.astimezone(UTC).date()
    found = []
    for period in Period:
        plan = row.plans.get(plan_key(period, day), PlanRow())
        theirs = None if plan.told is None else plan.told.limit
        limits = [
            one for one in (row.allowance.limit(period), theirs) if one is not None
        ]
        if limits:
            key, end = plan_key(period, day), ends_at(period, day)
            found.append(PlanBudget(key, plan.counted, min(limits), end))
    return found


def settled(store: MemoryStore, account: AccountId, row: MeterRow) -> None:
    """Its use or its bounds are others now: tell of them, and close what is full."""
    _warn(store, account, row)
    full = full_plan(store, account)
    if full is not None:
        close(store, account, full.ends_at)


def _warn(store: MemoryStore, account: AccountId, row: MeterRow) -> None:
    """Once per period, at 80 %."""
    for plan in plans_of(store, row):
        kept = row.plans.setdefault(plan.key, PlanRow())
        if plan.is_nearly_full and not kept.warned:
            kept.warned = True
            duty = Duty(DutyKind.PLAN, str(account), row.tenant, store.now)
            store.put_duty(duty)
