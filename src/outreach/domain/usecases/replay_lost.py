"""Take in the webhooks that a provider could not deliver.

They go the way of those that arrived: read, and put into the inbox under the key of the
event, so that one which arrived all the same is known already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from outreach.domain.errors import Misconfigured
from outreach.domain.event import Arrival
from outreach.domain.ids import AccountId
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.gateway import Reads, ReplaysLost
from outreach.ports.inbox import Inbox

__all__ = ["LOOKS_BACK", "ReplayLost", "Source"]

LOOKS_BACK: Final = timedelta(days=3)
"""Longer than a weekend: nothing is kept of how far the last look came."""

_KIND: Final = "provider.unhealthy"


@frozen
class Source:
    """A provider account that can tell.

    Attributes:
        provider, account: names, as its webhooks are stored under.
    """

    provider: str
    account: str
    gateway: ReplaysLost


@frozen
class ReplayLost:
    """One look at one account.

    Attributes:
        readers: by provider.
        sources: by provider account.
        wall: wall clock (UTC), which the providers' times are of.
    """

    inbox: Inbox
    readers: Mapping[str, Reads]
    sources: Mapping[AccountId, Source]
    alerts: Alerts
    wall: Callable[[], datetime]

    async def __call__(self, account: AccountId) -> int:
        """Answers how many events were new.

        Raises:
            Unavailable: the provider could not be asked, or an event not be stored.
        """
        source = self.sources.get(account)
        if source is None:
            return 0
        now = self.wall()
        try:
            bodies = await source.gateway.lost(now - LOOKS_BACK)
        except Misconfigured as error:
            await self.alerts.raise_(Alert(_KIND, str(account), str(error)))
            return 0
        await self.alerts.over(_KIND, str(account))
        new = 0
        for raw in bodies:
            for event in self.readers[source.provider].read(raw):
                arrival = Arrival(
                    provider=source.provider,
                    account=source.account,
                    raw=raw,
                    key=event.key,
                    type=event.type,
                    address=event.address,
                    received_at=now,
                )
                new += await self.inbox.put(arrival)
        return new
