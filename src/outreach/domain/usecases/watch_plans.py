"""Tell people when the plan of a provider account is nearly used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from attrs import field, frozen

from outreach.domain.allowance import Counted, PlanBudget, Use
from outreach.domain.errors import Unavailable
from outreach.domain.ids import AccountId, TenantId
from outreach.ports.accounts import Accounts
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.gateway import TellsUse

__all__ = ["ASK_EVERY", "WatchPlans"]

ASK_EVERY: Final = timedelta(hours=1)

_KIND: Final = "provider.quota"


@frozen
class WatchPlans:
    """The duty of one account: due at 80 % of a plan, when that period ends, and every
    hour where the vendor tells what it counts.

    Attributes:
        tells: accounts whose vendor does.
    """

    accounts: Accounts
    alerts: Alerts
    tells: Mapping[AccountId, TellsUse] = field(factory=dict)

    async def __call__(
        self, tenant: TenantId, account: AccountId, now: datetime
    ) -> datetime | None:
        """When to look again (engine time); None: when something is used.

        Raises:
            Unavailable: the store did not answer.
        """
        asked = await self._ask(tenant, account)
        view = await self.accounts.view(tenant, account)
        full = [plan for plan in view.plans if plan.is_nearly_full]
        for plan in view.plans:
            about = f"{account}/{_period(plan)}"
            if plan in full:
                says = (
                    f"{plan.used} of {plan.limit} messages of its {_period(plan)} are "
                    f"used; it ends at {plan.ends_at.isoformat()}"
                )
                await self.alerts.raise_(Alert(_KIND, about, says))
            else:
                await self.alerts.over(_KIND, about)
        again = [plan.ends_at for plan in full]
        if asked:
            again.append(now + ASK_EVERY)
        return min(again, default=None)

    async def _ask(self, tenant: TenantId, account: AccountId) -> bool:
        """Whether the vendor is to be asked again; one that does not answer is."""
        vendor = self.tells.get(account)
        if vendor is None:
            return False
        try:
            uses = await vendor.use()
        except Unavailable:
            return True
        messages = [use for use in uses if use.counted is Counted.MESSAGES]
        if messages:
            await self.accounts.told(tenant, account, messages)
        for use in uses:
            if use.counted is Counted.CALLS:
                await self._calls(account, use)
        return True

    async def _calls(self, account: AccountId, use: Use) -> None:
        """Nothing is held back for them: a poll that is not made loses news."""
        about = f"{account}/calls"
        if not use.is_nearly_full:
            await self.alerts.over(_KIND, about)
            return
        says = f"{use.used} of {use.limit} calls of its {use.period} are used"
        await self.alerts.raise_(Alert(_KIND, about, says))


def _period(plan: PlanBudget) -> str:
    return plan.key.partition(":")[0].removeprefix("plan_")
