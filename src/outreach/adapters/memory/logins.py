"""Logins of mailboxes, in memory."""

from __future__ import annotations

from attrs import field, frozen

from outreach.domain.ids import SenderId, TenantId
from outreach.domain.login import Login

__all__ = ["MemoryLogins"]


@frozen
class MemoryLogins:
    """Implements `outreach.ports.logins.Logins`.

    Attributes:
        kept: of all tenants.
    """

    tenant: TenantId
    kept: dict[tuple[TenantId, SenderId], Login] = field(factory=dict, repr=False)

    async def login(self, sender: SenderId) -> Login | None:
        return self.kept.get((self.tenant, sender))

    async def keep(self, sender: SenderId, login: Login) -> None:
        self.kept[self.tenant, sender] = login
