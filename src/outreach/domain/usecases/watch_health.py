"""Move warm mail away from a provider account that does not serve, and tell people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from outreach.domain.health import AccountHealth, HealthState
from outreach.domain.ids import AccountId, TenantId
from outreach.ports.accounts import Accounts
from outreach.ports.alerts import Alert, Alerts

__all__ = ["LOOKED_AT_EVERY", "WatchHealth"]

LOOKED_AT_EVERY: Final = timedelta(minutes=1)
"""While it is away: what is planned for its senders meanwhile goes on, too."""
_AT_ONCE: Final = 500
"""Leads whose messages go on in one commit."""


@frozen
class WatchHealth:
    """The duty of one account: due when it goes away, every minute until it is back,
    and when it is. Doing it twice is doing it once.
    """

    accounts: Accounts
    alerts: Alerts

    async def __call__(
        self, tenant: TenantId, account: AccountId, now: datetime
    ) -> datetime | None:
        """When to look again (engine time); None: when it goes away again.

        Raises:
            Unavailable: the store did not answer.
        """
        known = await self.accounts.health(tenant)
        found = next((one for one in known if one.account == account), None)
        about = f"{account}/sends"
        if found is None or found.health.state is not HealthState.AWAY:
            await self.alerts.over("provider.unhealthy", about)
            return None
        await self.alerts.raise_(Alert("provider.unhealthy", about, _says(found)))
        while await self.accounts.move_on(tenant, account, _AT_ONCE) == _AT_ONCE:
            pass
        return now + LOOKED_AT_EVERY


def _says(found: AccountHealth) -> str:
    since = found.health.since
    at = "" if since is None else f" since {since.isoformat()}"
    return (
        f"{found.provider} does not serve{at} ({found.health.why}): "
        "its new mail goes to the next provider"
    )
