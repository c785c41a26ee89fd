"""Domains that mail is sent from, as a provider knows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from attrs import frozen

__all__ = ["AccountDomain", "ChecksDomains"]


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
