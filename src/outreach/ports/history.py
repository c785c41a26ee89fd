"""What came in at a provider, asked for again: a webhook can be lost unnoticed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from attrs import field, frozen

__all__ = ["Retold", "TellsHistory"]


@frozen
class Retold:
    """What one look at a provider's history brought.

    Attributes:
        bodies: as the provider's reader reads them, oldest conversation first.
        passed: from where the next look goes on (wall clock, UTC); None: nothing is
            left.
    """

    bodies: Sequence[bytes] = field(repr=False)
    passed: datetime | None = None


@runtime_checkable
class TellsHistory(Protocol):
    """Tells what was written in its conversations, where nobody says which webhook did
    not arrive.

    Promises:
    - what came in is told so that it is read as its webhook is, under the same key;
    - what was written before the time asked for is not told;
    - being told loses nothing: asked again, it tells the same;
    - a look reads a part at most, and one that goes on from there leaves nothing out;
    - a provider that cannot be asked is Unavailable, with a refused key Misconfigured.
    """

    async def history(self, since: datetime, passed: datetime) -> Retold:
        """What was written since *since* in conversations in which something was
        written at or after *passed* (wall clock, UTC).

        Raises:
            Unavailable: the provider could not be asked.
            Misconfigured: it does not accept our credentials.
        """
        ...
