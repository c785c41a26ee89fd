"""What the calls of each sender say of it."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from outreach.adapters.postgres.pool import Database
from outreach.domain.ids import AccountId, AttemptId, SenderId, TenantId
from outreach.domain.sender import SenderSignal
from outreach.domain.signs import Said, Signs

__all__ = ["PostgresWatch"]


@frozen
class PostgresWatch:
    """Implements `outreach.ports.watch.Watch`; see functions/signs.sql."""

    database: Database

    async def signs(self, tenant: TenantId, sender: SenderId) -> Signs:
        rows = await self.database.rows(
            """
            SELECT calls, token, pause_day AS day, pauses, doubtful_at, unanswered,
                   unanswered_since, refused_since
              FROM sender_signs WHERE sender_id = %s
            """,
            (sender,),
            tenant=tenant,
        )
        return Signs(**rows[0]) if rows else Signs()

    async def refused_since(
        self, tenant: TenantId, account: AccountId
    ) -> datetime | None:
        since: datetime | None = await self.database.value(
            """
            SELECT min(s.refused_since) FROM senders p
              JOIN sender_signs s ON s.sender_id = p.id WHERE p.account_id = %s
            """,
            (account,),
            tenant=tenant,
        )
        return since

    async def said(self, tenant: TenantId, attempt: AttemptId) -> Said | None:
        rows = await self.database.rows(
            """
            SELECT sender_id, signal, detail, signal_until FROM attempts
             WHERE id = %s AND signal IS NOT NULL
            """,
            (attempt,),
            tenant=tenant,
        )
        if not rows:
            return None
        (row,) = rows
        return Said(
            row["sender_id"],
            SenderSignal(row["signal"]),
            row["detail"],
            row["signal_until"],
        )

    async def carried_out(self, tenant: TenantId, attempt: AttemptId) -> None:
        await self.database.rows(
            "UPDATE attempts SET signal = NULL WHERE id = %s", (attempt,), tenant=tenant
        )
