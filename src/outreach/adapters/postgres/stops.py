"""What providers must be told not to send any more, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from attrs import frozen

from outreach.adapters.postgres.pool import Database
from outreach.domain.ids import AccountId, LeadId, StopId, TenantId
from outreach.domain.stop import Stop, StopKind

__all__ = ["PostgresStops"]

_MOST: Final = 100


@frozen
class PostgresStops:
    """Implements `outreach.ports.stops.Stops`; see functions/stops.sql."""

    database: Database

    async def get(self, tenant: TenantId, stop: StopId) -> Stop | None:
        docs = await self.database.values(
            """
            SELECT stop_doc(s) FROM stops s
             WHERE s.id = %s AND s.confirmed_at IS NULL
            """,
            (stop,),
            tenant=tenant,
        )
        return _stop(docs[0]) if docs else None

    async def tried(self, stop: Stop) -> None:
        await self.database.rows(
            """
            UPDATE stops
               SET tries = %s, detail = %s,
                   alerted_at = CASE WHEN %s THEN coalesce(alerted_at, engine_now())
                                     ELSE alerted_at END
             WHERE id = %s AND confirmed_at IS NULL RETURNING id
            """,
            (stop.tries, stop.detail, stop.alerted, stop.id),
            tenant=stop.tenant,
        )

    async def confirm(self, stop: Stop, detail: str) -> None:
        await self.database.rows(
            """
            UPDATE stops SET confirmed_at = engine_now(), detail = %s, tries = %s
             WHERE id = %s AND confirmed_at IS NULL RETURNING id
            """,
            (detail, stop.tries + 1, stop.id),
            tenant=stop.tenant,
        )

    async def unconfirmed(
        self, tenant: TenantId, lead: LeadId | None = None
    ) -> Sequence[Stop]:
        docs = await self.database.values(
            """
            SELECT stop_doc(s) FROM stops s
             WHERE s.tenant_id = current_tenant() AND s.confirmed_at IS NULL
               AND (%s::uuid IS NULL OR s.lead_id = %s)
             ORDER BY s.caused_at, s.id LIMIT %s
            """,
            (lead, lead, _MOST),
            tenant=tenant,
        )
        return [_stop(doc) for doc in docs]


def _stop(doc: Mapping[str, Any]) -> Stop:
    lead = doc["lead"]
    return Stop(
        id=StopId(UUID(doc["id"])),
        tenant=TenantId(UUID(doc["tenant"])),
        account=AccountId(UUID(doc["account"])),
        kind=StopKind(doc["kind"]),
        about=doc["about"],
        cause=doc["cause"],
        at=datetime.fromisoformat(doc["at"]),
        now=datetime.fromisoformat(doc["now"]),
        lead=None if lead is None else LeadId(UUID(lead)),
        ref=doc["ref"],
        to=doc["to"],
        in_doubt=doc["in_doubt"],
        tries=doc["tries"],
        alerted=doc["alerted"],
        detail=doc["detail"],
    )
