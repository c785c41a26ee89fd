"""Read by mypy only: everything about leads fits its port."""

from __future__ import annotations

from pathlib import Path

from outreach.adapters.contacts import LibraryContacts
from outreach.adapters.files import MappingRows, RejectsFile
from outreach.adapters.files.delimited import Delimited
from outreach.adapters.memory.leads import MemoryLeads, RehearsedLeads
from outreach.adapters.memory.store import MemoryStore
from outreach.ports.contacts import Contacts
from outreach.ports.leads import Leads, LeadTable, Rejects, TakesLeads


def contacts() -> Contacts:
    return LibraryContacts()


def leads(store: MemoryStore) -> tuple[Leads, TakesLeads]:
    kept = MemoryLeads(store)
    return kept, RehearsedLeads(kept)


def tables(delimited: Delimited) -> tuple[LeadTable, ...]:
    return delimited, MappingRows.of([])


def rejects(path: Path) -> Rejects:
    return RejectsFile(path)
