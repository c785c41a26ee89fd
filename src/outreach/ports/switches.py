"""The kill switches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from outreach.domain.ids import TenantId
from outreach.domain.suppression import Suppression, Switch, SwitchScope

__all__ = ["Switches"]


class Switches(Protocol):
    """Stops everything a switch covers, and addresses for good.

    Promises:
    - nothing a thrown switch covers is armed after its commit;
    - throwing twice keeps the first reason;
    - lifting wakes what the switch had stopped;
    - an open breaker stops its campaign and nothing else;
    - one that opened by what became of its mail stops its mail alone;
    - nothing is armed for a suppressed address after its commit;
    - a suppressed domain suppresses its addresses;
    - a suppressed address suppresses its sub-addresses.
    """

    async def throw(
        self, tenant: TenantId, scope: SwitchScope, of: str, *, reason: str, by: str
    ) -> Switch:
        """Stop what *scope* and *of* cover (see `Switch`)."""
        ...

    async def lift(
        self, tenant: TenantId, scope: SwitchScope, of: str, *, reason: str, by: str
    ) -> bool:
        """Let it go on; False: it was not thrown."""
        ...

    async def thrown(self, tenant: TenantId) -> Sequence[Switch]:
        """What is stopped now."""
        ...

    async def suppress(
        self, tenant: TenantId, suppressions: Sequence[Suppression]
    ) -> int:
        """Suppress addresses, cancel what waits for them; answers how many were new.

        Leads that have such an address become opted out where the reason is an
        opt-out or a complaint.
        """
        ...

    async def suppressed(self, tenant: TenantId) -> Sequence[Suppression]:
        """The tenant's list and the global one."""
        ...
