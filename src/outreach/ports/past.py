"""Stored events and the leads as they were, for a look that changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from outreach.domain.event import SystemEvent
from outreach.domain.ids import EventId
from outreach.domain.replay import Past, Then

__all__ = ["History"]


class History(Protocol):
    """What came in, and what was made of it.

    Promises:
    - every stored event of the time is given once, in the order it came in;
    - a lead is shown as it was when the event was committed to it;
    - nothing is written.
    """

    async def page(
        self,
        since: datetime,
        after: EventId | None,
        limit: int,
        *,
        provider: str | None = None,
    ) -> Sequence[Past]:
        """The next events received since then (engine time), at most *limit*.

        Args:
            after: the last one of the page before.
            provider: of these alone.
        """
        ...

    async def then(self, read: Sequence[tuple[Past, SystemEvent]]) -> Sequence[Then]:
        """One for each event as it is read now, in that order."""
        ...
