"""Bounds of provider accounts, over one truth in memory."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from outreach.adapters.memory import metering, relaying
from outreach.adapters.memory.meter import PlanRow
from outreach.adapters.memory.relaying import health_of
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.allowance import UNBOUND, Allowance, Use
from outreach.domain.health import AccountHealth
from outreach.domain.ids import AccountId, TenantId
from outreach.ports.accounts import AccountView

__all__ = ["MemoryAccounts"]


@frozen
class MemoryAccounts:
    """Implements `outreach.ports.accounts.Accounts`."""

    store: MemoryStore

    async def allow(
        self, tenant: TenantId, account: AccountId, allowance: Allowance
    ) -> None:
        """What is bounded as before keeps its level and what is closed."""
        await self.store.pause()
        row = self.store.meters.get(account)
        if row is None and allowance == UNBOUND:
            return
        if row is not None and row.allowance == allowance:
            return
        burst = float(allowance.burst)
        if row is None:
            row = metering.made(self.store, tenant, account)
        elif row.allowance.rate:
            burst = min(burst, metering.level(self.store, row))
        row.level, row.level_on = burst, self.store.machine
        row.allowance, row.opens_at = allowance, None
        for plan in row.plans.values():
            plan.warned = False
        metering.settled(self.store, account, row)

    async def told(
        self, tenant: TenantId, account: AccountId, uses: Sequence[Use]
    ) -> None:
        """Kept beside ours, which may be more by the next look."""
        await self.store.pause()
        row = metering.made(self.store, tenant, account)
        row.told, row.opens_at = True, None
        for use in uses:
            plan = row.plans.setdefault(
                metering.key_of(self.store, use.period), PlanRow()
            )
            plan.told, plan.base = use, plan.used
        metering.settled(self.store, account, row)

    async def view(self, tenant: TenantId, account: AccountId) -> AccountView:
        """Of a stranger's account: nothing."""
        await self.store.pause()
        store, row = self.store, self.store.meters.get(account)
        if row is None or row.tenant != tenant:
            return AccountView(account, UNBOUND, store.now, None, ())
        at, plans = (
            metering.room_at(store, account),
            tuple(metering.plans_of(store, row)),
        )
        return AccountView(account, row.allowance, store.now, at, plans)

    async def health(self, tenant: TenantId) -> Sequence[AccountHealth]:
        """Healthy ones, too."""
        await self.store.pause()
        return health_of(self.store, tenant)

    async def move_on(self, tenant: TenantId, account: AccountId, limit: int) -> int:
        """The earliest due first, lane by lane."""
        await self.store.pause()
        return relaying.move_on(self.store, tenant, account, limit)
