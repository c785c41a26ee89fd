"""Find the lead that a person means by a few words."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from outreach.domain.ids import TenantId
from outreach.domain.lead import LeadSummary, Phone
from outreach.ports.contacts import Contacts
from outreach.ports.leads import Leads

__all__ = ["FindLead"]


@frozen
class FindLead:
    """Look for an id or its start, a phone in any writing, an address or a CUI."""

    leads: Leads
    contacts: Contacts

    async def __call__(
        self, tenant: TenantId, words: str, *, region: str
    ) -> Sequence[LeadSummary]:
        """Leads that *words* may mean; none if there is none.

        Args:
            tenant: whose leads.
            words: as typed.
            region: ISO 3166 alpha-2, for a number without a country code.
        """
        found = await self.leads.find(tenant, words)
        if found:
            return found
        phone = self.contacts.phone(words, region=region)
        if isinstance(phone, Phone):
            return await self.leads.find(tenant, phone.e164)
        return ()
