"""Everything periodic, as rows with a due time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from outreach.domain.change import Duty
from outreach.domain.ids import Incarnation

__all__ = ["Duties"]


class Duties(Protocol):
    """Rows with a due time, claimed like lanes.

    Promises:
    - a duty is taken by one worker at a time, and again if that one dies;
    - none is taken before its time;
    - putting the same duty again keeps the earlier due time;
    - what is done with a further time comes back then, else never;
    - what is put while it is being done comes back for it;
    - who has lost a duty to another worker ends it no more.
    """

    async def put(self, duties: Sequence[Duty]) -> None:
        """Add duties; one that exists keeps the earlier of both due times."""
        ...

    async def take(self, who: Incarnation, limit: int) -> Sequence[Duty]:
        """Duties whose time has come, oldest first, leased to *who*."""
        ...

    async def done(self, duty: Duty, again: datetime | None) -> None:
        """Finished; *again* is the next due time (engine time), None: never.

        ``duty.now`` tells which taking of it this ends.
        """
        ...
