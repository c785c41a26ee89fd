"""Files with known truth: every count is exactly right, and so is every lead."""

from __future__ import annotations

import csv
import io
from itertools import count
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from tests.leadfiles import LeadFile, make

from outreach.adapters.contacts import LibraryContacts
from outreach.adapters.files import RejectsFile, open_table
from outreach.adapters.memory.clock import MemoryClock
from outreach.adapters.memory.leads import MemoryLeads, RehearsedLeads
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.ids import TenantId
from outreach.domain.lead import Lead
from outreach.domain.lead_file import ImportId, ImportOptions, ImportReport
from outreach.domain.usecases.import_leads import ImportLeads
from outreach.ports.leads import TakesLeads

TENANT = TenantId(UUID(int=1))
CONTACTS = LibraryContacts()
SEEDS = range(20)


def _store() -> MemoryLeads:
    ids = count(1)
    return MemoryLeads(MemoryStore(MemoryClock(), lambda: UUID(int=next(ids))))


async def _import(leads: TakesLeads, path: Path, run: int) -> ImportReport:
    with open_table(path) as table, RejectsFile.beside(path) as rejects:
        return await ImportLeads(leads, CONTACTS)(
            TENANT,
            table,
            run=ImportId(UUID(int=run)),
            options=ImportOptions("RO"),
            rejects=rejects,
        )


async def _all(leads: MemoryLeads) -> list[Lead]:
    return list(await leads.page(TENANT, after=None, limit=10_000))


def _counts(report: ImportReport) -> tuple[int, ...]:
    return (
        report.rows,
        report.imported,
        report.merged,
        report.unchanged,
        report.rejected,
    )


@pytest.fixture(params=SEEDS)
def file(request: pytest.FixtureRequest) -> LeadFile:
    return make(request.param)


async def test_counts_and_leads_are_exactly_right(
    file: LeadFile, tmp_path: Path
) -> None:
    path = tmp_path / file.name
    path.write_bytes(file.data)
    leads = _store()

    report = await _import(leads, path, 1)

    expected = (file.rows, file.imported, file.merged, 0, file.rejected)
    assert _counts(report) == expected
    kept = await _all(leads)
    assert {frozenset(lead.keys) for lead in kept} == file.keys
    assert {header for header, _ in report.unknown_columns} == set(file.unknown)


async def test_the_same_file_again_changes_nothing(
    file: LeadFile, tmp_path: Path
) -> None:
    path = tmp_path / file.name
    path.write_bytes(file.data)
    leads = _store()
    first = await _import(leads, path, 1)
    before = await _all(leads)

    again = await _import(leads, path, 2)

    unchanged = first.imported + first.merged
    assert _counts(again) == (file.rows, 0, 0, unchanged, file.rejected)
    assert await _all(leads) == before


async def test_the_rejects_file_holds_the_refused_rows_and_no_other(
    file: LeadFile, tmp_path: Path
) -> None:
    path = tmp_path / file.name
    path.write_bytes(file.data)

    report = await _import(_store(), path, 1)

    assert report.rejects_file is not None
    listed = _listed(Path(report.rejects_file))
    numbers = [int(row["rejected_row"]) for row in listed]
    assert numbers == list(file.rejected_rows)
    assert all(row["rejected_reason"] for row in listed)


async def test_a_rehearsal_counts_the_same_and_stores_nothing(
    file: LeadFile, tmp_path: Path
) -> None:
    path = tmp_path / file.name
    path.write_bytes(file.data)
    leads = _store()

    rehearsed = await _import(RehearsedLeads(leads), path, 1)
    nothing = await leads.count(TENANT)
    real = await _import(leads, path, 2)
    rehearsed_again = await _import(RehearsedLeads(leads), path, 3)

    assert nothing == 0
    assert _counts(rehearsed) == _counts(real)
    unchanged = real.imported + real.merged
    assert _counts(rehearsed_again) == (file.rows, 0, 0, unchanged, file.rejected)


async def test_rows_in_two_files_count_as_in_one(
    file: LeadFile, tmp_path: Path
) -> None:
    other = make(Random(file.name).randint(100, 999))
    leads = _store()
    for name, data in ((file.name, file.data), (f"other-{other.name}", other.data)):
        (tmp_path / name).write_bytes(data)

    first = await _import(leads, tmp_path / file.name, 1)
    second = await _import(leads, tmp_path / f"other-{other.name}", 2)

    assert first.imported + second.imported == await leads.count(TENANT)
    assert second.rows == sum(_counts(second)[1:])


def test_the_files_differ_in_all_that_matters() -> None:
    files = [make(seed) for seed in SEEDS]

    names = {Path(file.name).suffix for file in files}
    heads = {file.data[:2] for file in files}
    assert names == {".csv", ".jsonl"}
    assert b"\xff\xfe" in heads
    assert b"\xef\xbb" in heads
    assert any(_is_no_utf8(file.data) for file in files)
    assert all(file.merged and file.rejected for file in files)


def _listed(path: Path) -> list[dict[str, str]]:
    text = path.read_bytes().decode("utf-8-sig")
    delimiter = text.removeprefix("rejected_row")[0]
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def _is_no_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return not data.startswith(b"\xff\xfe")
    return False
