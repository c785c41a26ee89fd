"""The invariants over one truth in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from outreach.adapters.memory.auditing import ARRIVED, finding, of_sends, since_then
from outreach.adapters.memory.rows import EnrolmentRow, EventRow, Standing
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.auditing import HOURLY, Check, Finding, SendFact
from outreach.domain.budget import UnitSlot
from outreach.domain.change import DutyKind
from outreach.domain.channel import State
from outreach.domain.event import EventType
from outreach.domain.ids import LeadId, TenantId
from outreach.domain.journey import Move
from outreach.domain.message import Outcome
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.stop import ALERT_AFTER
from outreach.domain.window import local_day
from outreach.ports.audit import Cursor

__all__ = ["MemoryAudit"]

_LATE: Final = timedelta(hours=1)
_SOON: Final = timedelta(minutes=10)
_LIVE: Final = frozenset({EnrolmentStatus.ACTIVE, EnrolmentStatus.PAUSED})


@frozen
class MemoryAudit:
    """Implements `outreach.ports.audit.Audit`."""

    store: MemoryStore

    async def findings(self, tenant: TenantId, since: datetime) -> Sequence[Finding]:
        """Everything is looked at; there is no index here."""
        await self.store.pause()
        found = [
            *of_sends(self.store, tenant, since),
            *_lost(self.store, tenant, since),
            *_late(self.store, tenant),
            *_asleep(self.store, tenant),
            *_stops(self.store, tenant),
            *_unheard(self.store, tenant, since),
            *_journeys(self.store, tenant, since),
        ]
        return list(dict.fromkeys(found))

    async def sends(
        self, tenant: TenantId, since: datetime, after: Cursor | None, limit: int
    ) -> Sequence[SendFact]:
        """By the time they were armed."""
        await self.store.pause()
        facts = [
            SendFact(row.parcel.attempt, row.parcel.sender, row.called_at, known.window)
            for row in since_then(self.store, tenant, since)
            if row.outcome in ARRIVED
            and not (known := self.store.intents[row.intent]).intent.permission
        ]
        facts.sort(key=lambda one: (one.called_at, one.attempt))
        return [
            one
            for one in facts
            if after is None or (one.called_at, one.attempt) > after
        ][:limit]

    async def slots(self, tenant: TenantId) -> Sequence[UnitSlot]:
        """By the phone's own day."""
        await self.store.pause()
        found = []
        for slot, unit in self.store.units.items():
            lane = self.store.lanes.get(slot.sender)
            if lane is None or lane.sender.tenant != tenant or not unit.ids:
                continue
            if slot.day >= local_day(self.store.now, lane.sender.time_zone):
                found.append(slot)
        return found

    async def news(
        self, tenant: TenantId, findings: Sequence[Finding]
    ) -> Sequence[Finding]:
        """By check and subject."""
        await self.store.pause()
        known = self.store.audit.known
        return [
            one
            for one in findings
            if (tenant, one.check.name, one.subject) not in known
        ]

    async def record(
        self,
        tenant: TenantId,
        findings: Sequence[Finding],
        news: Sequence[Finding],
        *,
        by: str,
    ) -> None:
        """The hourly one is what the next one goes by."""
        del findings
        await self.store.pause()
        rows = self.store.audit
        rows.known |= {(tenant, one.check.name, one.subject) for one in news}
        if by == HOURLY:
            rows.last[tenant] = (self.store.now, self.store.machine)


def _lost(store: MemoryStore, tenant: TenantId, since: datetime) -> Iterator[Finding]:
    """What nothing will ever move, however long one waits."""
    for row in store.enrolments.values():
        live = row.tenant == tenant and row.enrolment.status in _LIVE
        if live and not _moves(store, row):
            detail = str(row.enrolment.status)
            yield finding(Check.LOST_ENROLMENT, row.enrolment.id, detail)
    last = store.audit.last.get(tenant)
    for sent in since_then(store, tenant, since):
        name, sender = sent.parcel.attempt, sent.parcel.sender
        if sent.outcome is Outcome.CALLING:
            late = last is not None and sent.deadline < last[1] - _SOON
            if name not in store.calling or late:
                detail = f"called at {sent.called_at}"
                yield finding(Check.LOST_CALL, name, detail, sender)
        elif sent.outcome is Outcome.UNKNOWN:
            overdue = sent.overdue_at is None or (
                last is not None and sent.overdue_at <= last[0]
            )
            if overdue or name not in store.unknown:
                detail = f"due at {sent.overdue_at}"
                yield finding(Check.LATE_ANSWER, name, detail, sender)


