"""A person finds that a mail had not come back after all."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from outreach.domain.amends import unbounced
from outreach.domain.change import Done
from outreach.domain.errors import NotFound, Unavailable
from outreach.domain.ids import LeadId, TenantId
from outreach.ports.journeys import Journeys

__all__ = ["TakeBackBounce"]

_CONFLICTS: Final = 5


@frozen
class TakeBackBounce:
    """Undoes what every returned mail of one lead did."""

    journeys: Journeys

    async def __call__(
        self, tenant: TenantId, lead: LeadId, *, by: str, why: str
    ) -> int:
        """Answers how many mails that were.

        Args:
            by, why: who says so and what they know; kept in the transition log.

        Raises:
            NotFound: there is no such lead, or no mail of it came back.
            Unavailable: somebody else kept changing the lead; nothing was changed.
        """
        for _ in range(_CONFLICTS):
            found = await self.journeys.load(tenant, [lead])
            if not found:
                message = f"no lead has the id {lead}"
                raise NotFound(message)
            change = unbounced(found[0], by=by, why=why)
            (done,) = await self.journeys.commit([change])
            if done is not Done.CONFLICT:
                return len(change.amends)
        message = f"lead {lead} changed {_CONFLICTS} times meanwhile: try again"
        raise Unavailable(message)
