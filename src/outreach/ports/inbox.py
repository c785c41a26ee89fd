"""What came in and is not applied yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from outreach.domain.event import Arrival, Arrived
from outreach.domain.ids import EventId, Incarnation

__all__ = ["Inbox"]


class Inbox(Protocol):
    """Stores before it answers, for good.

    Promises:
    - what was put is there after a crash;
    - the same event twice is stored once, however far apart;
    - a bad row fails alone;
    - an event is taken by one worker at a time, and again if that one dies;
    - a worker that dies costs a try only to what it had in hand;
    - a parked event comes back at its time;
    - what waits aside holds up nobody else, and uses no try;
    - what is parked for a person comes back when one asks for it, with all its tries;
    - a closed event never comes back.
    """

    async def put(self, arrival: Arrival) -> bool:
        """Store it; False: it was known already. Writers are grouped.

        Raises:
            Unavailable: it is not stored; the provider must send it again.
        """
        ...

    async def take(self, who: Incarnation, limit: int) -> Sequence[Arrived]:
        """Events that wait, oldest first, leased to *who*."""
        ...

    async def wait(
        self, event: EventId, until: datetime, *, aside: bool = False
    ) -> None:
        """Not yet: back to the queue at *until* (engine time), no try used.

        Args:
            aside: it may take long, so that only its own address waits for it.
        """
        ...

    async def park(self, event: EventId, why: str, until: datetime | None) -> None:
        """Try again at *until* (engine time); None: only a person or a replay."""
        ...

    async def close(self, event: EventId, why: str) -> None:
        """Applied without a change to any lead, or nothing to apply."""
        ...

    async def again(
        self, since: datetime, limit: int, *, provider: str | None = None
    ) -> int:
        """Put back what only a person or a replay brings back: events received since
        then (engine time), oldest first, with all their tries; answers how many.

        Args:
            provider: of these alone.
        """
        ...
