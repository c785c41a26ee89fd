"""What the store in memory keeps of a campaign that a provider runs for us."""

from __future__ import annotations

from datetime import date, datetime

from attrs import Factory, define

from outreach.domain.ids import AccountId, CampaignId, HostedId, StepId, TenantId
from outreach.domain.provider_campaign import ABSENT, CampaignCounts, Hosting
from outreach.domain.window import Window

__all__ = ["HostedRow"]


@define(eq=False)
class HostedRow:
    """A provider's campaign, and what was counted of it, by day (UTC).

    Attributes:
        waits_until: when everything is due that was moved for want of it.
    """

    id: HostedId
    tenant: TenantId
    account: AccountId
    campaign: CampaignId
    step: StepId
    window: Window
    hosting: Hosting = ABSENT
    resume: bool = False
    waits_until: datetime | None = None
    counts: dict[date, CampaignCounts] = Factory(dict)
