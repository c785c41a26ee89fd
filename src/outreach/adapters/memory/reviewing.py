"""Opening and changing review items, each change with its audit line."""

from __future__ import annotations

from typing import Final

from attrs import evolve

from outreach.adapters.memory.rows import ReviewRow
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.change import Duty, DutyKind, ReviewChange
from outreach.domain.ids import LeadId
from outreach.domain.review import (
    ReviewCalendar,
    ReviewItem,
    Trigger,
    merge,
)
from outreach.ports.reviews import Audited

__all__ = ["ENGINE", "apply", "conflicts", "keep", "open_item", "open_of"]

ENGINE: Final = "engine"
"""Who opened an item that no person asked for."""


def open_of(store: MemoryStore, lead: LeadId) -> ReviewItem | None:
    """The open item of a lead; there is at most one."""
    items = (store.reviews[of].item for of in store.reviews_of.get(lead, ()))
    return next((item for item in items if item.is_open), None)


def open_item(store: MemoryStore, item: ReviewItem) -> None:
    """Open an item that an outcome asks for, or fold it into the open one."""
    calendar = ReviewCalendar(store.tenants[item.tenant].time_zone)
    known = open_of(store, item.lead)
    if known is None:
        keep(store, item, "OPENED", ENGINE)
    else:
        more = Trigger(item.reason, item.priority, item.trigger, item.communication)
        merged = merge(known, more, at=store.now, calendar=calendar)
        keep(store, merged, "MERGED", ENGINE)
    # Whoever loaded the lead before did not see this item.
    store.keep_journey(store.journey(item.lead))


def conflicts(store: MemoryStore, change: ReviewChange) -> bool:
    """Whether the item is not as it was when the change was made."""
    row = store.reviews.get(change.item.id)
    if row is None:
        other = open_of(store, change.item.lead)
        return change.expected_fingerprint is not None or other is not None
    return (
        not row.item.is_open
        or row.item.fingerprint != change.expected_fingerprint
        or row.item.version > change.item.version
    )


def apply(store: MemoryStore, change: ReviewChange) -> None:
    """Keep the item as it shall be."""
    keep(store, change.item, change.action, change.by, change.notes)


def keep(
    store: MemoryStore, item: ReviewItem, action: str, by: str, notes: str = ""
) -> None:
    """Store an item as it shall be, with the line for its audit log."""
    row = store.reviews.get(item.id)
    if row is None:
        row = store.reviews[item.id] = ReviewRow(item)
        store.reviews_of.setdefault(item.lead, []).append(item.id)
        before = ""
    else:
        before = str(row.item.status)
        row.item = evolve(item, version=row.item.version + 1)
    line = Audited(store.now, action, by, before, str(item.status), notes)
    row.audit.append(line)
    duty = Duty(DutyKind.SLA, str(item.id), item.tenant, item.sla_due_at)
    if item.is_open:
        store.put_duty(duty)
    else:
        store.duties.pop((duty.kind, duty.key), None)
