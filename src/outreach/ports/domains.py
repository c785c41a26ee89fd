"""Domains that mail is sent from, as a provider knows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

from attrs import frozen

__all__ = ["NOT_READY", "AccountDomain", "ChecksDomains", "ExaminesDomains"]

NOT_READY: Final = "its domain is not ready: "
"""Begins the reason of a sender that an examined domain keeps OFFLINE."""


@frozen
class AccountDomain:
    """A domain as the provider lists it.

    Attributes:
        name: lower case, ASCII.
        ready: mail from its addresses is taken.
        says: the provider's word for it.
    """

    name: str
    ready: bool
    says: str = ""


@runtime_checkable
class ChecksDomains(Protocol):
    """Sends from any address of domains that were verified.

    Promises:
    - every domain of the account is listed, and whether it is ready;
    - a provider that cannot be asked is Unavailable, one that refuses us is
      Misconfigured.
    """

    async def domains(self) -> Sequence[AccountDomain]:
        """All domains of the account.

        Raises:
            Unavailable: the provider could not be asked.
            Misconfigured: it does not accept our credentials.
        """
        ...


@runtime_checkable
class ExaminesDomains(Protocol):
    """Sends from domains of our own, and finds out whether others believe them.

    Promises:
    - each domain that could be asked about has a verdict, and what is wrong with it;
    - one that could not be asked about has none;
    - if none could be asked about, it is Unavailable.
    """

    async def examine(self, names: Sequence[str]) -> Sequence[AccountDomain]:
        """What is wrong with the domains of these names (lower case, ASCII).

        A verdict may be as old as a day where it was good.

        Raises:
            Unavailable: nothing could be asked.
        """
        ...
