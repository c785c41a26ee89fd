"""Judge a campaign by what became of its mail, and open its breaker if need be."""

from __future__ import annotations

from attrs import frozen

from outreach.domain.breaker import Judgement, Level, judged
from outreach.domain.ids import CampaignId, TenantId
from outreach.domain.suppression import SwitchScope
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.campaigns import Campaigns
from outreach.ports.switches import Switches

__all__ = ["WatchBreaker"]


@frozen
class WatchBreaker:
    """Opens by itself, never closes by itself: that is a person's act."""

    campaigns: Campaigns
    switches: Switches
    alerts: Alerts

    async def __call__(self, tenant: TenantId, campaign: CampaignId) -> Judgement:
        """What the campaign's counts mean; the breaker is open if they say so."""
        found = judged(await self.campaigns.mail(tenant, campaign))
        about = str(campaign)
        if found.opens:
            scope = SwitchScope.CAMPAIGN
            await self.switches.throw(
                tenant, scope, about, reason=found.says, by="engine"
            )
            says = f"nothing is added to campaign {campaign}: {found.says}"
            await self.alerts.raise_(Alert("campaign.paused", about, says))
        for kind, level in (
            ("bounce.high", found.bounces),
            ("complaint.high", found.complaints),
        ):
            if level is Level.FINE:
                await self.alerts.over(kind, about)
            else:
                await self.alerts.raise_(Alert(kind, about, found.says))
        return found
