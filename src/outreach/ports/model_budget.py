"""How many calls a tenant's model may still have."""

from __future__ import annotations

from typing import Protocol

from outreach.domain.ids import TenantId

__all__ = ["ModelBudget"]


class ModelBudget(Protocol):
    """Calls of a tenant per minute and per day, counted over all workers.

    Promises:
    - no more calls are allowed in a minute than the minute's limit;
    - no more calls are allowed in a day than the day's limit;
    - a new minute allows calls again, a day that is used up does not;
    - one tenant's calls use up nothing of another's;
    - of many who ask at once no more than the limit are allowed.

    A minute, and a day of 24 hours, begin with their first call (machine time).
    """

    async def take(self, tenant: TenantId) -> bool:
        """Take one call; False: none is left.

        Raises:
            Unavailable: the store does not answer.
        """
        ...
