"""Sequences, templates and enrolments, over one truth in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from attrs import evolve, frozen

from outreach.adapters.memory import hosting, versions
from outreach.adapters.memory.rows import AttemptRow, CampaignRow, EnrolmentRow
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.breaker import BREAKER_DAYS, MailCounts, MailFault
from outreach.domain.channel import Channel
from outreach.domain.errors import NotFound
from outreach.domain.ids import (
    AccountId,
    AttemptId,
    CampaignId,
    LeadId,
    SenderId,
    TenantId,
)
from outreach.domain.message import MessageStatus, Outcome
from outreach.domain.sender import SenderState
from outreach.domain.sequence import (
    Campaign,
    Enrolment,
    EnrolmentStatus,
    MessageTemplate,
    Override,
)
from outreach.domain.sequence import Sequence as Steps
from outreach.domain.stop import HOLDING
from outreach.domain.trial import Trial
from outreach.ports.campaigns import Enrollable, NewEnrolment

__all__ = ["MemoryCampaigns"]

_GONE = frozenset({SenderState.BANNED, SenderState.RETIRED})


@frozen
class MemoryCampaigns:
    """Implements `outreach.ports.campaigns.Campaigns`."""

    store: MemoryStore

    async def save(
        self,
        tenant: TenantId,
        sequence: Steps,
        templates: Sequence[MessageTemplate],
        *,
        name: str,
        override: Override | None = None,
    ) -> Campaign:
        """Same names, same ids; a change makes a new version."""
        await self.store.pause()
        store = self.store
        for template in templates:
            _save_template(store, tenant, template)
        steps = _save_sequence(store, tenant, sequence)
        known = store.campaigns.get((tenant, name))
        if known is None:
            campaign = Campaign(CampaignId(store.ids()), steps.id, name, override)
            store.campaigns[tenant, name] = campaign
            store.campaign_rows[campaign.id] = CampaignRow(tenant, steps)
            return campaign
        store.campaign_rows[known.id].sequence = steps
        campaign = evolve(known, sequence=steps.id, override=override or known.override)
        store.campaigns[tenant, name] = campaign
        return campaign

    async def named(self, tenant: TenantId, name: str) -> Campaign:
        """By name or id."""
        await self.store.pause()
        for (of, called), campaign in self.store.campaigns.items():
            if of == tenant and name in {called, str(campaign.id)}:
                return campaign
        message = f"no campaign is called {name!r}"
        raise NotFound(message)

    async def all(self, tenant: TenantId) -> Sequence[Campaign]:
        """By name."""
        await self.store.pause()
        mine = [one for (of, _), one in self.store.campaigns.items() if of == tenant]
        return sorted(mine, key=lambda one: one.name)

    async def sequence(
        self, tenant: TenantId, name: str
    ) -> tuple[Steps, Sequence[MessageTemplate]]:
        """With the templates its steps name."""
        await self.store.pause()
        steps = self.store.live_sequences.get((tenant, name))
        if steps is None:
            message = f"no sequence is called {name!r}"
            raise NotFound(message)
        named = {
            text
            for step in steps.steps
            for text in (step.template, step.fallback_template)
            if text is not None
        }
        found = (self.store.templates.get((tenant, text)) for text in sorted(named))
        return steps, [template for template in found if template is not None]

    async def templates(self, tenant: TenantId) -> Sequence[MessageTemplate]:
        """By name."""
        await self.store.pause()
        own = [
            template
            for (of, _), template in self.store.templates.items()
            if of == tenant
        ]
        return sorted(own, key=lambda template: template.name)

    async def enrollable(
        self, tenant: TenantId, campaign: Campaign, after: LeadId | None, limit: int
    ) -> Sequence[Enrollable]:
        """By id."""
        await self.store.pause()
        store = self.store
        seen = store.campaign_rows[campaign.id].seen
        found = sorted(
            lead
            for lead, of in store.lead_tenants.items()
            if of == tenant and lead not in seen and (after is None or lead > after)
        )
        return [_enrollable(store, tenant, lead) for lead in found[:limit]]

    async def enroll(
        self, tenant: TenantId, campaign: Campaign, batch: Sequence[NewEnrolment]
    ) -> Sequence[bool]:
        """Each with its first message."""
        await self.store.pause()
        return [_enroll(self.store, tenant, campaign, one) for one in batch]

    async def mail(self, tenant: TenantId, campaign: CampaignId) -> MailCounts:
        """Counted afresh."""
        await self.store.pause()
        return _mail(self.store, tenant, campaign)

    async def trials(self, tenant: TenantId) -> Sequence[Trial]:
        """Counted afresh."""
        await self.store.pause()
        return versions.trials(self.store, tenant)

    async def pick(
        self,
        tenant: TenantId,
        template: str,
        label: str,
        *,
        by: str,
        instead: bool = True,
    ) -> bool:
        """At once."""
        await self.store.pause()
        return versions.pick(
            self.store, tenant, template, label, by=by, instead=instead
        )

    async def now(self) -> datetime:
        """Engine time."""
        await self.store.pause()
        return self.store.now


def _save_template(
    store: MemoryStore, tenant: TenantId, template: MessageTemplate
) -> None:
    known = store.templates.get((tenant, template.name))
    store.templates[tenant, template.name] = template.after(known)


def _save_sequence(store: MemoryStore, tenant: TenantId, sequence: Steps) -> Steps:
    known = store.live_sequences.get((tenant, sequence.name))
    if known is not None:
        ids = {step.number: step.id for step in known.steps}
        steps = tuple(
            evolve(step, id=ids.get(step.number, step.id)) for step in sequence.steps
        )
        sequence = evolve(sequence, id=known.id, version=known.version, steps=steps)
        if sequence != known:
            sequence = evolve(sequence, version=known.version + 1)
    store.live_sequences[tenant, sequence.name] = sequence
    store.sequences[sequence.id, sequence.version] = sequence
    return sequence


def _enrollable(store: MemoryStore, tenant: TenantId, lead: LeadId) -> Enrollable:
    facts = store.leads[lead]
    journey = store.journey(lead)
    return Enrollable(
        lead=lead,
        state=journey.state,
        phone=facts.phone,
        email=facts.email,
        fields=facts.variables,
        country=facts.country,
        time_zone=facts.time_zone or None,
        phone_zones=facts.phones[0].zones if facts.phones else (),
        country_zones=facts.zones,
        preferred_channel=journey.preferred_channel,
        last_channel=journey.last_channel,
        closed_channels=journey.closed_channels,
        opted_out=journey.opted_out,
        suppressed=bool(store.suppressions_of(tenant, facts.addresses)),
        human_controlled=journey.human_controlled,
        addresses=facts.addresses,
        legal_basis=facts.legal_basis,
        consents=tuple(store.agreed.consents.get(lead, ())),
    )


def _enroll(
    store: MemoryStore, tenant: TenantId, campaign: Campaign, new: NewEnrolment
) -> bool:
    row = store.campaign_rows[campaign.id]
    if new.lead in row.seen or store.lead_tenants.get(new.lead) != tenant:
        return False
    if new.first is None:
        row.seen.add(new.lead)
        row.skipped[new.lead] = new.skipped
        return True
    if store.live_enrolment(new.lead) is not None:
        return False
    row.seen.add(new.lead)
    enrolment = Enrolment(
        id=new.id,
        lead=new.lead,
        sequence=row.sequence.id,
        sequence_version=row.sequence.version,
        campaign=campaign.id,
        status=EnrolmentStatus.ACTIVE,
        current_step=0,
        total_steps=len(row.sequence.steps),
    )
    store.enrolments[new.id] = EnrolmentRow(
        enrolment, tenant, new.zones, new.country, new.zones_why, store.now
    )
    store.enrolled.setdefault(new.lead, []).append(new.id)
    store.plan(new.first, _sticky(store, new.lead, new.first.channel))
    return True


def _sticky(store: MemoryStore, lead: LeadId, channel: Channel) -> SenderId | None:
    """The sender of an earlier run, as long as it is there."""
    known = store.journey(lead).sender(channel)
    if known is None or store.lanes[known].sender.state in _GONE:
        return None
    return known


def _mail(store: MemoryStore, tenant: TenantId, campaign: CampaignId) -> MailCounts:
    """Where a provider counts for itself, what it contacted stands for what was handed
    to it, and its bounces for those it told one by one, if they are more.
    """
    since = store.now.date() - BREAKER_DAYS + timedelta(days=1)
    told = hosting.counts(store, campaign, since)
    own: dict[AccountId, MailCounts] = {}
    for name, one in store.attempts.items():
        mail = one.parcel.permit.channel in HOLDING
        if mail and one.tenant == tenant and store.campaign_of(one.intent) == campaign:
            known = own.get(one.parcel.account, MailCounts())
            own[one.parcel.account] = _counted(store, known, name, one, since)
    sums = MailCounts()
    for account in {**own, **told}:
        mine = own.get(account, MailCounts())
        sent, bounced = told.get(account, (mine.sent, mine.bounced))
        sums = MailCounts(
            sent=sums.sent + sent,
            bounced=sums.bounced + max(bounced, mine.bounced),
            complained=sums.complained + mine.complained,
            delivered=sums.delivered + mine.delivered,
        )
    return sums


def _counted(
    store: MemoryStore, known: MailCounts, name: AttemptId, one: AttemptRow, since: date
) -> MailCounts:
    """One more mail."""
    logged = store.sent.get(name)
    arrived = None if logged is None else logged.reached.get(MessageStatus.DELIVERED)
    faults = {
        fault: at.date() >= since
        for fault in MailFault
        if (at := store.faults.get((name, fault))) is not None
    }
    # What came back was sent all the same.
    accepted = one.outcome is Outcome.ACCEPTED or MailFault.BOUNCED in faults
    return MailCounts(
        sent=known.sent + (accepted and one.called_at.date() >= since),
        bounced=known.bounced + faults.get(MailFault.BOUNCED, False),
        complained=known.complained + faults.get(MailFault.COMPLAINED, False),
        delivered=known.delivered + (arrived is not None and arrived.date() >= since),
    )
