"""How far our mailboxes were read, and the conversations of provider accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import frozen

from outreach.domain.ids import AccountId, TenantId

__all__ = ["Place", "Places"]


@frozen
class Place:
    """Where reading a folder goes on.

    Attributes:
        folder: ``received`` or ``sent``, whatever the server calls it.
        numbering: of the folder's mails; another one begins anew (RFC 3501, 2.3.1.1).
        number: of the last mail that was read in it; 0: none.
    """

    folder: str
    numbering: int
    number: int


class Places(Protocol):
    """The places of a tenant's mailboxes.

    Promises:
    - a folder that was never read has no place;
    - where it was moved to last, reading goes on;
    - a place moves forward only, while the numbering is the same;
    - another numbering begins anew;
    - each mailbox and each folder has its own, another tenant's is not seen;
    - the account that mail comes in by is there, and again the same.
    """

    async def account(self, tenant: TenantId, provider: str, name: str) -> AccountId:
        """The account that what is read comes in by, made if it is not there."""
        ...

    async def of(
        self, tenant: TenantId, mailboxes: Sequence[str]
    ) -> Mapping[str, Sequence[Place]]:
        """Of each of these mailboxes that was read."""
        ...

    async def move(self, tenant: TenantId, mailbox: str, place: Place) -> None:
        """What is before it is stored, or none of our business.

        Raises:
            Unavailable: the store did not answer.
        """
        ...
