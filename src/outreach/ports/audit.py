"""The invariants over a live ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from outreach.domain.auditing import Finding, SendFact
from outreach.domain.budget import UnitSlot
from outreach.domain.ids import AttemptId, TenantId

__all__ = ["Audit", "Cursor"]

Cursor = tuple[datetime, AttemptId]
"""Where a page of sends ended."""


class Audit(Protocol):
    """Looks for what must not be there, behind everybody's back.

    *since* is engine time and bounds what is read of sends, events and moves; live
    enrolments, lanes and duties are looked at as they stand.

    Promises:
    - a healthy world has no findings;
    - each check finds what breaks it, and names it;
    - a tenant's audit tells nothing of another;
    - what began before *since* is not told;
    - sends come page by page in the order they were armed, without those that a
      person has allowed;
    - a finding is news until it is recorded.
    """

    async def findings(self, tenant: TenantId, since: datetime) -> Sequence[Finding]:
        """What the checks that a store can make by itself find, all of them.

        What is overdue is told only if it was so at the last recorded audit, too: an
        outage that has just ended is no breach. At most 100 findings of each check.
        """
        ...

    async def sends(
        self, tenant: TenantId, since: datetime, after: Cursor | None, limit: int
    ) -> Sequence[SendFact]:
        """Messages that may have arrived and needed an open window."""
        ...

    async def slots(self, tenant: TenantId) -> Sequence[UnitSlot]:
        """Today's slots of the tenant's phones that hold units."""
        ...

    async def news(
        self, tenant: TenantId, findings: Sequence[Finding]
    ) -> Sequence[Finding]:
        """Those that no recorded audit has found, in order."""
        ...

    async def record(
        self,
        tenant: TenantId,
        findings: Sequence[Finding],
        news: Sequence[Finding],
        *,
        by: str,
    ) -> None:
        """Keep that an audit took place, and what it found, after it was acted upon."""
        ...
