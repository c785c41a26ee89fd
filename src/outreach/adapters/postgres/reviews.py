"""What waits for a person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from attrs import evolve, frozen

from outreach.adapters.postgres.docs import review
from outreach.adapters.postgres.pool import Database
from outreach.domain.errors import NotFound
from outreach.domain.ids import ReviewId, TenantId
from outreach.domain.review import Priority
from outreach.ports.reviews import Audited, Line, ReviewView

__all__ = ["PostgresReviews"]

_START_OF_ID: Final = re.compile(r"[0-9a-f-]{1,36}")


@frozen
class PostgresReviews:
    """Implements `outreach.ports.reviews.Reviews`; see functions/people.sql."""

    database: Database

    async def queue(
        self, tenant: TenantId, *, limit: int, priority: Priority | None = None
    ) -> Sequence[ReviewView]:
        docs = await self.database.values(
            """
            SELECT review_view(r) FROM human_review_queue r
             WHERE r.tenant_id = %s AND r.status <> 'RESOLVED'
               AND (r.snoozed_until IS NULL OR r.snoozed_until <= engine_now())
               AND r.priority = coalesce(%s, r.priority)
             ORDER BY rank_of(r.priority) DESC, r.sla_due_at, r.id LIMIT %s
            """,
            (tenant, priority, limit),
            tenant=tenant,
        )
        return [_view(doc) for doc in docs]

    async def get(self, tenant: TenantId, words: str) -> ReviewView:
        start = words.lower() if _START_OF_ID.fullmatch(words.lower()) else None
        docs = await self.database.values(
            """
            SELECT review_view(r) || review_story(r) FROM human_review_queue r
             WHERE r.tenant_id = %s AND starts_with(r.id::text, %s) LIMIT 2
            """,
            (tenant, start),
            tenant=tenant,
        )
        if len(docs) != 1:
            many = "no review item is" if not docs else "several items are"
            message = f"{many} meant by {words!r}: give more of its id"
            raise NotFound(message)
        return evolve(
            _view(docs[0]),
            conversation=tuple([_line(line) for line in docs[0]["lines"]]),
            audit=tuple([_audited(line) for line in docs[0]["audit"]]),
        )

    async def claim(
        self, tenant: TenantId, review: ReviewId, who: str, lease: timedelta
    ) -> bool:
        claimed: bool = await self.database.value(
            "SELECT claim_review(%s, %s, %s)", (review, who, lease), tenant=tenant
        )
        return claimed


def _view(doc: Mapping[str, Any]) -> ReviewView:
    return ReviewView(
        item=review(doc["item"]),
        company=doc["company"],
        contact=doc["contact"],
        recipient=doc["recipient"],
        state=doc["state"],
        now=datetime.fromisoformat(doc["now"]),
    )


def _line(doc: Mapping[str, Any]) -> Line:
    return Line(
        at=datetime.fromisoformat(doc["at"]),
        inbound=doc["inbound"],
        channel=doc["channel"],
        text=doc["text"],
        status=doc["status"],
    )


def _audited(doc: Mapping[str, Any]) -> Audited:
    return Audited(
        at=datetime.fromisoformat(doc["at"]),
        action=doc["action"],
        by=doc["by"],
        before=doc["before"],
        after=doc["after"],
        notes=doc["notes"],
    )
