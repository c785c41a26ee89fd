"""Consents over SQL functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from attrs import frozen

from outreach.adapters.postgres import docs
from outreach.adapters.postgres.pool import Database
from outreach.domain.channel import Channel
from outreach.domain.consent import CONFIRM_WITHIN, Consent, ConsentKind
from outreach.domain.errors import NotFound
from outreach.domain.ids import ConsentId, LeadId, TenantId

__all__ = ["PostgresConsents"]


@frozen
class PostgresConsents:
    """Implements `outreach.ports.consents.Consents`; see functions/consents.sql.

    Attributes:
        ids: makes the ids of consents.
    """

    database: Database
    ids: Callable[[], UUID]

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
        doc = await self.database.value(
            "SELECT add_consent(%s, %s, %s, %s, %s, %s, %s)",
            (self.ids(), lead, channel, kind, text, source, by),
            tenant=tenant,
        )
        if doc is None:
            message = f"lead {lead} has nothing to be reached by on {channel}"
            raise NotFound(message)
        return docs.consent(doc)

    async def confirm(self, tenant: TenantId, consent: ConsentId) -> bool:
        done: bool = await self.database.value(
            "SELECT confirm_consent(%s, %s)", (consent, CONFIRM_WITHIN), tenant=tenant
        )
        return done

    async def withdraw(
        self, tenant: TenantId, lead: LeadId, channel: Channel, *, by: str
    ) -> int:
        ended: int | None = await self.database.value(
            "SELECT withdraw_consents(%s, %s, %s)", (lead, channel, by), tenant=tenant
        )
        if ended is None:
            message = f"no lead has the id {lead}"
            raise NotFound(message)
        return ended

    async def of(self, tenant: TenantId, lead: LeadId) -> Sequence[Consent]:
        kept = await self.database.value(
            "SELECT consent_docs(%s)", (lead,), tenant=tenant
        )
        return [docs.consent(doc) for doc in kept]
