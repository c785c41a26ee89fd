"""Bounds of provider accounts, over SQL functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from attrs import frozen

from outreach.adapters.postgres.docs import jsonb, plan_of, times
from outreach.adapters.postgres.pool import Database
from outreach.domain.allowance import UNBOUND, Allowance, Use
from outreach.domain.health import AccountHealth, Health, HealthState
from outreach.domain.ids import AccountId, SenderId, TenantId
from outreach.ports.accounts import AccountView

__all__ = ["PostgresAccounts"]


@frozen
class PostgresAccounts:
    """Implements `outreach.ports.accounts.Accounts`; see functions/accounts.sql."""

    database: Database

    async def allow(
        self, tenant: TenantId, account: AccountId, allowance: Allowance
    ) -> None:
        await self.database.rows(
            "SELECT allow_account(%s, %s, %s, %s, %s)",
            (
                account,
                allowance.rate,
                allowance.burst,
                allowance.per_day,
                allowance.per_month,
            ),
            tenant=tenant,
        )

    async def told(
        self, tenant: TenantId, account: AccountId, uses: Sequence[Use]
    ) -> None:
        docs = [
            {"period": one.period, "used": one.used, "limit": one.limit} for one in uses
        ]
        await self.database.rows(
            "SELECT vendor_told(%s, %s)", (account, jsonb(docs)), tenant=tenant
        )

    async def view(self, tenant: TenantId, account: AccountId) -> AccountView:
        (row,) = await self.database.rows(
            "SELECT account_doc(%s) AS doc, engine_now() AS now",
            (account,),
            tenant=tenant,
        )
        doc: Mapping[str, Any] | None = row["doc"]
        if doc is None:
            return AccountView(account, UNBOUND, row["now"], None, ())
        at = doc["room_at"]
        return AccountView(
            account=account,
            allowance=Allowance(
                doc["rate"], doc["burst"], doc["per_day"], doc["per_month"]
            ),
            now=datetime.fromisoformat(doc["now"]),
            room_at=None if at is None else datetime.fromisoformat(at),
            plans=tuple(plan_of(plan) for plan in doc["plans"]),
        )

    async def health(self, tenant: TenantId) -> Sequence[AccountHealth]:
        docs = await self.database.values("SELECT health_docs()", tenant=tenant)
        return [
            AccountHealth(
                account=AccountId(UUID(doc["account"])),
                provider=doc["provider"],
                health=health(doc),
                now=datetime.fromisoformat(doc["now"]),
                moved=doc["moved"],
            )
            for doc in docs
        ]

    async def move_on(self, tenant: TenantId, account: AccountId, limit: int) -> int:
        moved: int = await self.database.value(
            "SELECT move_on(%s, %s)", (account, limit), tenant=tenant
        )
        return moved


def health(doc: Mapping[str, Any]) -> Health:
    """A record as `health_docs` and rows of account_health tell it."""
    lane = doc["lane"]
    return Health(
        state=HealthState(doc["state"]),
        score=doc["score"],
        since=times(doc["since"]),
        until=times(doc["until"]),
        tries=doc["tries"],
        why=doc["why"],
        refused_at=times(doc["refused_at"]),
        lane=None if lane is None else SenderId(UUID(lane)),
        token=doc["token"],
    )
