"""Everything periodic, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from outreach.adapters.postgres.docs import jsonb
from outreach.adapters.postgres.pool import Database
from outreach.domain.change import Duty, DutyKind
from outreach.domain.ids import Incarnation, TenantId
from outreach.domain.timing import Timing

__all__ = ["PostgresDuties"]


@frozen
class PostgresDuties:
    """Implements `outreach.ports.duties.Duties`."""

    database: Database
    timing: Timing = Timing()

    async def put(self, duties: Sequence[Duty]) -> None:
        docs = [
            {"kind": d.kind, "key": d.key, "tenant": d.tenant, "due_at": d.due_at}
            for d in duties
        ]
        await self.database.rows(
            """
            SELECT put_duty(x ->> 'kind', x ->> 'key', (x ->> 'tenant')::uuid,
                            (x ->> 'due_at')::timestamptz)
              FROM jsonb_array_elements(%s) AS x
            """,
            (jsonb(docs),),
        )

    async def take(self, who: Incarnation, limit: int) -> Sequence[Duty]:
        rows = await self.database.rows(
            "SELECT * FROM take_duties(%s, %s, %s)", (who, limit, self.timing.lease)
        )
        return sorted(
            (
                Duty(
                    DutyKind(row["kind"]),
                    row["key"],
                    TenantId(row["tenant_id"]),
                    row["due_at"],
                    row["taken_at"],
                )
                for row in rows
            ),
            key=lambda duty: (duty.due_at, duty.kind, duty.key),
        )

    async def done(self, duty: Duty, again: datetime | None) -> None:
        await self.database.rows(
            "SELECT end_duty(%s, %s, %s, %s)", (duty.kind, duty.key, duty.now, again)
        )
