"""What mailboxes of our own sign in with."""

from __future__ import annotations

from typing import Protocol

from outreach.domain.ids import SenderId
from outreach.domain.login import Login

__all__ = ["Logins"]


class Logins(Protocol):
    """The logins of one tenant's mailboxes.

    Promises:
    - what was kept last is what is found;
    - a mailbox without one has none;
    - another tenant's login is not found;
    - a login is shown in no repr.
    """

    async def login(self, sender: SenderId) -> Login | None:
        """How that mailbox signs in; None: as the pool does.

        Raises:
            Unavailable: the store did not answer.
            Misconfigured: it was sealed with a key that is not there any more.
        """
        ...

    async def keep(self, sender: SenderId, login: Login) -> None:
        """Store it, instead of what was there.

        Raises:
            Unavailable: the store did not answer.
        """
        ...
