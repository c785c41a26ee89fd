"""Whoever drafts an answer to a reply."""

from __future__ import annotations

from typing import Protocol

from outreach.domain.drafting import Draft, Request
from outreach.domain.ids import TenantId

__all__ = ["Drafter"]


class Drafter(Protocol):
    """Drafts from templates; it sends nothing and decides nothing.

    Promises:
    - a draft names a template that was offered, or none;
    - a draft fills only slots that its template declares;
    - any reply is drafted for, and nothing is raised;
    - where nothing is offered nothing is drafted.

    What could not be drafted is a draft with a doubt: a person answers.
    """

    async def draft(self, request: Request, *, tenant: TenantId) -> Draft | None:
        """Draft an answer; None: there is nothing to draft from."""
        ...
