"""The invariants over the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from attrs import field, frozen

from outreach.adapters.postgres.docs import jsonb
from outreach.adapters.postgres.pool import Database
from outreach.domain.auditing import INVARIANTS, Check, Finding, SendFact
from outreach.domain.budget import UnitSlot
from outreach.domain.ids import AttemptId, SenderId, TenantId
from outreach.domain.window import Hours, Window
from outreach.ports.audit import Cursor

__all__ = ["PostgresAudit"]


@frozen
class PostgresAudit:
    """Implements `outreach.ports.audit.Audit`; see functions/audit.sql."""

    database: Database
    hours: Hours = field(factory=Hours)

    async def findings(self, tenant: TenantId, since: datetime) -> Sequence[Finding]:
        rows = await self.database.rows(
            "SELECT * FROM audit(%s)", (since,), tenant=tenant
        )
        return [
            Finding(Check[one["name"]], one["subject"], one["detail"], one["sender"])
            for one in rows
        ]

    async def sends(
        self, tenant: TenantId, since: datetime, after: Cursor | None, limit: int
    ) -> Sequence[SendFact]:
        at, last = after or (None, None)
        docs = await self.database.values(
            "SELECT audit_sends(%s, %s, %s, %s)",
            (since, at, last, limit),
            tenant=tenant,
        )
        return [_send_fact(doc, self.hours) for doc in docs]

    async def slots(self, tenant: TenantId) -> Sequence[UnitSlot]:
        rows = await self.database.rows("SELECT * FROM audit_slots()", tenant=tenant)
        return [UnitSlot(one["sender"], one["day"]) for one in rows]

    async def news(
        self, tenant: TenantId, findings: Sequence[Finding]
    ) -> Sequence[Finding]:
        rows = await self.database.rows(
            """
            SELECT b.name, b.subject FROM unnest(%s::text[], %s::text[])
                AS f (name, subject)
              JOIN audit_breaches b ON b.tenant_id = current_tenant()
               AND b.name = f.name AND b.subject = f.subject
            """,
            (
                [one.check.name for one in findings],
                [one.subject for one in findings],
            ),
            tenant=tenant,
        )
        known = {(row["name"], row["subject"]) for row in rows}
        return [one for one in findings if (one.check.name, one.subject) not in known]

    async def record(
        self,
        tenant: TenantId,
        findings: Sequence[Finding],
        news: Sequence[Finding],
        *,
        by: str,
    ) -> None:
        docs = [
            {
                "name": one.check.name,
                "invariant": INVARIANTS[one.check],
                "subject": one.subject,
                "detail": one.detail,
                "sender": one.sender,
            }
            for one in news
        ]
        await self.database.value(
            "SELECT record_audit(%s, %s, %s)",
            (by, len(findings), jsonb(docs)),
            tenant=tenant,
        )


def _send_fact(doc: Mapping[str, Any], hours: Hours) -> SendFact:
    """From ``audit_sends``; the window carries no holidays."""
    window = Window(tuple(doc["zones"]), hours=hours, country=doc["country"])
    return SendFact(
        AttemptId(UUID(doc["attempt"])),
        SenderId(UUID(doc["sender"])),
        datetime.fromisoformat(doc["called_at"]),
        window,
    )
