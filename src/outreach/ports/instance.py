"""Whether this is the database that the engine left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from attrs import frozen

__all__ = ["Confirmed", "Instance", "Met", "Witness"]


@frozen
class Met:
    """What a store says of itself.

    Attributes:
        lineage: names it; a copy has another one once it is confirmed.
        position: grows with every beat.
        held: why everything is held; empty if it is not.
        stands_on: machine time of its last beat.
    """

    lineage: str
    position: int
    held: str
    stands_on: datetime


@frozen
class Confirmed:
    """What a confirmation let go on.

    Attributes:
        why: it had been held.
        stands_on: machine time that the restored state is of.
        calls: that were under way then, and are UNKNOWN now.
    """

    why: str
    stands_on: datetime
    calls: int


class Instance(Protocol):
    """A store that knows itself, and holds everything when it was set back.

    Promises:
    - a store that goes on where it was holds nothing, however often it is met;
    - a store that is behind where it was seen holds everything, and nothing is
      claimed or armed;
    - a copy in another place holds everything;
    - a kill switch that is lifted does not let go what a restore holds;
    - a held store does not go on until it is confirmed;
    - a confirmation lets everything go on, under another epoch and another lineage,
      and calls that were under way become UNKNOWN;
    - nothing is due while it is held but what came in.
    """

    async def meet(self, seen: Mapping[str, int], *, beat: bool) -> Met:
        """Compare it with how far each lineage was seen; *beat*: and go one further.

        Raises:
            Unavailable: it does not answer.
        """
        ...

    async def confirm(self, *, reason: str, by: str) -> Confirmed | None:
        """A person has looked: let go on what is held; None: nothing is."""
        ...


class Witness(Protocol):
    """Remembers outside the store how far it has come.

    Promises:
    - it remembers the furthest position of each lineage;
    - an empty one knows nothing.
    """

    async def seen(self) -> Mapping[str, int]:
        """The furthest position of every lineage.

        Raises:
            Unavailable: it cannot be asked.
        """
        ...

    async def saw(self, lineage: str, position: int) -> None:
        """Remember it, unless it is remembered further on.

        Raises:
            Unavailable: it cannot be told.
        """
        ...
