"""Carry out what a reviewer decided."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from outreach.domain.answer import Answer, answered
from outreach.domain.change import Change, Done
from outreach.domain.errors import NotFound, Stale
from outreach.domain.ids import LeadId, TenantId
from outreach.domain.timing import Timing
from outreach.ports.bell import Bell
from outreach.ports.journeys import Journeys

__all__ = ["AnswerReview"]

_CONFLICTS: Final = 5


@frozen
class AnswerReview:
    """Load, decide, compare and set; a status that came in between is no reason to
    refuse, a message from the prospect is.
    """

    journeys: Journeys
    bell: Bell
    timing: Timing = Timing()

    async def __call__(self, tenant: TenantId, lead: LeadId, answer: Answer) -> Change:
        """The change that was committed.

        Raises:
            NotFound, Stale, Refused, IllegalTransition: see `answered`.
        """
        for _ in range(_CONFLICTS):
            known = await self.journeys.load(tenant, [lead])
            if not known:
                message = f"there is no lead {lead}"
                raise NotFound(message)
            change = answered(known[0], answer, undo=self.timing.undo)
            (done,) = await self.journeys.commit([change])
            if done is not Done.CONFLICT:
                await self.bell.ring()
                return change
        message = f"lead {lead} keeps changing: look at the item again"
        raise Stale(message)
