"""What waits for a person, over one truth in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from attrs import evolve, frozen

from outreach.adapters.memory import knowing, reviewing
from outreach.adapters.memory.rows import LogRow, ReviewRow
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.errors import NotFound
from outreach.domain.ids import ReviewId, TenantId
from outreach.domain.review import Priority, ReviewStatus
from outreach.domain.stop import HOLDING
from outreach.ports.reviews import Line, ReviewView

__all__ = ["MemoryReviews"]


@frozen
class MemoryReviews:
    """Implements `outreach.ports.reviews.Reviews`."""

    store: MemoryStore

    async def queue(
        self, tenant: TenantId, *, limit: int, priority: Priority | None = None
    ) -> Sequence[ReviewView]:
        """Open items that are not snoozed."""
        await self.store.pause()
        now = self.store.now
        rows = [
            row
            for row in self.store.reviews.values()
            if row.item.tenant == tenant
            and row.item.is_open
            and (row.item.snoozed_until is None or row.item.snoozed_until <= now)
            and priority in {None, row.item.priority}
        ]
        rows.sort(
            key=lambda row: (
                -row.item.priority.rank,
                row.item.sla_due_at,
                row.item.id,
            )
        )
        return [_view(self.store, row) for row in rows[:limit]]

    async def get(self, tenant: TenantId, words: str) -> ReviewView:
        """With everything."""
        await self.store.pause()
        found = [
            row
            for row in self.store.reviews.values()
            if row.item.tenant == tenant
            and words
            and str(row.item.id).startswith(words.lower())
        ]
        if len(found) != 1:
            many = "no review item is" if not found else f"{len(found)} items are"
            message = f"{many} meant by {words!r}: give more of its id"
            raise NotFound(message)
        row = found[0]
        lines = self.store.log_of.get(row.item.lead, [])
        return evolve(
            _view(self.store, row),
            conversation=tuple(_line(line) for line in _in_order(lines)),
            audit=tuple(row.audit),
        )

    async def claim(
        self, tenant: TenantId, review: ReviewId, who: str, lease: timedelta
    ) -> bool:
        """Again by the same person: the lease begins anew."""
        await self.store.pause()
        now = self.store.now
        row = self.store.reviews.get(review)
        if row is None or row.item.tenant != tenant or not row.item.is_open:
            return False
        if row.item.at_work(now) and row.claimed_by != who:
            return False
        row.claimed_by = who
        item = evolve(row.item, claimed_until=now + lease)
        if item.status is ReviewStatus.PENDING:
            item = evolve(item, status=ReviewStatus.ASSIGNED)
        reviewing.keep(self.store, item, "CLAIMED", who)
        return True


def _view(store: MemoryStore, row: ReviewRow) -> ReviewView:
    lead = store.leads[row.item.lead]
    wrote = knowing.wrote(store, lead.id)
    mailed = wrote is not None and wrote.channel in HOLDING
    return ReviewView(
        item=row.item,
        company=lead.company_name,
        contact=lead.contact_name,
        recipient=(lead.email or lead.phone) if mailed else (lead.phone or lead.email),
        state=str(store.journey(lead.id).state),
        now=store.now,
    )


def _in_order(rows: list[LogRow]) -> list[LogRow]:
    return sorted(rows, key=lambda row: row.at)


def _line(row: LogRow) -> Line:
    return Line(row.at, row.inbound, str(row.channel), row.text, str(row.status or ""))
