"""The kill switches, over one truth in memory."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from attrs import frozen

from outreach.adapters.memory.stopping import pause, unpause
from outreach.adapters.memory.store import MemoryStore
from outreach.adapters.memory.suppressing import suppress
from outreach.domain.ids import CampaignId, TenantId
from outreach.domain.suppression import Suppression, Switch, SwitchScope

__all__ = ["MemorySwitches"]


@frozen
class MemorySwitches:
    """Implements `outreach.ports.switches.Switches`."""

    store: MemoryStore

    async def throw(
        self, tenant: TenantId, scope: SwitchScope, of: str, *, reason: str, by: str
    ) -> Switch:
        """One that is thrown stays as it was thrown first."""
        await self.store.pause()
        switch = Switch(scope, of, reason, by, self.store.now)
        key = _key(tenant, scope, of)
        if scope is SwitchScope.CAMPAIGN and key not in self.store.switches:
            pause(self.store, tenant, CampaignId(UUID(of)), "BREAKER_OPEN")
        return self.store.switches.setdefault(key, switch)

    async def lift(
        self, tenant: TenantId, scope: SwitchScope, of: str, *, reason: str, by: str
    ) -> bool:
        """What it stopped is due as it was."""
        await self.store.pause()
        switch = self.store.switches.pop(_key(tenant, scope, of), None)
        if switch is None:
            return False
        lifted = Switch(scope, of, reason, by, self.store.now)
        self.store.lifted.append((switch, lifted))
        if scope is SwitchScope.CAMPAIGN:
            unpause(self.store, CampaignId(UUID(of)))
        return True

    async def thrown(self, tenant: TenantId) -> Sequence[Switch]:
        """Those that concern the tenant, oldest first."""
        await self.store.pause()
        return self.store.switches_of(tenant)

    async def suppress(
        self, tenant: TenantId, suppressions: Sequence[Suppression]
    ) -> int:
        """And nothing waits for these addresses any more."""
        await self.store.pause()
        return suppress(self.store, tenant, suppressions)

    async def suppressed(self, tenant: TenantId) -> Sequence[Suppression]:
        """By address, the tenant's own first."""
        await self.store.pause()
        lists = (self.store.suppressions.get(of, {}) for of in (tenant, None))
        return [found[key] for found in lists for key in sorted(found)]


def _key(
    tenant: TenantId, scope: SwitchScope, of: str
) -> tuple[TenantId | None, SwitchScope, str]:
    return (None if scope is SwitchScope.ALL else tenant, scope, of)
