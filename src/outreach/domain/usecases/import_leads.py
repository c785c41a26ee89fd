"""Take a file of leads in: clean its rows, merge them with what is stored, report."""

from __future__ import annotations

from collections import Counter
from typing import Final

from attrs import define, field, frozen

from outreach.domain.errors import Misconfigured
from outreach.domain.ids import TenantId
from outreach.domain.lead import Flaw, NewLead
from outreach.domain.lead_columns import Columns
from outreach.domain.lead_file import (
    FlawCount,
    ImportId,
    ImportOptions,
    ImportReport,
    Rejected,
    RowOutcome,
)
from outreach.domain.usecases.clean_row import CleanRow
from outreach.ports.contacts import Contacts
from outreach.ports.leads import LeadTable, Rejects, TakesLeads

__all__ = ["BATCH", "ImportLeads"]

BATCH: Final = 500
"""Rows stored in one call."""
_ROWS_NAMED: Final = 5


@frozen
class ImportLeads:
    """Import a table, row by row, in batches; a bad row never stops the good ones.

    Nothing is kept of a row once it is stored, so the size of a file does not matter.
    Cut off at any moment, what was stored is whole rows; importing the file again
    goes on from there.
    """

    leads: TakesLeads
    contacts: Contacts

    async def __call__(
        self,
        tenant: TenantId,
        table: LeadTable,
        *,
        run: ImportId,
        options: ImportOptions,
        rejects: Rejects,
    ) -> ImportReport:
        """Import *table* for *tenant*.

        Args:
            tenant: whose leads they become.
            table: the file; read once.
            run: a new id for this import.
            options: region for numbers, mapping of columns, what rows leave open.
            rejects: takes the refused rows.

        Raises:
            Misconfigured: the default region is no country.
            MissingColumns: no column holds contact points, or the mapping is wrong.
            Unavailable, AnswerLost: of the store; import the file again.
        """
        region = options.region
        if not region or self.contacts.country(region) != region:
            message = (
                f"default region {region!r} is no country: give two capital "
                f"letters of ISO 3166 such as RO"
            )
            raise Misconfigured(message)
        columns = Columns.of(table.columns, options.mapping)
        clean = CleanRow(self.contacts, columns, options)
        tally = _Tally()
        batch: list[NewLead] = []
        for row in table:
            if len(table.columns) > len(columns.headers):
                columns.extend(table.columns)
            tally.rows += 1
            lead = clean(row)
            if isinstance(lead, Rejected):
                tally.rejected += 1
                rejects.add(lead, table.columns)
                continue
            batch.append(lead)
            if len(batch) == BATCH:
                await self._store(tenant, batch, run, tally)
                batch = []
        if batch:
            await self._store(tenant, batch, run, tally)
        return tally.report(table, columns, rejects)

    async def _store(
        self, tenant: TenantId, batch: list[NewLead], run: ImportId, tally: _Tally
    ) -> None:
        answers = await self.leads.store(tenant, batch, run=run)
        for lead, stored in zip(batch, answers, strict=True):
            tally.outcomes[stored.outcome] += 1
            tally.note(lead.row, lead.warnings + stored.warnings)


@define
class _Tally:
    rows: int = 0
    rejected: int = 0
    outcomes: Counter[RowOutcome] = field(factory=Counter)
    # Flaws name a column and a reason of a small set: few, however long the file.
    flaws: Counter[Flaw] = field(factory=Counter)
    first: dict[Flaw, list[int]] = field(factory=dict)

    def note(self, row: int, flaws: tuple[Flaw, ...]) -> None:
        for flaw in flaws:
            self.flaws[flaw] += 1
            rows = self.first.setdefault(flaw, [])
            if len(rows) < _ROWS_NAMED:
                rows.append(row)

    def report(
        self, table: LeadTable, columns: Columns, rejects: Rejects
    ) -> ImportReport:
        return ImportReport(
            rows=self.rows,
            imported=self.outcomes[RowOutcome.IMPORTED],
            merged=self.outcomes[RowOutcome.MERGED],
            unchanged=self.outcomes[RowOutcome.UNCHANGED],
            rejected=self.rejected,
            rejects_file=rejects.path,
            warnings=tuple(
                [
                    FlawCount(flaw.column, flaw.reason, count, tuple(self.first[flaw]))
                    for flaw, count in self.flaws.most_common()
                ],
            ),
            columns=columns.named,
            unknown_columns=columns.unknown,
            duplicate_columns=tuple(columns.duplicates),
            notes=tuple(table.notes),
        )
