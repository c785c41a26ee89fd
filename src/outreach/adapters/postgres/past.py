"""What came in, and the leads as they were, in transactions that only read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from attrs import frozen
from psycopg.rows import dict_row

from outreach.adapters.postgres.docs import jsonb, said
from outreach.adapters.postgres.journeys import wanted
from outreach.adapters.postgres.known import known
from outreach.adapters.postgres.pool import Database
from outreach.domain.address import AddressKey, AddressKind, lead_key
from outreach.domain.channel import State
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import (
    EventId,
    LeadId,
    TenantId,
    review_id,
    unattended_id,
)
from outreach.domain.replay import Asked, EventStatus, Made, Past, Said, Then

__all__ = ["PostgresHistory"]


@frozen
class PostgresHistory:
    """Implements `outreach.ports.past.History`; see functions/replay.sql.

    Ids of events grow with the time they came in, so that pages go by the primary key,
    in the months since then.
    """

    database: Database

    async def page(
        self,
        since: datetime,
        after: EventId | None,
        limit: int,
        *,
        provider: str | None = None,
    ) -> Sequence[Past]:
        rows = await self._read(
            """
            SELECT k.id, k.provider, k.account, k.key, k.type, k.status, k.why,
                   k.tenant_id, k.lead_id, r.raw
              FROM raw_events r
              JOIN event_keys k ON k.id = r.id AND k.received_at = r.received_at
             WHERE r.id > %(after)s AND r.received_at >= %(since)s
               AND (%(provider)s::text IS NULL OR k.provider = %(provider)s)
             ORDER BY r.id LIMIT %(limit)s
            """,
            {
                "after": after or UUID(int=0),
                "since": since,
                "provider": provider,
                "limit": limit,
            },
        )
        return [_past(row) for row in rows]

    async def then(self, read: Sequence[tuple[Past, SystemEvent]]) -> Sequence[Then]:
        asked = [wanted(event) | _ids(past, event) for past, event in read]
        rows = await self._read(
            """
            SELECT replay_doc(x) AS doc
              FROM jsonb_array_elements(%(asked)s) WITH ORDINALITY AS t (x, n)
             ORDER BY n
            """,
            {"asked": jsonb(asked)},
        )
        return [_then(row["doc"]) for row in rows]

    async def _read(
        self, query: str, arguments: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """In a transaction that the server itself lets write nothing."""
        async with self.database.connection() as connection:
            await connection.execute("SET TRANSACTION READ ONLY")
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(query.encode(), arguments)
            return await cursor.fetchall()


def _past(row: Mapping[str, Any]) -> Past:
    tenant, lead = row["tenant_id"], row["lead_id"]
    return Past(
        id=EventId(row["id"]),
        provider=row["provider"],
        account=row["account"],
        key=row["key"],
        type=EventType(row["type"]),
        raw=row["raw"],
        status=EventStatus(row["status"]),
        why=row["why"],
        tenant=None if tenant is None else TenantId(tenant),
        lead=None if lead is None else LeadId(lead),
    )


def _ids(past: Past, event: SystemEvent) -> dict[str, Any]:
    """Of the event, of what it would have made, and what it is stored under."""
    address = event.address
    if address is None and event.lead is not None:
        address = lead_key(event.lead)  # as a link of ours is stored
    alone = None if past.tenant is None else unattended_id(past.tenant, past.id)
    return {
        "id": past.id,
        "review": review_id(f"event/{past.id}"),
        "alone": alone,
        "stored": "" if address is None else str(address),
    }


def _then(doc: Mapping[str, Any]) -> Then:
    lead, made = doc["known"], doc["made"]
    return Then(
        same_address=doc["same_address"],
        known=None if lead is None else known(lead),
        made=None if made is None else _made(made),
    )


def _made(doc: Mapping[str, Any]) -> Made:
    log, asked = doc["said"], doc["asked"]
    return Made(
        moves=tuple((State(before), State(after)) for before, after in doc["moves"]),
        anomaly=doc["anomaly"],
        said=None if log is None else _said(log),
        asked=None if asked is None else Asked(asked["reason"], asked["priority"]),
        suppressed=frozenset(
            (one["kind"], one["reason"]) for one in doc["stops"] if one["own"]
        ),
        known_stops=frozenset(
            AddressKey(AddressKind(one["kind"]), one["value"])
            for one in doc["stops"]
            if not one["own"]
        ),
        answered=doc["answered"],
        bounced=doc["bounced"],
    )


def _said(log: Mapping[str, Any]) -> Said:
    analysis, draft = (None, None) if log["analysis"] is None else said(log["analysis"])
    return Said(log["content"] or "", log["subject"] or "", analysis, draft)
