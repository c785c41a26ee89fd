"""Tell a provider to stop, again and again, until it confirms."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from outreach.domain.errors import NotFound
from outreach.domain.ids import AccountId, StopId, TenantId
from outreach.domain.stop import Stop, StopKind, next_try, overdue
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.gateway import Again, Confirmed, TakesBack
from outreach.ports.stops import Stops

__all__ = ["CarryOutStops"]

_KIND: Final = "stop.unconfirmed"


@frozen
class CarryOutStops:
    """One try of one stop, as its duty comes due.

    Attributes:
        takers: accounts whose gateway can take back, by id.
        accounts: all that this process has a gateway for: one of these that cannot
            take back holds nothing that could be.
    """

    stops: Stops
    takers: Mapping[AccountId, TakesBack]
    accounts: Collection[AccountId]
    alerts: Alerts

    async def __call__(self, tenant: TenantId, stop_id: StopId) -> datetime | None:
        """When to try again (engine time); None: it is confirmed, or not wanted."""
        stop = await self.stops.get(tenant, stop_id)
        if stop is None:
            # Confirmed meanwhile, or a person made it needless: nobody need look.
            await self.alerts.over(_KIND, str(stop_id))
            return None
        try:
            answer = await self._ask(stop)
        except NotFound as error:
            # Of the provider's own things: it ends no duty of ours, which repeats.
            answer = Again(f"not found: {error}")
        except Exception as error:
            # Whatever it was, the provider has not confirmed, and people must know.
            await self._unconfirmed(stop, Again(f"defect: {type(error).__name__}"))
            raise
        if isinstance(answer, Confirmed):
            if not _proves_nothing(stop):
                await self.stops.confirm(stop, answer.detail)
                await self.alerts.over(_KIND, str(stop.id))
                return None
            answer = Again("the call may still be under way")
        return await self._unconfirmed(stop, answer)

    async def _ask(self, stop: Stop) -> Confirmed | Again:
        taker = self.takers.get(stop.account)
        if taker is not None:
            return await taker.stop(stop)
        if stop.account in self.accounts:
            return Confirmed("this provider holds nothing")
        return Again("no gateway for this account")

    async def _unconfirmed(self, stop: Stop, answer: Again) -> datetime:
        after = evolve(stop, tries=stop.tries + 1, detail=answer.why)
        if overdue(stop) and not stop.alerted:
            minutes = (stop.now - stop.at) // timedelta(minutes=1)
            says = (
                f"{stop.kind} ({stop.cause}) is not confirmed by its provider after "
                f"{minutes} min and {after.tries} tries: {answer.why}"
            )
            await self.alerts.raise_(Alert(_KIND, str(stop.id), says))
            after = evolve(after, alerted=True)
        await self.stops.tried(after)
        return next_try(stop, answer.retry_after)


def _proves_nothing(stop: Stop) -> bool:
    """That a provider lacks a message which may be on its way to it."""
    return stop.in_doubt and stop.kind is StopKind.WITHDRAW
