"""Campaigns that providers run for us, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from attrs import asdict, field, frozen

from outreach.adapters.postgres import docs, facts
from outreach.adapters.postgres.docs import jsonb
from outreach.adapters.postgres.pool import Database
from outreach.domain.ids import AccountId, CampaignId, HostedId, StepId, TenantId
from outreach.domain.provider_campaign import (
    CampaignCounts,
    HostedCampaign,
    Hosting,
)
from outreach.domain.window import Hours, Window

__all__ = ["PostgresHostedCampaigns"]


@frozen
class PostgresHostedCampaigns:
    """Implements `outreach.ports.hosting.HostedCampaigns`; functions/hosting.sql."""

    database: Database
    hours: Hours = field(factory=Hours)

    async def get(self, tenant: TenantId, hosted: HostedId) -> HostedCampaign | None:
        docs = await self.database.values(
            "SELECT hosted_doc(h) FROM provider_campaigns h WHERE h.id = %s",
            (hosted,),
            tenant=tenant,
        )
        return self._hosted(docs[0]) if docs else None

    async def of_campaign(
        self, tenant: TenantId, campaign: CampaignId
    ) -> Sequence[HostedCampaign]:
        docs = await self.database.values(
            """
            SELECT hosted_doc(h) FROM provider_campaigns h
             WHERE h.campaign_id = %s ORDER BY h.created_at, h.id
            """,
            (campaign,),
            tenant=tenant,
        )
        return [self._hosted(doc) for doc in docs]

    async def told(self, hosted: HostedCampaign, now: Hosting) -> None:
        doc = {
            "ref": now.ref,
            "hold": now.hold,
            "says": now.says,
            "until": now.until,
            "takes": now.takes_leads,
        }
        await self.database.rows(
            "SELECT told_hosted(%s, %s)", (hosted.id, jsonb(doc)), tenant=hosted.tenant
        )

    async def at_provider(
        self, tenant: TenantId, account: AccountId
    ) -> Sequence[HostedCampaign]:
        docs = await self.database.values(
            """
            SELECT hosted_doc(h) FROM provider_campaigns h
             WHERE h.account_id = %s AND h.ref <> '' ORDER BY h.created_at, h.id
            """,
            (account,),
            tenant=tenant,
        )
        return [self._hosted(doc) for doc in docs]

    async def counted(
        self, tenant: TenantId, account: AccountId, counts: Sequence[CampaignCounts]
    ) -> None:
        await self.database.rows(
            "SELECT count_hosted(%s, %s)",
            (account, jsonb([asdict(one) for one in counts])),
            tenant=tenant,
        )

    def _hosted(self, doc: Mapping[str, Any]) -> HostedCampaign:
        zones = tuple(doc["zones"] or ("UTC",))
        return HostedCampaign(
            id=HostedId(UUID(doc["id"])),
            tenant=TenantId(facts.known_id(doc["tenant"])),
            account=AccountId(facts.known_id(doc["account"])),
            campaign=CampaignId(facts.known_id(doc["campaign"])),
            step=StepId(facts.known_id(doc["step"])),
            sequence=doc["sequence"],
            number=doc["number"],
            window=Window(zones, self.hours, country=doc["country"] or ""),
            hosting=docs.hosting(doc["hosting"]),
            now=datetime.fromisoformat(doc["now"]),
            shut=doc["shut"],
            resume=doc["resume"],
        )
