"""The checks of an audit that look at sends, over one truth in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from outreach.adapters.memory.rows import AttemptRow
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.auditing import PROVABLE_GAP, Check, Finding
from outreach.domain.budget import HARD_LIMIT, UnitSlot
from outreach.domain.channel import COLD_STATES, WARM_STATES, Channel
from outreach.domain.ids import IntentId, SenderId, TenantId
from outreach.domain.message import Outcome
from outreach.domain.suppression import breaker_of

__all__ = ["ARRIVED", "finding", "of_sends", "since_then"]

ARRIVED: Final = frozenset(
    {Outcome.CALLING, Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.ABANDONED}
)
"""Outcomes of what may have reached a person."""

_NOT_SENT: Final = frozenset({Outcome.RELEASED, Outcome.NOT_SENT})
_LONGEST_DAY: Final = timedelta(hours=25)


def finding(
    check: Check, subject: object, detail: str = "", sender: SenderId | None = None
) -> Finding:
    """A finding about anything with an id."""
    return Finding(check, str(subject), detail, sender)


def since_then(
    store: MemoryStore, tenant: TenantId, since: datetime
) -> list[AttemptRow]:
    """The tenant's attempts, oldest first."""
    rows = (row for row in store.attempts.values() if row.tenant == tenant)
    found = [row for row in rows if row.called_at >= since]
    return sorted(found, key=lambda row: (row.called_at, row.token))


def of_sends(
    store: MemoryStore, tenant: TenantId, since: datetime
) -> Iterator[Finding]:
    """What is wrong with what was armed since."""
    rows = since_then(store, tenant, since)
    arrived = [row for row in rows if row.outcome in ARRIVED]
    yield from _twice(store, arrived)
    yield from _over_limit(store, tenant, since)
    yield from _too_soon(store, arrived)
    yield from _fence_back(rows)
    for row in rows:
        yield from _after_opt_out(store, row)
        yield from _wrong_channel(row)
        yield from _after_breaker(store, row)
    for row in arrived:
        yield from _other_phone(store, row)
    yield from _log(store, tenant, since, arrived)
    yield from _units(store, tenant, since)
    yield from _budgets(store, tenant, since)


def _twice(store: MemoryStore, arrived: Iterable[AttemptRow]) -> Iterator[Finding]:
    for row in arrived:
        message = store.intents[row.intent]
        others = [store.attempts[one] for one in message.attempts]
        before = others[: others.index(row)]
        if any(one.outcome in ARRIVED for one in before):
            check, sender = Check.MESSAGE_TWICE, row.parcel.sender
            yield finding(check, row.intent, "two attempts", sender)
        intent = message.intent
        for other in store.intents_of[row.lead]:
            same = store.intents[other]
            if (
                str(other) > str(intent.id)
                and intent.step is not None
                and (same.intent.enrolment, same.intent.step)
                == (intent.enrolment, intent.step)
                and any(store.attempts[one].outcome in ARRIVED for one in same.attempts)
            ):
                subject = f"{intent.enrolment} {intent.step}"
                detail = f"messages {intent.id} and {other}"
                yield finding(Check.STEP_TWICE, subject, detail, row.parcel.sender)


def _over_limit(
    store: MemoryStore, tenant: TenantId, since: datetime
) -> Iterator[Finding]:
    days: Counter[UnitSlot] = Counter()
    touched: set[UnitSlot] = set()
    for row in since_then(store, tenant, since - _LONGEST_DAY):
        if row.unit is not None and row.outcome in ARRIVED:
            days[row.unit] += 1
            if row.called_at >= since:
                touched.add(row.unit)
    for slot in touched:
        limit = store.unit(slot).limit
        limit = HARD_LIMIT if limit is None else limit
        if days[slot] > limit:
            subject, detail = f"{slot.sender} {slot.day}", f"{days[slot]} of {limit}"
            yield finding(Check.OVER_LIMIT, subject, detail, slot.sender)


def _too_soon(store: MemoryStore, arrived: Iterable[AttemptRow]) -> Iterator[Finding]:
    for rows in _by_sender(arrived).values():
        for before, row in pairwise(rows):
            if row.parcel.permit.channel is not Channel.WHATSAPP:
                continue
            # Only the end of a call that was never UNKNOWN is known.
            ended = before.called_at
            if before.outcome is Outcome.ACCEPTED and before.overdue_at is None:
                ended = before.settled_at or ended
            gap = min(store.lanes[row.parcel.sender].sender.pacing.gap, PROVABLE_GAP)
            if row.called_at < ended + gap:
                detail = f"{(row.called_at - ended).total_seconds():g} s"
                attempt = row.parcel.attempt
                yield finding(Check.TOO_SOON, attempt, detail, row.parcel.sender)


def _fence_back(rows: Iterable[AttemptRow]) -> Iterator[Finding]:
    ordered = sorted(rows, key=lambda row: (row.called_at, row.called_on))
    for of in _by_sender(ordered).values():
        for before, row in pairwise(of):
            if row.token < before.token:
                detail = f"{row.token} after {before.token}"
                attempt = row.parcel.attempt
                yield finding(Check.FENCE_BACK, attempt, detail, row.parcel.sender)


def _by_sender(rows: Iterable[AttemptRow]) -> dict[SenderId, list[AttemptRow]]:
    of: dict[SenderId, list[AttemptRow]] = {}
    for row in rows:
        of.setdefault(row.parcel.sender, []).append(row)
    return of


