"""Consents, over one truth in memory."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen

from outreach.adapters.memory.store import MemoryStore
from outreach.domain.channel import Channel
from outreach.domain.consent import Consent, ConsentKind, Standing
from outreach.domain.errors import NotFound
from outreach.domain.ids import ConsentId, LeadId, TenantId

__all__ = ["MemoryConsents", "standing"]


@frozen
class MemoryConsents:
    """Implements `outreach.ports.consents.Consents`."""

    store: MemoryStore

    async def add(
        self,
        tenant: TenantId,
        lead: LeadId,
        channel: Channel,
        kind: ConsentKind,
        *,
        text: str,
        source: str,
        by: str,
    ) -> Consent:
        """Under the next id of the store."""
        await self.store.pause()
        store = self.store
        _check(store, tenant, lead)
        address = _address(store, lead, channel)
        if not address:
            message = f"lead {lead} has nothing to be reached by on {channel}"
            raise NotFound(message)
        proven = kind is ConsentKind.PROVEN
        consent = Consent(
            id=ConsentId(store.ids()),
            lead=lead,
            channel=channel,
            kind=kind,
            address=address,
            text=text,
            source=source,
            by=by,
            asked_at=store.now,
            confirmed_at=store.now if proven else None,
        )
        store.agreed.consents.setdefault(lead, []).append(consent)
        return consent

    async def confirm(self, tenant: TenantId, consent: ConsentId) -> bool:
        """Found by looking through all."""
        await self.store.pause()
        for lead, kept in self.store.agreed.consents.items():
            for place, one in enumerate(kept):
                ours = self.store.lead_tenants[lead] == tenant
                if one.id == consent and ours and one.confirmable(self.store.now):
                    at = one.confirmed_at or self.store.now
                    kept[place] = evolve(one, confirmed_at=at)
                    return True
        return False

    async def withdraw(
        self, tenant: TenantId, lead: LeadId, channel: Channel, *, by: str
    ) -> int:
        """The lead is another from now on, so that no draft made before is armed."""
        del by
        await self.store.pause()
        store = self.store
        _check(store, tenant, lead)
        kept = store.agreed.consents.get(lead, [])
        ended = 0
        for place, one in enumerate(kept):
            if one.covers(channel) and one.withdrawn_at is None:
                kept[place] = evolve(one, withdrawn_at=store.now)
                ended += 1
        if ended:
            store.keep_journey(store.journey(lead))
        return ended

    async def of(self, tenant: TenantId, lead: LeadId) -> Sequence[Consent]:
        """As they were added."""
        await self.store.pause()
        if self.store.lead_tenants.get(lead) != tenant:
            return []
        return list(self.store.agreed.consents.get(lead, []))


def standing(store: MemoryStore, lead: LeadId, channel: Channel) -> Standing:
    """What the policy looks at."""
    facts = store.leads[lead]
    return Standing(
        country=facts.country,
        address=_address(store, lead, channel),
        legal_basis=facts.legal_basis,
        consents=tuple(store.agreed.consents.get(lead, ())),
    )


def _address(store: MemoryStore, lead: LeadId, channel: Channel) -> str:
    facts = store.leads[lead]
    return facts.phone if channel is Channel.WHATSAPP else facts.email


def _check(store: MemoryStore, tenant: TenantId, lead: LeadId) -> None:
    if store.lead_tenants.get(lead) != tenant:
        message = f"no lead has the id {lead}"
        raise NotFound(message)
