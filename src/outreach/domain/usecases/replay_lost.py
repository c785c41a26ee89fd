"""Take in the webhooks that a provider could not deliver.

They go the way of those that arrived: read, and put into the inbox under the key of the
event, so that one which arrived all the same is known already. A provider that does not
say which were lost is asked for what was written since the last look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import frozen

from outreach.domain.errors import Misconfigured
from outreach.domain.event import Arrival
from outreach.domain.ids import AccountId, TenantId
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.gateway import Reads, ReplaysLost
from outreach.ports.history import TellsHistory
from outreach.ports.inbox import Inbox
from outreach.ports.places import Place, Places

__all__ = ["APART", "BEHIND", "LOOKS_BACK", "ReplayLost", "Source"]

LOOKS_BACK: Final = timedelta(days=3)
"""Longer than a weekend. Of who tells what was lost nothing is kept of how far the last
look came; of who tells its history, nothing older is asked for.
"""
BEHIND: Final = timedelta(minutes=1)
"""A provider's clock may be so far behind ours; its times may be whole seconds."""
APART: Final = timedelta(minutes=30)
"""Between two looks at a history, however fast engine time goes: each costs calls of
the provider's plan.
"""

_KIND: Final = "provider.unhealthy"
_FOLDER: Final = "received"
_A_MILLISECOND: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@frozen
class Source:
    """A provider account that can tell.

    Attributes:
        provider, account: names, as its webhooks are stored under.
    """

    provider: str
    account: str
    gateway: ReplaysLost | TellsHistory


@frozen
class ReplayLost:
    """One look at one account.

    Attributes:
        places: how far histories were read. A place's numbering is the time since
            when messages are asked for, its number that of the conversation to go on
            from; both in milliseconds.
        readers: by provider.
        sources: by provider account.
        wall: wall clock (UTC), which the providers' times are of.
    """

    inbox: Inbox
    places: Places
    readers: Mapping[str, Reads]
    sources: Mapping[AccountId, Source]
    alerts: Alerts
    wall: Callable[[], datetime]

    async def __call__(self, tenant: TenantId, account: AccountId) -> int:
        """Answers how many events were new.

        Raises:
            Unavailable: the provider could not be asked, or an event not be stored.
        """
        source = self.sources.get(account)
        if source is None:
            return 0
        new = 0
        try:
            if isinstance(source.gateway, ReplaysLost):
                bodies = await source.gateway.lost(self.wall() - LOOKS_BACK)
                new += await self._put(source, bodies)
            if isinstance(source.gateway, TellsHistory):
                new += await self._reread(tenant, source, source.gateway)
        except Misconfigured as error:
            await self.alerts.raise_(Alert(_KIND, str(account), str(error)))
            return 0
        await self.alerts.over(_KIND, str(account))
        return new

    async def _reread(
        self, tenant: TenantId, source: Source, gateway: TellsHistory
    ) -> int:
        """What was written before the first look is none of our business."""
        now, name = self.wall(), f"{source.provider}/{source.account}"
        (place,) = (await self.places.of(tenant, [name])).get(name, ()) or (None,)
        whole = _place(now - BEHIND, now - BEHIND)
        if place is None:
            await self.places.move(tenant, name, whole)
            return 0
        since, oldest = _time(place.numbering), now - LOOKS_BACK
        if since > now - APART:
            return 0
        passed = max(_time(place.number), oldest)
        told = await gateway.history(max(since, oldest), passed)
        new = await self._put(source, told.bodies)
        part = whole if told.passed is None else _place(since, told.passed)
        await self.places.move(tenant, name, part)
        return new

    async def _put(self, source: Source, bodies: Sequence[bytes]) -> int:
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
                    received_at=self.wall(),
                )
                new += await self.inbox.put(arrival)
        return new


def _place(since: datetime, passed: datetime) -> Place:
    return Place(_FOLDER, _milliseconds(since), _milliseconds(passed))


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // _A_MILLISECOND


def _time(milliseconds: int) -> datetime:
    return _EPOCH + milliseconds * _A_MILLISECOND
