"""Further budgets in the ledger: who counts in which, and lanes they put off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import evolve

from outreach.adapters.memory.rows import (
    AttemptRow,
    BudgetRow,
    IntentRow,
    LaneRow,
    Standing,
)
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.case import Case
from outreach.domain.decision import Reason
from outreach.domain.ids import IntentId, SenderId
from outreach.domain.limits import NO_LIMITS, SETTING, BudgetKind, kind_of, room_left
from outreach.domain.message import Draft, NotArmed, WhyNotArmed
from outreach.domain.sender import SendClass, Sender
from outreach.domain.warming import limits_at

__all__ = [
    "close",
    "give_back",
    "holders",
    "no_budget",
    "reopen",
    "room",
    "take",
    "with_uses",
]

_IN_ORDER: Final = timedelta(microseconds=1)
"""Between messages that were moved together, so that they keep their order."""


def no_budget(store: MemoryStore, lane: LaneRow, draft: Draft) -> NotArmed | None:
    """The full one that lasts longest; None: each has room."""
    full: list[tuple[datetime, str]] = []
    for share in draft.shares:
        row = _of(store, lane.sender.id).get(share.key)
        now = getattr(limits_at(lane.sender, store.now), SETTING[share.kind])
        limit = share.limit if now is None else min(share.limit, now)
        held = {} if row is None else row.ids
        if draft.parcel.intent not in held and len(held) >= limit:
            full.append((share.ends_at, share.key))
    if not full:
        return None
    _, key = max(full)
    return NotArmed(WhyNotArmed.BUDGET, key)


def take(store: MemoryStore, sender: SenderId, draft: Draft) -> None:
    """One unit of each; who holds one already takes no second."""
    for share in draft.shares:
        rows = store.budgets.setdefault(sender, {})
        row = rows.setdefault(share.key, BudgetRow(share.ends_at))
        row.ids.setdefault(draft.parcel.intent, draft.parcel.attempt)


def give_back(store: MemoryStore, attempt: AttemptRow) -> None:
    """What this very attempt took, once."""
    name, sender = attempt.parcel.attempt, attempt.parcel.sender
    for key in attempt.budgets:
        row = store.budgets[sender][key]
        if row.ids.get(attempt.intent) == name:
            del row.ids[attempt.intent]
            store.lanes[sender].budget_gate_at = None


def holders(store: MemoryStore, sender: SenderId, key: str) -> tuple[IntentId, ...]:
    """Intents that count in a budget."""
    row = _of(store, sender).get(key)
    return () if row is None else tuple(row.ids)


def with_uses(store: MemoryStore, case: Case) -> Case:
    """The case with the use of all budgets that its message takes part in."""
    sender, ledger = case.sender, case.ledger
    if sender is None or ledger is None or sender.limits == NO_LIMITS:
        return case
    rows = _of(store, sender.id)
    shares = [case.share(kind, store.now) for kind in BudgetKind]
    used = {
        share.key: len(rows[share.key].ids)
        for share in shares
        if share is not None and share.key in rows
    }
    return evolve(case, ledger=evolve(ledger, budgets=used))


def room(store: MemoryStore, sender: Sender, units: int) -> int:
    """New contacts a sender can still take, whatever its units say."""
    used = {key: len(row.ids) for key, row in _of(store, sender.id).items()}
    limits = limits_at(sender, store.now)
    return room_left(limits, units, used, store.now, sender.time_zone)


def _of(store: MemoryStore, sender: SenderId) -> Mapping[str, BudgetRow]:
    return store.budgets.get(sender, {})


def close(
    store: MemoryStore, lane: LaneRow, row: IntentRow, key: str, until: datetime
) -> None:
    """Put off all in the lane that a full budget stops, in their order."""
    kind = kind_of(key)
    if kind is BudgetKind.TOTAL:
        known = lane.budget_gate_at
        lane.budget_gate_at = until if known is None else max(known, until)
        return
    moved = [row, *_others(store, lane, row, kind, until)]
    moved.sort(key=lambda one: (one.intent.due_at, one.intent.id))
    for place, one in enumerate(moved):
        store.wait(one, until + place * _IN_ORDER)
        one.noted = str(Reason.BUDGET_EXCEEDED)


def reopen(store: MemoryStore, lane: LaneRow) -> None:
    """A limit may have been raised: what is full is asked for again."""
    lane.new_gate_at = lane.budget_gate_at = None
    ends = {row.ends_at for row in _of(store, lane.sender.id).values()}
    for one in tuple(store.intents.values()):
        waits = one.lane == lane.sender.id and one.standing is Standing.WAITING
        due = one.intent.due_at
        end = due.replace(microsecond=0)
        if waits and one.noted == Reason.BUDGET_EXCEEDED and end in ends:
            store.wait(one, min(due, store.now + (due - end)))


def _others(
    store: MemoryStore, lane: LaneRow, row: IntentRow, kind: BudgetKind, until: datetime
) -> Sequence[IntentRow]:
    if kind not in {BudgetKind.CAMPAIGN, BudgetKind.UNANSWERED}:
        return ()
    of = store.campaign_of(row.intent.id)
    return [
        one
        for one in store.intents.values()
        if one is not row
        and one.lane == lane.sender.id
        and one.standing is Standing.WAITING
        and one.intent.due_at < until
        and (
            _unanswered(store, one)
            if kind is BudgetKind.UNANSWERED
            else _is_new(store, one) and store.campaign_of(one.intent.id) == of
        )
    ]


def _unanswered(store: MemoryStore, row: IntentRow) -> bool:
    cold = row.intent.send_class in {SendClass.FOLLOWUP, SendClass.NEW}
    return cold and store.journey(row.intent.lead).reply_count == 0


def _is_new(store: MemoryStore, row: IntentRow) -> bool:
    known = (row.lane, row.intent.lead) in store.contacted
    return row.intent.send_class is SendClass.NEW and not known
