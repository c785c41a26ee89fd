"""See that a provider has the campaign that messages wait for, and how it does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from outreach.domain.errors import NotFound
from outreach.domain.ids import AccountId, HostedId, TenantId
from outreach.domain.provider_campaign import (
    TAKES_LEADS,
    CampaignHold,
    HostedCampaign,
    Hosting,
)
from outreach.domain.suppression import SwitchScope
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.gateway import Again, Held, Running, RunsCampaigns
from outreach.ports.hosting import HostedCampaigns
from outreach.ports.switches import Switches

__all__ = ["COUNTED_EVERY", "LOOKED_AT_EVERY", "HostCampaigns"]

COUNTED_EVERY: Final = timedelta(hours=1)
LOOKED_AT_EVERY: Final = timedelta(hours=1)
"""How often one that sends is asked whether it still does."""

_HELD_AGAIN: Final = timedelta(minutes=10)
_SOON: Final = timedelta(minutes=1)
_PERSON: Final = frozenset(
    {CampaignHold.PAUSED, CampaignHold.BOUNCES, CampaignHold.SUSPENDED}
)
"""What stopped it is not ours to undo: a person must look, at the provider too."""
_KIND: Final = "campaign.paused"


@frozen
class HostCampaigns:
    """One look at one campaign, and one reading of an account's counts.

    Attributes:
        runs: accounts whose gateway runs campaigns, by id.
    """

    hosted: HostedCampaigns
    switches: Switches
    runs: Mapping[AccountId, RunsCampaigns]
    alerts: Alerts

    async def __call__(self, tenant: TenantId, about: HostedId) -> datetime | None:
        """When to look again (engine time); None: not by itself."""
        known = await self.hosted.get(tenant, about)
        if known is None or (known.shut and not known.hosting.ref):
            return None
        gateway = self.runs.get(known.account)
        if gateway is None:
            # Another process may have it; the messages wait as they are.
            return known.now + _HELD_AGAIN
        if known.shut:
            return await self._shut(known, gateway)
        plan, ref = known.plan, known.hosting.ref
        if plan is None:
            says = f"{known.window.key}: its zones have no common hours all year"
            return await self._held(known, Held(ref, CampaignHold.OTHER, says))
        if known.resume and ref:
            answer = await gateway.resume(ref)
        else:
            answer = await gateway.ensure(plan, ref)
        match answer:
            case Running(ref=ref):
                return await self._running(known, ref)
            case Held() if answer.hold in TAKES_LEADS:
                return await self._running(known, answer.ref, answer)
            case Held():
                return await self._held(known, answer)
            case Again(why=why, retry_after=after):
                return await self._unheard(known, why, after)

    async def _shut(
        self, known: HostedCampaign, gateway: RunsCampaigns
    ) -> datetime | None:
        """Whoever was starting it when the breaker opened may come after the pause."""
        answer = await gateway.state(known.hosting.ref)
        match answer:
            case Again(retry_after=after):
                return known.now + max(_HELD_AGAIN, after or timedelta())
            case Running(ref=ref):
                await self.hosted.told(known, Hosting(ref, None))
            case Held() if answer.hold in TAKES_LEADS:
                found = Hosting(answer.ref, answer.hold, answer.says)
                await self.hosted.told(known, found)
        return None

    async def _running(
        self, known: HostedCampaign, ref: str, held: Held | None = None
    ) -> datetime:
        again = known.now + LOOKED_AT_EVERY
        hold, says = (None, "") if held is None else (held.hold, held.says)
        await self.hosted.told(known, Hosting(ref, hold, says, again))
        await self.alerts.over(_KIND, str(known.id))
        return again

    async def _held(self, known: HostedCampaign, held: Held) -> datetime | None:
        again = None if held.hold in _PERSON else known.now + _HELD_AGAIN
        found = Hosting(held.ref, held.hold, held.says, again)
        await self.hosted.told(known, found)
        says = (
            f"step {known.number} of {known.sequence}: the provider's campaign is "
            f"{held.hold}: {held.says}"
        )
        if held.hold is CampaignHold.BOUNCES:
            # The provider judged as we would have: nothing more is added, anywhere.
            await self.switches.throw(
                known.tenant,
                SwitchScope.CAMPAIGN,
                str(known.campaign),
                reason=f"the provider's bounce protection: {held.says}",
                by="provider",
            )
        await self.alerts.raise_(Alert(_KIND, str(known.id), says))
        return again

    async def _unheard(
        self, known: HostedCampaign, why: str, after: timedelta | None
    ) -> datetime:
        """What was known stays: one that took leads takes them until it says no."""
        again = known.now + max(_SOON, after or timedelta())
        there = known.hosting
        if not there.takes_leads:
            found = evolve(there, says=why, until=again)
            await self.hosted.told(known, found)
        return again

    async def count(self, tenant: TenantId, account: AccountId) -> None:
        """Read what the provider counted for all campaigns of an account.

        Raises:
            Unavailable: it could not be asked.
            NotFound: this process has no gateway for it.
        """
        gateway = self.runs.get(account)
        if gateway is None:
            message = f"account {account} runs no campaigns here"
            raise NotFound(message)
        there = await self.hosted.at_provider(tenant, account)
        refs = [one.hosting.ref for one in there]
        if refs:
            counts = await gateway.counts(refs)
            await self.hosted.counted(tenant, account, counts)
