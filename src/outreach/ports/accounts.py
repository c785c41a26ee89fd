"""What a provider lets each account do, and how far it is used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from outreach.domain.allowance import Allowance, PlanBudget, Use
from outreach.domain.health import AccountHealth
from outreach.domain.ids import AccountId, TenantId

__all__ = ["AccountView", "Accounts"]


@frozen
class AccountView:
    """One account. Times are engine time.

    Attributes:
        room_at: when a call can be made again; None: now.
        plans: of the present day and month, where something bounds them.
    """

    account: AccountId
    allowance: Allowance
    now: datetime
    room_at: datetime | None
    plans: tuple[PlanBudget, ...]


class Accounts(Protocol):
    """Bounds of provider accounts, held over all workers.

    Promises:
    - of an account no more lanes are claimed than its bucket holds calls, whoever asks;
    - an account that is empty wakes its lanes when there is room again, and not before;
    - a claim that makes no call gives its call back, once;
    - many messages in one call are one call of the bucket;
    - no more messages are armed than a plan has left, whoever asks;
    - a full plan closes all lanes of its account until its period ends;
    - what was not sent gives its place in the plan back;
    - what the vendor tells of its use counts where it is more than ours;
    - a plan of which 80 % are used leaves a duty, once per period;
    - an account without bounds costs no write;
    - how well an account of warm mail serves is counted in the commit that ends a call;
    - an account that is away is given one call at a time, once it is to be tried;
    - a claim that was to try an account and makes no call is tried again;
    - what is provably not accepted goes on from an account that ails, and what waits
      from one that is away, if another one takes it;
    - what may have been accepted stays;
    - a conversation stays with its sender until the account is away.
    """

    async def allow(
        self, tenant: TenantId, account: AccountId, allowance: Allowance
    ) -> None:
        """Bound it so from now on; what a lower bound had closed is asked for again."""
        ...

    async def told(
        self, tenant: TenantId, account: AccountId, uses: Sequence[Use]
    ) -> None:
        """What the vendor counts of the present day and month."""
        ...

    async def view(self, tenant: TenantId, account: AccountId) -> AccountView:
        """How far it is used; of an account that nobody bounded: nothing."""
        ...

    async def health(self, tenant: TenantId) -> Sequence[AccountHealth]:
        """Every account with an enabled sender of warm mail, by provider and id."""
        ...

    async def move_on(self, tenant: TenantId, account: AccountId, limit: int) -> int:
        """Have what waits for an account that is away wait for another sender.

        Answers how many leads' messages that was, 0 of an account that serves; they are
        due for a dispatch at once.
        """
        ...
