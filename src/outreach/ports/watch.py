"""What the calls of each sender say of it, for who decides whether it goes on."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from outreach.domain.ids import AccountId, AttemptId, SenderId, TenantId
from outreach.domain.signs import Said, Signs

__all__ = ["Watch"]


class Watch(Protocol):
    """A record per sender, written by the ledger and by what comes in.

    Promises:
    - each call counts once, in the commit that ends it, whoever ends it;
    - many messages in one call count as one, and as lost if any of them is;
    - too many calls without an outcome leave a duty in the same commit;
    - the same calls do not ask for a second pause;
    - three accepted sends that are not answered are due for a look 30 minutes after
      the first;
    - what comes back from a phone ends the wait, and asks for its release;
    - news that is none does not count as an answer;
    - a lane that is refused for an hour is due for a look, and again when it is served;
    - a sender that is at work again starts anew;
    - what the end of a call says of its sender leaves a duty in the same commit, and
      is told until it is carried out.
    """

    async def signs(self, tenant: TenantId, sender: SenderId) -> Signs:
        """The record; an empty one if there was no call yet."""
        ...

    async def refused_since(
        self, tenant: TenantId, account: AccountId
    ) -> datetime | None:
        """Since when (engine time) a lane of the account is refused, the longest."""
        ...

    async def said(self, tenant: TenantId, attempt: AttemptId) -> Said | None:
        """What the end of that call said; None: nothing, or it is carried out."""
        ...

    async def carried_out(self, tenant: TenantId, attempt: AttemptId) -> None:
        """It is not told any more."""
        ...
