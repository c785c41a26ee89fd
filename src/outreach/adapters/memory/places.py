"""How far our mailboxes were read, over one truth in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import Factory, frozen

from outreach.adapters.memory.store import MemoryStore
from outreach.domain.ids import AccountId, TenantId, account_id
from outreach.ports.places import Place
from outreach.ports.senders import Account

__all__ = ["MemoryPlaces"]


@frozen
class MemoryPlaces:
    """Implements `outreach.ports.places.Places`."""

    store: MemoryStore
    kept: dict[tuple[TenantId, str, str], Place] = Factory(dict)

    async def account(self, tenant: TenantId, provider: str, name: str) -> AccountId:
        """It keeps the id it has."""
        await self.store.pause()
        for one in self.store.accounts.values():
            if (one.tenant, one.provider, one.name) == (tenant, provider, name):
                return one.id
        made = Account(account_id(tenant, provider, name), tenant, provider, name)
        self.store.accounts[made.id] = made
        return made.id

    async def of(
        self, tenant: TenantId, mailboxes: Sequence[str]
    ) -> Mapping[str, Sequence[Place]]:
        """By folder."""
        await self.store.pause()
        found: dict[str, list[Place]] = {}
        for (whose, mailbox, _), place in sorted(self.kept.items(), key=str):
            if whose == tenant and mailbox in mailboxes:
                found.setdefault(mailbox, []).append(place)
        return found

    async def move(self, tenant: TenantId, mailbox: str, place: Place) -> None:
        """Forward, or to another numbering."""
        await self.store.pause()
        key = (tenant, mailbox, place.folder)
        known = self.kept.get(key)
        if (
            known is None
            or known.numbering != place.numbering
            or known.number < place.number
        ):
            self.kept[key] = place
