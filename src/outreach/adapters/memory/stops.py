"""What providers must be told, over one truth in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from outreach.adapters.memory.rows import AttemptRow, StopRow
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.ids import AttemptId, HostedId, LeadId, StopId, TenantId
from outreach.domain.message import Outcome
from outreach.domain.stop import Stop, StopKind

__all__ = ["MemoryStops"]

_MOST: Final = 100
_IN_DOUBT: Final = frozenset({Outcome.CALLING, Outcome.UNKNOWN})


@frozen
class MemoryStops:
    """Implements `outreach.ports.stops.Stops`."""

    store: MemoryStore

    async def get(self, tenant: TenantId, stop: StopId) -> Stop | None:
        """None, once it is confirmed."""
        await self.store.pause()
        row = self._open(tenant, stop)
        return None if row is None else _stop(self.store, row)

    async def tried(self, stop: Stop) -> None:
        """Nothing, if it is confirmed by now."""
        await self.store.pause()
        row = self._open(stop.tenant, stop.id)
        if row is not None:
            row.tries, row.detail = stop.tries, stop.detail
            row.alerted = row.alerted or stop.alerted

    async def confirm(self, stop: Stop, detail: str) -> None:
        """For good."""
        await self.store.pause()
        row = self._open(stop.tenant, stop.id)
        if row is not None:
            row.confirmed_at, row.detail = self.store.now, detail
            row.tries = stop.tries + 1

    async def unconfirmed(
        self, tenant: TenantId, lead: LeadId | None = None
    ) -> Sequence[Stop]:
        """The oldest first."""
        await self.store.pause()
        rows = [
            row
            for row in self.store.stops.values()
            if row.tenant == tenant
            and row.confirmed_at is None
            and (lead is None or row.lead == lead)
        ]
        rows.sort(key=lambda row: (row.at, row.id))
        return [_stop(self.store, row) for row in rows[:_MOST]]

    def _open(self, tenant: TenantId, stop: StopId) -> StopRow | None:
        rows = self.store.stops.values()
        row = next((row for row in rows if row.id == stop), None)
        if row is None or row.tenant != tenant or row.confirmed_at is not None:
            return None
        return row


def _stop(store: MemoryStore, row: StopRow) -> Stop:
    attempt: AttemptRow | None = None
    if row.kind is not StopKind.PAUSE:
        attempt = store.attempts[AttemptId(row.about)]
    return Stop(
        id=row.id,
        tenant=row.tenant,
        account=row.account,
        kind=row.kind,
        about=str(row.about),
        cause=row.cause,
        at=row.at,
        now=store.now,
        lead=row.lead,
        ref=_ref(store, row) if attempt is None else attempt.ref,
        to="" if attempt is None else attempt.parcel.to,
        in_doubt=attempt is not None and attempt.outcome in _IN_DOUBT,
        tries=row.tries,
        alerted=row.alerted,
        detail=row.detail,
    )


def _ref(store: MemoryStore, row: StopRow) -> str:
    """The provider's id of the campaign to pause, if it has one of its own."""
    hosted = store.hosted.get(HostedId(row.about))
    return "" if hosted is None else hosted.hosting.ref