def _after_opt_out(store: MemoryStore, row: AttemptRow) -> Iterator[Finding]:
    keys = store.leads[row.lead].addresses
    for known in store.suppressions_of(row.tenant, keys):
        of = None if known.everywhere else row.tenant
        on = store.audit.suppressed_on.get((of, known.key))
        if on is not None and on < row.called_on:
            check, attempt = Check.AFTER_OPT_OUT, row.parcel.attempt
            yield finding(check, attempt, str(known.reason), row.parcel.sender)
            return


def _wrong_channel(row: AttemptRow) -> Iterator[Finding]:
    channel = row.parcel.permit.channel
    allowed = {Channel.EMAIL_WARM: WARM_STATES, Channel.EMAIL_COLD: COLD_STATES}
    if channel in allowed and row.state not in allowed[channel]:
        detail = f"{channel} in {row.state}"
        attempt = row.parcel.attempt
        yield finding(Check.WRONG_CHANNEL, attempt, detail, row.parcel.sender)


def _after_breaker(store: MemoryStore, row: AttemptRow) -> Iterator[Finding]:
    campaign = store.campaign_of(row.intent)
    still = [(one, None) for one in store.switches_of(row.tenant)]
    lifted = [(one, end.at) for one, end in store.lifted]
    for switch, end in [*still, *lifted]:
        if breaker_of((switch,), campaign, row.parcel.permit.channel) is None:
            continue
        if switch.at < row.called_at and (end is None or row.called_at < end):
            detail = f"campaign {campaign}, open since {switch.at}"
            attempt = row.parcel.attempt
            yield finding(Check.AFTER_BREAKER, attempt, detail, row.parcel.sender)


def _other_phone(store: MemoryStore, row: AttemptRow) -> Iterator[Finding]:
    if row.parcel.permit.channel is not Channel.WHATSAPP:
        return
    theirs = (
        store.attempts[attempt]
        for intent in store.intents_of.get(row.lead, ())
        for attempt in store.intents[intent].attempts
    )
    before = [
        one
        for one in theirs
        if one.outcome in ARRIVED
        and one.parcel.permit.channel is Channel.WHATSAPP
        and (one.called_at, str(one.parcel.attempt))
        < (row.called_at, str(row.parcel.attempt))
    ]
    if not before:
        return
    last = max(before, key=lambda one: one.called_at)
    moved = any(
        lead == row.lead and last.called_at <= at <= row.called_at
        for at, lead in store.audit.reassigned
    )
    if last.parcel.sender != row.parcel.sender and not moved:
        detail = f"phone {last.parcel.sender} wrote before"
        attempt = row.parcel.attempt
        yield finding(Check.OTHER_PHONE, attempt, detail, row.parcel.sender)


def _log(
    store: MemoryStore,
    tenant: TenantId,
    since: datetime,
    arrived: Iterable[AttemptRow],
) -> Iterator[Finding]:
    for line in store.log:
        attempt = line.attempt
        if line.tenant != tenant or line.at < since or attempt is None:
            continue
        known = store.attempts.get(attempt)
        if known is None or known.lead != line.lead:
            yield finding(Check.LOG_WITHOUT_ATTEMPT, attempt, "", line.sender)
    for row in arrived:
        sent = store.sent.get(row.parcel.attempt)
        if sent is None and row.outcome is Outcome.ACCEPTED:
            check, attempt = Check.ATTEMPT_WITHOUT_LOG, row.parcel.attempt
            yield finding(check, attempt, str(row.outcome), row.parcel.sender)
        if sent is not None and sent.text != row.parcel.text:
            attempt = row.parcel.attempt
            yield finding(Check.OTHER_PAYLOAD, attempt, "", row.parcel.sender)


def _units(store: MemoryStore, tenant: TenantId, since: datetime) -> Iterator[Finding]:
    holding: dict[UnitSlot, set[object]] = {}
    for row in store.attempts.values():
        if row.unit is not None and row.outcome in ARRIVED:
            holding.setdefault(row.unit, set()).add(row.intent)
    for slot, unit in store.units.items():
        lane = store.lanes.get(slot.sender)
        if lane is None or lane.sender.tenant != tenant or slot.day < since.date():
            continue
        # A refusal may keep its unit (COLD_RESTRICTED), so only that way round.
        lost = holding.get(slot, set()) - set(unit.ids)
        orphans = {one for one in unit.ids if one not in store.intents}
        if lost or orphans:
            subject = f"{slot.sender} {slot.day}"
            detail = f"{len(lost)} without a unit, {len(orphans)} units of nobody"
            yield finding(Check.UNITS_DIFFER, subject, detail, slot.sender)


def _budgets(
    store: MemoryStore, tenant: TenantId, since: datetime
) -> Iterator[Finding]:
    """Here the use is the number of holders, so only who holds may differ."""
    holding: dict[tuple[SenderId, str], set[IntentId]] = {}
    for row in store.attempts.values():
        if row.outcome in ARRIVED:
            for key in row.budgets:
                held = holding.setdefault((row.parcel.sender, key), set())
                held.add(row.intent)
    for sender, rows in store.budgets.items():
        if store.lanes[sender].sender.tenant != tenant:
            continue
        for key, row_of in rows.items():
            lost = holding.get((sender, key), set()) - set(row_of.ids)
            unsent = [
                one
                for one in row_of.ids.values()
                if store.attempts[one].outcome in _NOT_SENT
            ]
            if row_of.ends_at >= since and (lost or unsent):
                kind, *_, period = key.split(":")
                subject = f"{sender} {kind} {period}"
                detail = f"{len(lost)} hold no unit, {len(unsent)} were not sent"
                yield finding(Check.BUDGETS_DIFFER, subject, detail, sender)
