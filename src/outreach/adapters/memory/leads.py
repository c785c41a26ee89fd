"""Leads over one truth in memory, and a rehearsal of an import over any store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from attrs import define, field, frozen

from outreach.adapters.memory.store import MemoryStore
from outreach.domain.ids import LeadId, TenantId
from outreach.domain.lead import Lead, LeadSummary, NewLead, meant, summary
from outreach.domain.lead_file import ImportId, RowOutcome, Stored
from outreach.domain.lead_merge import claims, fold, made
from outreach.ports.leads import Leads

__all__ = ["MemoryLeads", "RehearsedLeads"]

_MOST_FOUND: Final = 20


@frozen
class _Shelf:
    """The leads of one tenant, wherever they are kept.

    Attributes:
        owner: of a key, or None.
        keep: stores a new or changed lead with its keys.
        runs: the import that made or last changed a lead.
    """

    tenant: TenantId
    leads: Mapping[LeadId, Lead]
    owner: Callable[[str], LeadId | None]
    keep: Callable[[Lead], None]
    runs: dict[LeadId, ImportId]

    def take(self, row: NewLead, run: ImportId) -> Stored:
        found = {key: self.owner(key) for key in row.keys}
        owners = {key: lead for key, lead in found.items() if lead is not None}
        target, foreign = claims(row, owners)
        if target is None:
            lead = made(self.tenant, row)
            self.keep(lead)
            self.runs[lead.id] = run
            return Stored(RowOutcome.IMPORTED, lead.id)
        folded = fold(self.leads[target], row, foreign)
        if folded.changed:
            self.keep(folded.lead)
            self.runs[target] = run
        merged = self.runs.get(target) == run
        outcome = RowOutcome.MERGED if merged else RowOutcome.UNCHANGED
        return Stored(outcome, target, folded.warnings)


@frozen
class MemoryLeads:
    """Implements `outreach.ports.leads.Leads`."""

    memory: MemoryStore
    _runs: dict[LeadId, ImportId] = field(factory=dict, init=False)

    async def store(
        self, tenant: TenantId, batch: Sequence[NewLead], *, run: ImportId
    ) -> Sequence[Stored]:
        """See the port."""
        await self.memory.pause()
        shelf = _Shelf(
            tenant,
            self.memory.leads,
            lambda key: self.memory.points.get((tenant, key)),
            lambda lead: self.memory.keep_lead(tenant, lead),
            self._runs,
        )
        return [shelf.take(row, run) for row in batch]

    async def known(self, tenant: TenantId, keys: Collection[str]) -> Sequence[Lead]:
        """See the port."""
        await self.memory.pause()
        return [self.memory.leads[lead] for lead in self._owners(tenant, keys)]

    async def page(
        self, tenant: TenantId, *, after: LeadId | None, limit: int
    ) -> Sequence[Lead]:
        """See the port."""
        await self.memory.pause()
        ids = [of for of in self._ids(tenant) if after is None or of > after]
        return [self.memory.leads[lead] for lead in sorted(ids)[:limit]]

    async def find(self, tenant: TenantId, words: str) -> Sequence[LeadSummary]:
        """See the port."""
        await self.memory.pause()
        keys, start = meant(words)
        ids = set(self._owners(tenant, keys))
        if start:
            ids |= {of for of in self._ids(tenant) if of.hex.startswith(start)}
        found = [self.memory.leads[lead] for lead in sorted(ids)[:_MOST_FOUND]]
        return [summary(lead) for lead in found]

    async def count(self, tenant: TenantId) -> int:
        """See the port."""
        await self.memory.pause()
        return len(self._ids(tenant))

    def _ids(self, tenant: TenantId) -> list[LeadId]:
        return [of for of, whose in self.memory.lead_tenants.items() if whose == tenant]

    def _owners(self, tenant: TenantId, keys: Collection[str]) -> list[LeadId]:
        points = self.memory.points
        return sorted(
            {points[tenant, key] for key in keys if (tenant, key) in points},
        )


@define
class _Scratch:
    leads: dict[LeadId, Lead] = field(factory=dict)
    owners: dict[str, LeadId] = field(factory=dict)
    runs: dict[LeadId, ImportId] = field(factory=dict)

    def keep(self, lead: Lead) -> None:
        self.leads[lead.id] = lead
        for key in lead.keys:
            self.owners.setdefault(key, lead.id)


@frozen
class RehearsedLeads:
    """Implements `outreach.ports.leads.TakesLeads` and leaves the store as it is.

    Says what an import would do. Keeps the leads it touches in memory until it is
    thrown away.
    """

    leads: Leads
    _scratches: dict[TenantId, _Scratch] = field(factory=dict, init=False)

    async def store(
        self, tenant: TenantId, batch: Sequence[NewLead], *, run: ImportId
    ) -> Sequence[Stored]:
        """See the port; nothing is stored."""
        scratch = self._scratches.setdefault(tenant, _Scratch())
        keys = {key for row in batch for key in row.keys} - scratch.owners.keys()
        for lead in await self.leads.known(tenant, keys):
            if lead.id not in scratch.leads:
                scratch.keep(lead)
        shelf = _Shelf(
            tenant, scratch.leads, scratch.owners.get, scratch.keep, scratch.runs
        )
        return [shelf.take(row, run) for row in batch]
