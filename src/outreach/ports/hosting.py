"""Campaigns that providers run for us."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from outreach.domain.ids import AccountId, CampaignId, HostedId, TenantId
from outreach.domain.provider_campaign import (
    CampaignCounts,
    HostedCampaign,
    Hosting,
)

__all__ = ["HostedCampaigns"]


class HostedCampaigns(Protocol):
    """Which campaigns a provider is to have, and what is known of each.

    Promises:
    - a message that is put off for want of its campaign asks for it, once;
    - messages of the same step, zones and campaign have one, at each account;
    - what is put off so moves all that would be added to the same one, and no other;
    - what is told of one is in the claims that follow;
    - one that takes leads again has what waited for it due at once;
    - an open breaker pauses all that are at their provider, and what comes there later;
    - one that was started all the same is paused again;
    - a closed breaker has all of its campaign's looked at, to be started again;
    - once a provider has counted, its counts stand for ours;
    - only what was counted within the last days is judged;
    - a count of more bounces has the campaign judged;
    - those of another tenant are never seen.
    """

    async def get(self, tenant: TenantId, hosted: HostedId) -> HostedCampaign | None:
        """One of them; None: there is none."""
        ...

    async def of_campaign(
        self, tenant: TenantId, campaign: CampaignId
    ) -> Sequence[HostedCampaign]:
        """All of one campaign of ours, oldest first."""
        ...

    async def told(self, hosted: HostedCampaign, now: Hosting) -> None:
        """Record what its provider said of it, and that it was started again if a
        person wanted that.
        """
        ...

    async def at_provider(
        self, tenant: TenantId, account: AccountId
    ) -> Sequence[HostedCampaign]:
        """All of an account that have an id there, oldest first."""
        ...

    async def counted(
        self, tenant: TenantId, account: AccountId, counts: Sequence[CampaignCounts]
    ) -> None:
        """Record what the provider has counted since each campaign began."""
        ...
