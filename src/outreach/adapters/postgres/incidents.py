"""Incidents and calls of models, shared by all workers."""

from __future__ import annotations

from attrs import frozen

from outreach.adapters.postgres.pool import Database
from outreach.domain.ids import TenantId
from outreach.domain.timing import TELL_AGAIN

__all__ = ["PostgresIncidents", "PostgresModelBudget"]


@frozen
class PostgresIncidents:
    """Implements `outreach.ports.incidents.Incidents`; see functions/incidents.sql."""

    database: Database

    async def open(self, kind: str, about: str) -> bool:
        first: bool = await self.database.value(
            "SELECT open_incident(%s, %s, %s)", (kind, about, TELL_AGAIN)
        )
        return first

    async def told(self, kind: str, about: str) -> None:
        await self.database.rows(
            """
            UPDATE incidents SET told_on = clock_timestamp()
             WHERE kind = %s AND about = %s
            """,
            (kind, about),
        )

    async def close(self, kind: str, about: str) -> bool:
        rows = await self.database.rows(
            "DELETE FROM incidents WHERE kind = %s AND about = %s RETURNING kind",
            (kind, about),
        )
        return bool(rows)


@frozen
class PostgresModelBudget:
    """Implements `outreach.ports.model_budget.ModelBudget`."""

    database: Database
    per_minute: int
    per_day: int

    async def take(self, tenant: TenantId) -> bool:
        may: bool = await self.database.value(
            "SELECT take_model_call(%s, %s, %s)",
            (tenant, self.per_minute, self.per_day),
            tenant=tenant,
        )
        return may
