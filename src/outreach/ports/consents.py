"""What people agreed to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from outreach.domain.channel import Channel
from outreach.domain.consent import Consent, ConsentKind
from outreach.domain.ids import ConsentId, LeadId, TenantId

__all__ = ["Consents"]


class Consents(Protocol):
    """Keeps them for good; none is ever changed but confirmed once and withdrawn once.

    Promises:
    - a consent is kept with its text, source, address and times;
    - what was asked for counts once it is confirmed;
    - confirming again keeps the first time;
    - what was not confirmed in time cannot be any more;
    - a withdrawn consent counts no more, and nothing decided before is armed;
    - a case says what its lead lacks;
    - a page of leads to enrol tells what each agreed to;
    - the consents of another tenant are never seen.
    """

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
        """Record that the lead was asked now, for its present phone or address.

        Raises:
            NotFound: there is no such lead, or it has no address on that channel.
        """
        ...

    async def confirm(self, tenant: TenantId, consent: ConsentId) -> bool:
        """The person has confirmed it; False: there is none that can be."""
        ...

    async def withdraw(
        self, tenant: TenantId, lead: LeadId, channel: Channel, *, by: str
    ) -> int:
        """None of the lead's consents on that channel counts from now on; how many.

        Raises:
            NotFound: there is no such lead.
        """
        ...

    async def of(self, tenant: TenantId, lead: LeadId) -> Sequence[Consent]:
        """All of a lead, oldest first."""
        ...
