"""Leads and the keys they are known by; rows are merged here, written in sets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from attrs import define, field, frozen

from outreach.adapters.postgres.docs import jsonb
from outreach.adapters.postgres.pool import Database
from outreach.domain.ids import LeadId, TenantId
from outreach.domain.lead import (
    TEXT_FIELDS,
    Email,
    Lead,
    LeadSummary,
    NewLead,
    Phone,
    meant,
    summary,
)
from outreach.domain.lead_file import ImportId, RowOutcome, Stored
from outreach.domain.lead_merge import claims, fold, made

__all__ = ["PostgresLeads", "lead"]

_MOST_FOUND: Final = 20
_ID_DIGITS: Final = 32


@frozen
class PostgresLeads:
    """Implements `outreach.ports.leads.Leads`; see functions/leads.sql."""

    database: Database

    async def store(
        self, tenant: TenantId, batch: Sequence[NewLead], *, run: ImportId
    ) -> Sequence[Stored]:
        if not batch:
            return []
        kinds, values = _split({key for row in batch for key in row.keys})
        async with self.database.connection(tenant) as connection:
            # One import at a time looks up keys and takes them.
            await connection.execute(
                "SELECT lock_names(ARRAY['leads:' || current_tenant()])"
            )
            found = await connection.execute(
                "SELECT leads_with(%s, %s)", (kinds, values)
            )
            shelf = _Shelf(tenant, run)
            for (doc,) in await found.fetchall():
                shelf.put(lead(doc))
                if doc["run"] == str(run):
                    shelf.ours.add(LeadId(UUID(doc["id"])))
            answers = [shelf.take(row) for row in batch]
            if shelf.changed:
                docs = [_lead_doc(shelf.leads[one]) for one in shelf.changed]
                await connection.execute(
                    "SELECT keep_leads(%s, %s)", (jsonb(docs), run)
                )
        return answers

    async def known(self, tenant: TenantId, keys: Collection[str]) -> Sequence[Lead]:
        docs = await self.database.values(
            "SELECT leads_with(%s, %s)", _split(keys), tenant=tenant
        )
        return [lead(doc) for doc in docs]

    async def page(
        self, tenant: TenantId, *, after: LeadId | None, limit: int
    ) -> Sequence[Lead]:
        docs = await self.database.values(
            """
            SELECT stored_lead(d) FROM leads d WHERE d.tenant_id = %s AND d.id > %s
             ORDER BY d.id LIMIT %s
            """,
            (tenant, after or UUID(int=0), limit),
            tenant=tenant,
        )
        return [lead(doc) for doc in docs]

    async def find(self, tenant: TenantId, words: str) -> Sequence[LeadSummary]:
        keys, start = meant(words.replace("\0", ""))
        # An id range that holds nothing, unless the words are the start of an id.
        first = UUID(start.ljust(_ID_DIGITS, "0")) if start else UUID(int=1)
        last = UUID(start.ljust(_ID_DIGITS, "f")) if start else UUID(int=0)
        docs = await self.database.values(
            "SELECT find_leads(%s, %s, %s, %s, %s)",
            (*_split(keys), first, last, _MOST_FOUND),
            tenant=tenant,
        )
        return [summary(lead(doc)) for doc in docs]

    async def count(self, tenant: TenantId) -> int:
        count: int = await self.database.value(
            "SELECT coalesce((tallied('lead') ->> '')::bigint, 0)", tenant=tenant
        )
        return count


@define
class _Shelf:
    """The leads that a batch touches, as it is folded into them row by row.

    Attributes:
        ours: made or last changed by this import.
        changed: to be stored, in the order in which they were first touched.
    """

    tenant: TenantId
    run: ImportId
    leads: dict[LeadId, Lead] = field(factory=dict)
    owners: dict[str, LeadId] = field(factory=dict)
    ours: set[LeadId] = field(factory=set)
    changed: dict[LeadId, None] = field(factory=dict)

    def put(self, lead: Lead) -> None:
        self.leads[lead.id] = lead
        for key in lead.keys:
            self.owners.setdefault(key, lead.id)

    def change(self, lead: Lead) -> None:
        self.put(lead)
        self.ours.add(lead.id)
        self.changed[lead.id] = None

    def take(self, row: NewLead) -> Stored:
        target, foreign = claims(row, self.owners)
        if target is None:
            new = made(self.tenant, row)
            self.change(new)
            return Stored(RowOutcome.IMPORTED, new.id)
        folded = fold(self.leads[target], row, foreign)
        if folded.changed:
            self.change(folded.lead)
        outcome = RowOutcome.MERGED if target in self.ours else RowOutcome.UNCHANGED
        return Stored(outcome, target, folded.warnings)


def _split(keys: Iterable[str]) -> tuple[list[str], list[str]]:
    """Kinds and values of keys, as two columns."""
    kinds: list[str] = []
    values: list[str] = []
    for key in keys:
        kind, _, value = key.partition(":")
        kinds.append(kind)
        values.append(value)
    return kinds, values


def lead(doc: Mapping[str, Any]) -> Lead:
    """From ``stored_lead``."""
    points = doc["points"]
    cuis = tuple([p["value"] for p in points if p["kind"] == "cui"])
    return Lead(
        id=LeadId(UUID(doc["id"])),
        other_cuis=tuple([cui for cui in cuis if cui != doc["cui"]]),
        phones=tuple([_phone(p) for p in points if p["kind"] == "phone"]),
        emails=tuple([_email(p) for p in points if p["kind"] == "email"]),
        zones=tuple(doc["zones"]),
        tags=tuple(doc["tags"]),
        custom_fields=doc["custom"],
        version=doc["version"],
        **{name: doc[name] for name in TEXT_FIELDS},
    )


def _phone(point: Mapping[str, Any]) -> Phone:
    facts = point["facts"]
    return Phone(
        point["value"], facts["region"], tuple(facts["zones"]), facts["mobile"]
    )


def _email(point: Mapping[str, Any]) -> Email:
    facts = point["facts"]
    return Email(point["value"], facts["role"], facts["country"])


def _lead_doc(lead: Lead) -> dict[str, Any]:
    cuis = (lead.cui, *lead.other_cuis) if lead.cui else lead.other_cuis
    points: list[tuple[str, str, int, Mapping[str, Any]]] = [
        ("cui", cui, rank, {}) for rank, cui in enumerate(cuis)
    ]
    points += [
        ("phone", phone.e164, rank, _phone_doc(phone))
        for rank, phone in enumerate(lead.phones)
    ]
    points += [
        ("email", email.address, rank, _email_doc(email))
        for rank, email in enumerate(lead.emails)
    ]
    doc: dict[str, Any] = {name: getattr(lead, name) for name in TEXT_FIELDS}
    return doc | {
        "id": str(lead.id),
        "zones": lead.zones,
        "tags": lead.tags,
        "custom": lead.custom_fields,
        "version": lead.version,
        "points": points,
    }


def _phone_doc(phone: Phone) -> dict[str, Any]:
    return {"region": phone.region, "zones": phone.zones, "mobile": phone.mobile}


def _email_doc(email: Email) -> dict[str, Any]:
    return {"role": email.role, "country": email.country}
