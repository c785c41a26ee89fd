"""What a provider sends us: is it really from there, and what does the rest say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

from outreach.domain.event import SystemEvent

__all__ = ["Authenticates", "FetchesContent", "Keeps"]


class Authenticates(Protocol):
    """Tells a provider's signed delivery from a stranger's; no I/O.

    Names of headers are lower case, values as they came (Latin-1). Nothing that a
    stranger sends is raised about.
    """

    def may_be(self, headers: Mapping[str, str], now: datetime) -> bool:
        """Whether the head alone does not rule it out: asked before a body is read.

        Args:
            now: machine time.
        """
        ...

    def is_theirs(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> bool:
        """Whether the signature over *raw* is the provider's, and fresh."""
        ...


@runtime_checkable
class Keeps(Protocol):
    """A reader whose provider's deliveries say too much, or too little, by themselves.

    Beside `outreach.ports.gateway.Reads`, which reads what was kept.
    """

    def kept(self, raw: bytes, phone_in_path: str, at: datetime) -> bytes:
        """What of *raw* is stored: without the provider's tokens, and with what only
        its path and its arrival tell. Never raises for any bytes.

        Args:
            phone_in_path: our number, where the path carries one; else empty.
            at: machine time at which it came in.
        """
        ...


@runtime_checkable
class FetchesContent(Protocol):
    """Tells the rest of an event whose webhook carries only a part of it.

    Promises:
    - what is fetched is complete, and has the key it had;
    - fetched again, it is the same;
    - an event that is complete is given back as it is, and nobody is asked;
    - what the provider no longer has is complete, as something to look at;
    - a provider that cannot be asked is Unavailable, one that refuses us is
      Misconfigured.
    """

    async def fetch(self, event: SystemEvent) -> SystemEvent:
        """The event with all that the provider knows of it.

        Raises:
            Unavailable: the provider could not be asked.
            Misconfigured: it does not accept our credentials, or not for this.
        """
        ...
