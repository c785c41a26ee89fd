"""How far our mailboxes were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from outreach.adapters.postgres.pool import Database
from outreach.domain.ids import AccountId, TenantId, account_id
from outreach.ports.places import Place

__all__ = ["PostgresPlaces"]


@frozen
class PostgresPlaces:
    """Implements `outreach.ports.places.Places`."""

    database: Database

    async def account(self, tenant: TenantId, provider: str, name: str) -> AccountId:
        await self.database.rows(
            """
            INSERT INTO provider_accounts (id, tenant_id, provider, name)
            VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id
            """,
            (account_id(tenant, provider, name), tenant, provider, name),
            tenant=tenant,
        )
        return AccountId(
            await self.database.value(
                "SELECT id FROM provider_accounts WHERE provider = %s AND name = %s",
                (provider, name),
                tenant=tenant,
            )
        )

    async def of(
        self, tenant: TenantId, mailboxes: Sequence[str]
    ) -> Mapping[str, Sequence[Place]]:
        rows = await self.database.rows(
            """
            SELECT mailbox, folder, numbering, number FROM mailbox_places
             WHERE mailbox = ANY (%s) ORDER BY mailbox, folder
            """,
            (list(mailboxes),),
            tenant=tenant,
        )
        found: dict[str, list[Place]] = {}
        for row in rows:
            place = Place(row["folder"], row["numbering"], row["number"])
            found.setdefault(row["mailbox"], []).append(place)
        return found

    async def move(self, tenant: TenantId, mailbox: str, place: Place) -> None:
        await self.database.rows(
            """
            INSERT INTO mailbox_places AS p (tenant_id, mailbox, folder, numbering,
                                             number)
            VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (tenant_id, mailbox, folder) DO UPDATE
               SET numbering = excluded.numbering, number = excluded.number,
                   moved_on = clock_timestamp()
             WHERE p.numbering <> excluded.numbering OR p.number < excluded.number
            RETURNING mailbox
            """,
            (tenant, mailbox, place.folder, place.numbering, place.number),
            tenant=tenant,
        )
