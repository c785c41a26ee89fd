"""What has piled up in the store, for `status` and `doctor`: heads of indexes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from outreach.adapters.postgres.pool import Database
from outreach.domain.ids import TenantId

__all__ = ["Backlog", "OpenReviews", "backlog", "sequences"]


@frozen
class OpenReviews:
    """Open items of one priority.

    Attributes:
        overdue: past their SLA.
        first_due: of the one due first.
    """

    items: int
    overdue: int
    first_due: datetime


@frozen
class Backlog:
    """Work that waits.

    Attributes:
        now: engine time.
        machine: the server's clock.
        position: where a scaled clock stands; None: engine time is real time.
        oldest_event: when the oldest event that waits came in.
        parked: events that could not be applied so far.
        doubts: attempts whose outcome is looked up.
        abandoned: attempts whose outcome will never be known.
        reviews: by priority.
    """

    now: datetime
    machine: datetime
    position: datetime | None
    oldest_event: datetime | None
    parked: int
    doubts: int
    abandoned: int
    reviews: Mapping[str, OpenReviews]


async def backlog(database: Database, tenant: TenantId) -> Backlog:
    """Read it.

    Raises:
        Unavailable: the store does not answer.
    """
    (row,) = await database.rows(
        """
        SELECT engine_now() AS now, clock_timestamp() AS machine,
               (SELECT position FROM engine_clock) AS position,
               (SELECT min(received_at) FROM event_keys
                 WHERE status = 'WAITING') AS oldest_event,
               (SELECT count(*) FROM event_keys
                 WHERE status = 'PARKED') AS parked,
               (SELECT count(*) FROM attempts
                 WHERE tenant_id = current_tenant() AND outcome = 'UNKNOWN') AS doubts,
               (SELECT count(*) FROM attempts WHERE tenant_id = current_tenant()
                   AND outcome = 'ABANDONED') AS abandoned
        """,
        tenant=tenant,
    )
    reviews = await database.rows(
        """
        SELECT priority, count(*) AS items, min(sla_due_at) AS first_due,
               count(*) FILTER (WHERE sla_due_at <= engine_now()) AS overdue
          FROM human_review_queue
         WHERE tenant_id = current_tenant() AND status <> 'RESOLVED'
         GROUP BY priority
        """,
        tenant=tenant,
    )
    found = {
        one["priority"]: OpenReviews(one["items"], one["overdue"], one["first_due"])
        for one in reviews
    }
    return Backlog(**row, reviews=found)


async def sequences(database: Database, tenant: TenantId) -> int:
    """How many active sequences there are."""
    count: int = await database.value(
        "SELECT count(*) FROM outreach_sequences WHERE is_active", tenant=tenant
    )
    return count
