"""Bounds of provider accounts, over SQL functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from outreach.adapters.postgres.docs import jsonb, plan_of
from outreach.adapters.postgres.pool import Database
from outreach.domain.allowance import UNBOUND, Allowance, Use
from outreach.domain.ids import AccountId, TenantId
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