def _moves(store: MemoryStore, row: EnrolmentRow) -> bool:
    run = row.enrolment
    for message in store.intents_for(run.lead, Standing.WAITING, Standing.CALLING):
        if message.intent.enrolment == run.id:
            return True
    if any(
        store.attempts[one].outcome is Outcome.UNKNOWN
        for name in store.intents_of.get(run.lead, ())
        for one in store.intents[name].attempts
        if store.intents[name].intent.enrolment == run.id
    ):
        return True
    if (DutyKind.SEQUENCE_END, str(run.id)) in store.duties:
        return True
    reviews = (store.reviews[one] for one in store.reviews_of.get(run.lead, ()))
    person = store.journey(run.lead).human_controlled
    return person or any(review.item.is_open for review in reviews)


def _late(store: MemoryStore, tenant: TenantId) -> Iterator[Finding]:
    """What was overdue at the last hourly audit, too."""
    if tenant not in store.audit.last:
        return
    last, _ = store.audit.last[tenant]
    for row in store.duties.values():
        duty = row.duty
        if duty.tenant == tenant and duty.due_at <= last - _LATE:
            subject = f"{duty.kind} {duty.key}"
            yield finding(Check.LATE_DUTY, subject, f"due at {duty.due_at}")
    for event in store.arrived.values():
        late = event.due_at is not None and event.due_at <= last - _SOON
        if late and _tenants(store, event, tenant):
            yield finding(Check.LATE_EVENT, event.id, f"due at {event.due_at}")


def _tenants(store: MemoryStore, event: EventRow, tenant: TenantId) -> bool:
    came = (event.arrival.provider, event.arrival.account)
    return any(
        one.tenant == tenant and (one.provider, one.name) == came
        for one in store.accounts.values()
    )


def _asleep(store: MemoryStore, tenant: TenantId) -> Iterator[Finding]:
    """Messages that wait in a lane, and stand in no line of it."""
    waiting = [
        row
        for row in store.intents.values()
        if row.standing is Standing.WAITING
        and row.lane is not None
        and row.intent.tenant == tenant
    ]
    for lane in dict.fromkeys(row.lane for row in waiting):
        if lane is not None:
            many = sum(row.lane == lane for row in waiting)
            if store.lanes[lane].line.count() < many:
                yield finding(Check.ASLEEP, lane, "", lane)


def _stops(store: MemoryStore, tenant: TenantId) -> Iterator[Finding]:
    last = store.audit.last.get(tenant)
    for row in store.stops.values():
        if row.tenant != tenant or row.confirmed_at is not None:
            continue
        detail = f"{row.kind} ({row.cause}), {row.tries} tries"
        if last is not None and row.at <= last[0] - ALERT_AFTER and not row.alerted:
            yield finding(Check.STOP_UNTOLD, row.id, detail)
        if (DutyKind.STOP, str(row.id)) not in store.duties:
            yield finding(Check.STOP_LOST, row.id, detail)


def _unheard(
    store: MemoryStore, tenant: TenantId, since: datetime
) -> Iterator[Finding]:
    for event in store.events.values():
        lead = event.lead
        if lead is None or event.away or store.lead_tenants[lead] != tenant:
            continue
        if event.arrival.type is not EventType.REPLY or event.stored_at < since:
            continue
        run = store.live_enrolment(lead)
        if run is None or run.enrolment.status is not EnrolmentStatus.ACTIVE:
            continue
        sequence = store.sequences[
            run.enrolment.sequence, run.enrolment.sequence_version
        ]
        began = run.enrolled_at or event.stored_at
        if sequence.stop_on_reply and began < event.stored_at:
            detail = f"enrolment {run.enrolment.id}"
            yield finding(Check.REPLY_UNHEARD, event.id, detail)


def _journeys(
    store: MemoryStore, tenant: TenantId, since: datetime
) -> Iterator[Finding]:
    moves = [move for of, move in store.moves if of == tenant]
    touched: dict[LeadId, None] = {}
    touched |= {move.lead: None for move in moves if move.at >= since}
    touched |= {row.lead: None for row in since_then(store, tenant, since)}
    of_lead: dict[LeadId, list[Move]] = {lead: [] for lead in touched}
    for move in moves:
        if move.lead in of_lead:
            of_lead[move.lead].append(move)
    for lead, own in of_lead.items():
        at, whole = State.COLD, True
        for move in own:
            whole = whole and move.before is at
            at = move.after
        stored = store.journey(lead).state
        if stored is not at or not whole:
            detail = f"{stored}, its moves say {at}"
            yield finding(Check.JOURNEY_DIFFERS, lead, detail)
