"""Campaigns that providers run for us, over one truth in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from attrs import evolve, frozen

from outreach.adapters.memory.hosted_row import HostedRow
from outreach.adapters.memory.rows import IntentRow, LaneRow, Standing
from outreach.adapters.memory.stopping import pause_again
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.change import Duty, DutyKind
from outreach.domain.channel import Channel
from outreach.domain.ids import AccountId, CampaignId, HostedId, TenantId
from outreach.domain.provider_campaign import (
    CampaignCounts,
    HostedCampaign,
    Hosting,
)
from outreach.domain.suppression import SwitchScope

__all__ = ["MemoryHostedCampaigns", "counts", "hosting_of", "wait"]

_NOTHING: Final = CampaignCounts("", 0, 0)


@frozen
class MemoryHostedCampaigns:
    """Implements `outreach.ports.hosting.HostedCampaigns`."""

    store: MemoryStore

    async def get(self, tenant: TenantId, hosted: HostedId) -> HostedCampaign | None:
        """None for another tenant's."""
        await self.store.pause()
        row = self.store.hosted.get(hosted)
        return None if row is None or row.tenant != tenant else self._hosted(row)

    async def of_campaign(
        self, tenant: TenantId, campaign: CampaignId
    ) -> Sequence[HostedCampaign]:
        """In the order in which they were asked for."""
        await self.store.pause()
        return [
            self._hosted(row)
            for row in self.store.hosted.values()
            if row.tenant == tenant and row.campaign == campaign
        ]

    async def told(self, hosted: HostedCampaign, now: Hosting) -> None:
        """And what waited for it is due, or paused if our breaker is open."""
        await self.store.pause()
        store = self.store
        row = store.hosted.get(hosted.id)
        if row is None or row.tenant != hosted.tenant:
            return
        before, row.hosting = row.hosting, now
        takes = now.takes_leads
        row.resume = row.resume and not takes
        if now.ref and (takes or not before.ref) and self._shut(row):
            pause_again(store, row.tenant, row.account, row.id, "BREAKER_OPEN")
        if takes and before.hold is not None:
            for waits in _waiting(store, row):
                if waits.intent.due_at == row.waits_until:
                    store.wait(waits, store.now)

    async def at_provider(
        self, tenant: TenantId, account: AccountId
    ) -> Sequence[HostedCampaign]:
        """In the order in which they were asked for."""
        await self.store.pause()
        return [
            self._hosted(row)
            for row in self.store.hosted.values()
            if row.tenant == tenant and row.account == account and row.hosting.ref
        ]

    async def counted(
        self, tenant: TenantId, account: AccountId, counts: Sequence[CampaignCounts]
    ) -> None:
        """More bounces have the campaign judged."""
        await self.store.pause()
        store = self.store
        by_ref = {one.ref: one for one in counts}
        for row in store.hosted.values():
            if row.tenant != tenant or row.account != account:
                continue
            one = by_ref.get(row.hosting.ref)
            if one is None:
                continue
            before = row.counts[max(row.counts)].bounced if row.counts else 0
            row.counts[store.now.date()] = one
            if one.bounced > before:
                kind, key = DutyKind.BREAKER, str(row.campaign)
                store.put_duty(Duty(kind, key, tenant, store.now))

    def _hosted(self, row: HostedRow) -> HostedCampaign:
        sequence = self.store.campaign_rows[row.campaign].sequence
        number = next((s.number for s in sequence.steps if s.id == row.step), 0)
        return HostedCampaign(
            id=row.id,
            tenant=row.tenant,
            account=row.account,
            campaign=row.campaign,
            step=row.step,
            sequence=sequence.name,
            number=number,
            window=row.window,
            hosting=row.hosting,
            now=self.store.now,
            shut=self._shut(row),
            resume=row.resume,
        )

    def _shut(self, row: HostedRow) -> bool:
        key = (row.tenant, SwitchScope.CAMPAIGN, str(row.campaign))
        return key in self.store.switches


def hosting_of(store: MemoryStore, row: IntentRow) -> Hosting | None:
    """What is known of the campaign that a message would be added to."""
    found = None
    if row.lane is not None and row.intent.channel is Channel.EMAIL_COLD:
        found = _find(store, store.lanes[row.lane].sender.account, row)
    return None if found is None else found.hosting


def wait(store: MemoryStore, lane: LaneRow, row: IntentRow, until: datetime) -> None:
    """A message waits for its campaign, which is asked for; so do all that would be
    added to the same one.
    """
    account = lane.sender.account
    found = _find(store, account, row)
    if found is None:
        found = _ask_for(store, account, row)
    found.waits_until = until
    for waits in _waiting(store, found):
        if waits.intent.due_at < until:
            store.wait(waits, until)


def counts(
    store: MemoryStore, campaign: CampaignId, since: date
) -> Mapping[AccountId, tuple[int, int]]:
    """Contacted and bounced since a day, at each account that has counted."""
    found: dict[AccountId, tuple[int, int]] = {}
    for row in store.hosted.values():
        if row.campaign != campaign or not row.counts:
            continue
        last = row.counts[max(row.counts)]
        earlier = [day for day in row.counts if day < since]
        before = row.counts[max(earlier)] if earlier else _NOTHING
        sent, bounced = found.get(row.account, (0, 0))
        found[row.account] = (
            sent + last.contacted - before.contacted,
            bounced + last.bounced - before.bounced,
        )
    return found


def _ask_for(store: MemoryStore, account: AccountId, row: IntentRow) -> HostedRow:
    campaign, step = store.campaign_of(row.intent.id), row.intent.step
    if campaign is None or step is None:
        msg = f"message {row.intent.id} belongs to no step of a campaign"
        raise ValueError(msg)
    asked = HostedRow(
        id=HostedId(store.ids()),
        tenant=row.intent.tenant,
        account=account,
        campaign=campaign,
        step=step,
        window=evolve(row.window, holidays=frozenset()),
    )
    store.hosted[asked.id] = asked
    store.put_duty(Duty(DutyKind.HOSTED, str(asked.id), asked.tenant, store.now))
    return asked


def _find(store: MemoryStore, account: AccountId, row: IntentRow) -> HostedRow | None:
    campaign = store.campaign_of(row.intent.id)
    for one in store.hosted.values():
        if one.account == account and _belongs(one, row) and one.campaign == campaign:
            return one
    return None


def _belongs(hosted: HostedRow, row: IntentRow) -> bool:
    return hosted.step == row.intent.step and hosted.window.key == row.window.key


def _waiting(store: MemoryStore, hosted: HostedRow) -> list[IntentRow]:
    return [
        row
        for row in store.intents.values()
        if row.standing is Standing.WAITING
        and row.lane is not None
        and row.intent.channel is Channel.EMAIL_COLD
        and _belongs(hosted, row)
        and store.lanes[row.lane].sender.account == hosted.account
        and store.campaign_of(row.intent.id) == hosted.campaign
    ]
