"""What was decided and what would be, over one truth in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from attrs import frozen

from outreach.adapters.memory.cases import case_of
from outreach.adapters.memory.relaying import health_of
from outreach.adapters.memory.rows import DecisionRow, IntentRow, Standing
from outreach.adapters.memory.store import MemoryStore
from outreach.adapters.memory.views import view_of
from outreach.domain.auditing import INVARIANTS, Check
from outreach.domain.case import Case
from outreach.domain.decision import Reason
from outreach.domain.errors import NotFound
from outreach.domain.ids import IntentId, LeadId, SenderId, TenantId
from outreach.domain.lane import LaneView
from outreach.domain.lead import meant
from outreach.domain.message import Outcome
from outreach.domain.window import local_day
from outreach.ports.decisions import Explained, PhoneDay, Recorded, Summary

__all__ = ["MemoryDecisions"]

_MOST_FOUND: Final = 20
_WAITING = (Standing.WAITING, Standing.HELD)


@frozen
class MemoryDecisions:
    """Implements `outreach.ports.decisions.Decisions`."""

    store: MemoryStore

    async def explain(self, tenant: TenantId, lead: LeadId) -> Explained:
        """The lead with its messages, those that wait by due time."""
        await self.store.pause()
        store = self.store
        if store.lead_tenants.get(lead) != tenant:
            message = f"no lead has the id {lead}"
            raise NotFound(message)
        facts = store.leads[lead]
        rows = sorted(store.intents_for(lead, *_WAITING), key=_by_due)
        return Explained(
            lead=lead,
            name=facts.company_name or facts.contact_name,
            state=str(store.journey(lead).state),
            now=store.now,
            cases=tuple(case_of(store, row) for row in rows),
            recorded=tuple(
                _recorded(store, row) for row in store.decisions if row.lead == lead
            ),
            ended="" if rows else _ended(store, lead),
            passed=tuple(
                one
                for one in store.relayed.passed
                if one.intent in store.intents_of.get(lead, ())
            ),
        )

    async def behind(self, tenant: TenantId, start: str) -> Sequence[LeadId]:
        """By id."""
        await self.store.pause()
        digits = meant(start)[1]
        if not digits:
            return ()
        found = {
            row.intent.lead
            for one, row in self.store.intents.items()
            if row.intent.tenant == tenant and one.hex.startswith(digits)
        }
        found |= {
            row.lead
            for one, row in self.store.attempts.items()
            if row.tenant == tenant and one.hex.startswith(digits)
        }
        return sorted(found)[:_MOST_FOUND]

    async def waiting(
        self, tenant: TenantId, after: IntentId | None, limit: int
    ) -> Sequence[Case]:
        """By id."""
        await self.store.pause()
        ids = sorted(
            intent
            for intent, row in self.store.intents.items()
            if row.intent.tenant == tenant
            and row.standing in _WAITING
            and (after is None or intent > after)
        )
        rows = [self.store.intents[intent] for intent in ids[:limit]]
        return [case_of(self.store, row) for row in rows]

    async def deferred(self, tenant: TenantId) -> Mapping[Reason, int]:
        """Each change of reason of a message counts once."""
        await self.store.pause()
        return _deferred(self.store, tenant)

    async def lanes(
        self, tenant: TenantId, lane: SenderId | None = None
    ) -> Sequence[LaneView]:
        """By number."""
        await self.store.pause()
        rows = [
            row
            for row in self.store.lanes.values()
            if row.sender.tenant == tenant and lane in {None, row.sender.id}
        ]
        return [
            view_of(self.store, row)
            for row in sorted(rows, key=lambda row: row.sender.number)
        ]

    async def summary(self, tenant: TenantId) -> Summary:
        """Counted afresh."""
        await self.store.pause()
        return _summary(self.store, tenant)

    async def days(self, tenant: TenantId) -> Sequence[PhoneDay]:
        await self.store.pause()
        return _days(self.store, tenant)


def _by_due(row: IntentRow) -> tuple[object, ...]:
    return row.intent.due_at, row.intent.id


def _recorded(store: MemoryStore, row: DecisionRow) -> Recorded:
    outcome, through = row.outcome, ""
    if row.attempt is not None:
        attempt = store.attempts[row.attempt]
        outcome = str(attempt.outcome)
        sender = store.lanes[attempt.parcel.sender].sender
        through = f"{sender.provider}, {sender.number}"
    return Recorded(
        row.intent, row.step_number, row.decision, outcome, through, row.attempt
    )


def _ended(store: MemoryStore, lead: LeadId) -> str:
    runs = store.enrolled.get(lead, [])
    if runs:
        run = store.enrolments[runs[-1]].enrolment
        return run.stop_reason or str(run.status)
    reasons = (row.skipped.get(lead) for row in store.campaign_rows.values())
    return next((why for why in reasons if why), "never enrolled")


def _deferred(store: MemoryStore, tenant: TenantId) -> dict[Reason, int]:
    counted: Counter[Reason] = Counter(
        row.decision.binding
        for row in store.decisions
        if row.tenant == tenant and row.decision.binding is not Reason.OK
    )
    if tenant in store.backoffs:
        counted[Reason.PROVIDER_BACKOFF] += store.backoffs[tenant]
    return dict(counted)


def _days(store: MemoryStore, tenant: TenantId) -> list[PhoneDay]:
    sent: Counter[tuple[str, date, int, bool]] = Counter()
    for one in store.attempts.values():
        if one.tenant == tenant and one.outcome is Outcome.ACCEPTED:
            sender = store.lanes[one.parcel.sender].sender
            day = (
                one.unit.day if one.unit else local_day(one.called_at, sender.time_zone)
            )
            sent[sender.number, day, sender.daily_limit, one.unit is not None] += 1
    keys = sorted({key[:3] for key in sent})
    return [
        PhoneDay(
            phone,
            day,
            sent[phone, day, limit, True],
            sent[phone, day, limit, False],
            limit,
        )
        for phone, day, limit in keys
    ]


def _summary(store: MemoryStore, tenant: TenantId) -> Summary:
    attempts = [one for one in store.attempts.values() if one.tenant == tenant]
    accepted = [one for one in attempts if one.outcome is Outcome.ACCEPTED]
    names = {
        (one.provider, one.name)
        for one in store.accounts.values()
        if one.tenant == tenant
    }
    arrivals = [row.arrival for row in store.events.values()]
    items = [row.item for row in store.reviews.values() if row.item.tenant == tenant]
    waiting = [
        row.intent
        for row in store.intents.values()
        if row.intent.tenant == tenant and row.standing in _WAITING
    ]
    skipped: Counter[str] = Counter()
    for campaign in store.campaign_rows.values():
        if campaign.tenant == tenant:
            skipped.update(campaign.skipped.values())
    senders = sorted(
        (lane.sender for lane in store.lanes.values() if lane.sender.tenant == tenant),
        key=lambda sender: sender.number,
    )
    new = Counter(one.parcel.sender for one in accepted if one.unit is not None)
    others = Counter(one.parcel.sender for one in accepted if one.unit is None)
    return Summary(
        imported=sum(of == tenant for of in store.lead_tenants.values()),
        enrolled=sum(row.tenant == tenant for row in store.enrolments.values()),
        sent=Counter(str(one.parcel.permit.channel) for one in accepted),
        deferred={str(why): count for why, count in _deferred(store, tenant).items()},
        events=Counter(
            str(one.type) for one in arrivals if (one.provider, one.account) in names
        ),
        replies=Counter(
            str(row.analysis.intent)
            for row in store.log
            if row.tenant == tenant and row.analysis is not None
        ),
        reviews=Counter(str(item.priority) for item in items),
        suppressed=len(store.suppressions.get(tenant, {})),
        unknown=sum(
            one.outcome in {Outcome.UNKNOWN, Outcome.ABANDONED} for one in attempts
        ),
        skipped=skipped,
        phones=tuple(
            (
                sender.number,
                new[sender.id],
                others[sender.id],
                sender.daily_limit,
            )
            for sender in senders
        ),
        waiting=Counter(intent.send_class.name for intent in waiting),
        breaches=Counter(
            str(INVARIANTS[Check[name]])
            for of, name, _ in store.audit.known
            if of == tenant
        ),
        passed=Counter(
            one.provider
            for one in store.relayed.passed
            if store.lanes[one.sender].sender.tenant == tenant
        ),
        health=Counter(str(one.health.state) for one in health_of(store, tenant)),
    )
