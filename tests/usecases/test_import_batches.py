"""How an import stores its rows, and how a person finds them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from uuid import UUID

import pytest
from attrs import define, field

from outreach.adapters.contacts import LibraryContacts
from outreach.adapters.files import MappingRows
from outreach.adapters.memory.clock import MemoryClock
from outreach.adapters.memory.leads import MemoryLeads
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.errors import AnswerLost
from outreach.domain.ids import TenantId
from outreach.domain.lead import NewLead
from outreach.domain.lead_file import (
    ImportId,
    ImportOptions,
    ImportReport,
    Rejected,
    Stored,
)
from outreach.domain.usecases.find_lead import FindLead
from outreach.domain.usecases.import_leads import BATCH, ImportLeads
from outreach.ports.leads import TakesLeads

TENANT = TenantId(UUID(int=1))
CONTACTS = LibraryContacts()
ROMANIA = ImportOptions("RO")

Row = Mapping[str, object]


@define
class Kept:
    """Rejects in memory."""

    rows: list[Rejected] = field(factory=list)

    @property
    def path(self) -> str | None:
        return "kept" if self.rows else None

    def add(self, rejected: Rejected, columns: Sequence[str]) -> None:
        assert columns
        self.rows.append(rejected)


def store() -> MemoryLeads:
    ids = count(1)
    return MemoryLeads(MemoryStore(MemoryClock(), lambda: UUID(int=next(ids))))


async def take(
    leads: TakesLeads,
    *rows: Row,
    options: ImportOptions = ROMANIA,
    rejects: Kept | None = None,
    run: int = 1,
) -> ImportReport:
    return await ImportLeads(leads, CONTACTS)(
        TENANT,
        MappingRows.of(rows),
        run=ImportId(UUID(int=run)),
        options=options,
        rejects=rejects or Kept(),
    )


@define
class Watching:
    """A store that counts, and loses an answer when told to."""

    inner: TakesLeads
    lose_at: int = 0
    sizes: list[int] = field(factory=list)

    async def store(
        self, tenant: TenantId, batch: Sequence[NewLead], *, run: ImportId
    ) -> Sequence[Stored]:
        self.sizes.append(len(batch))
        answers = await self.inner.store(tenant, batch, run=run)
        if len(self.sizes) == self.lose_at:
            message = "the connection broke"
            raise AnswerLost(message)
        return answers


ROWS = [{"tel": f"07221{n:05d}", "email": f"{n}@b.ro"} for n in range(BATCH * 2 + 7)]


async def test_rows_are_stored_in_batches() -> None:
    watching = Watching(store())

    report = await take(watching, *ROWS)

    assert watching.sizes == [BATCH, BATCH, 7]
    assert report.imported == len(ROWS)


async def test_an_import_cut_off_goes_on_when_repeated() -> None:
    leads = store()
    with pytest.raises(AnswerLost):
        await take(Watching(leads, lose_at=2), *ROWS)

    report = await take(leads, *ROWS, run=2)

    assert (report.unchanged, report.imported) == (BATCH * 2, 7)
    assert await leads.count(TENANT) == len(ROWS)


@pytest.mark.parametrize(
    "words",
    ["0722 123 456", "+40722123456", "0040 722 123 456", "Ion@B.ro", "RO14399840"],
)
async def test_a_lead_is_found_by_what_a_person_types(words: str) -> None:
    leads = store()
    await take(leads, {"tel": "0722123456", "email": "ion@b.ro", "cui": "14399840"})

    found = await FindLead(leads, CONTACTS)(TENANT, words, region="RO")

    assert [lead.phone for lead in found] == ["+40722123456"]


async def test_what_nobody_typed_finds_nobody() -> None:
    assert not await FindLead(store(), CONTACTS)(TENANT, "0722", region="RO")
