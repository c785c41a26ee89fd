"""Where leads are kept, and what a file of leads is to the core."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from outreach.domain.ids import LeadId, TenantId
from outreach.domain.lead import Lead, LeadSummary, NewLead
from outreach.domain.lead_file import ImportId, RawRow, Rejected, Stored

__all__ = ["LeadTable", "Leads", "Rejects", "TakesLeads"]


class TakesLeads(Protocol):
    """Where an import puts its rows: a store, or a rehearsal of one."""

    async def store(
        self, tenant: TenantId, batch: Sequence[NewLead], *, run: ImportId
    ) -> Sequence[Stored]:
        """Take a batch, all of it or none; one answer per row, in order.

        Raises:
            Unavailable: nothing was stored.
            AnswerLost: perhaps all of it was; storing it again loses nothing.
        """
        ...


class Leads(TakesLeads, Protocol):
    """The leads of every tenant.

    Promises:
    - a row without a known key makes a lead, whose id is derived from tenant and key;
    - a row with a known key is folded as `outreach.domain.lead_merge` says;
    - a batch is taken in order, and a row sees the rows before it;
    - a row that repeats what this import made or changed is MERGED;
    - a row that adds nothing to an older lead is UNCHANGED;
    - the same batch again, in another import, changes nothing;
    - a key belongs to one lead of a tenant, however many imports race;
    - a row that names two leads joins neither and loses no contact point;
    - tenants do not see each other;
    - a lead is found by id, the start of its id, phone, address and CUI;
    - asking changes nothing.
    """

    async def known(self, tenant: TenantId, keys: Collection[str]) -> Sequence[Lead]:
        """The leads that hold any of these keys, each once, by id."""
        ...

    async def page(
        self, tenant: TenantId, *, after: LeadId | None, limit: int
    ) -> Sequence[Lead]:
        """The next leads by id; fewer than *limit* at the end, none after it."""
        ...

    async def find(self, tenant: TenantId, words: str) -> Sequence[LeadSummary]:
        """Leads that *words* may mean, by id, at most 20.

        Args:
            tenant: whose.
            words: a lead id or its first characters (at least 4), an E.164 phone, an
                address in any case, or a CUI with or without ``RO``.
        """
        ...

    async def count(self, tenant: TenantId) -> int:
        """How many leads there are."""
        ...


class LeadTable(Protocol):
    """A file of leads, read once from front to back.

    Promises:
    - `columns` are known before the first row and only grow;
    - rows are numbered upwards, and blank ones are left out;
    - a row whose shape is broken is still a row.
    """

    @property
    def columns(self) -> Sequence[str]:
        """Headers so far; a broken row may have more cells, a short one fewer."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What people should know about the file as a whole."""
        ...

    def __iter__(self) -> Iterator[RawRow]:
        """The rows."""
        ...


class Rejects(Protocol):
    """Where refused rows go."""

    @property
    def path(self) -> str | None:
        """Name of the file; None as long as no row was refused."""
        ...

    def add(self, rejected: Rejected, columns: Sequence[str]) -> None:
        """Keep one row with its reason and its cells as written."""
        ...
