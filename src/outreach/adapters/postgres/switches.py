"""The kill switches, and addresses that get nothing."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from outreach.adapters.postgres import facts
from outreach.adapters.postgres.docs import jsonb
from outreach.adapters.postgres.pool import Database
from outreach.domain.ids import TenantId
from outreach.domain.suppression import Suppression, Switch, SwitchScope

__all__ = ["PostgresSwitches"]


@frozen
class PostgresSwitches:
    """Implements `outreach.ports.switches.Switches`; see functions/senders.sql.

    Whoever throws waits for sends that are being armed, and those that come later
    see the switch: nothing is armed after its commit.
    """

    database: Database

    async def throw(
        self, tenant: TenantId, scope: SwitchScope, of: str, *, reason: str, by: str
    ) -> Switch:
        doc = await self.database.value(
            "SELECT throw_switch(%s, %s, %s, %s)",
            (scope, of, reason, by),
            tenant=tenant,
        )
        return facts.switch(doc)

    async def lift(
        self, tenant: TenantId, scope: SwitchScope, of: str, *, reason: str, by: str
    ) -> bool:
        lifted: bool = await self.database.value(
            "SELECT lift_switch(%s, %s, %s, %s)", (scope, of, reason, by), tenant=tenant
        )
        return lifted

    async def thrown(self, tenant: TenantId) -> Sequence[Switch]:
        docs = await self.database.values(
            """
            SELECT switch_doc(s) FROM switches s WHERE s.lifted_at IS NULL
             ORDER BY s.thrown_at, s.id
            """,
            tenant=tenant,
        )
        return [facts.switch(doc) for doc in docs]

    async def suppress(
        self, tenant: TenantId, suppressions: Sequence[Suppression]
    ) -> int:
        docs = [
            {
                "key": str(one.key),
                "reason": one.reason,
                "by": one.by,
                "at": one.at,
                "everywhere": one.everywhere,
            }
            for one in suppressions
        ]
        new: int = await self.database.value(
            "SELECT suppress(%s)", (jsonb(docs),), tenant=tenant
        )
        return new

    async def suppressed(self, tenant: TenantId) -> Sequence[Suppression]:
        docs = await self.database.values(
            """
            SELECT jsonb_build_object('kind', s.kind, 'value', s.value,
                     'reason', s.reason, 'by', s.caused_by, 'at', s.at,
                     'everywhere', s.tenant_id IS NULL)
              FROM suppressions s
            """,
            tenant=tenant,
        )
        found = [facts.suppression(doc) for doc in docs]
        return sorted(found, key=lambda one: (one.everywhere, one.key))
