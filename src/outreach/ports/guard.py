"""The fast keeper of budgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from outreach.domain.budget import Ask, Grant, Units, UnitSlot
from outreach.domain.ids import IntentId

__all__ = ["Guard"]


class Guard(Protocol):
    """Answers before every send whether its budgets have room. Never the only
    word: T1 bounds the same units in the ledger.

    Promises:
    - no slot is granted more than its limit, however many ask at once;
    - asking twice costs once, and an answer does not change when asked again;
    - all budgets of an ask are taken together or none is;
    - no further budget is granted more than its limit, however many ask at once;
    - a slot that is missing, halved or of another epoch grants nothing until it
      is rebuilt;
    - a rebuild is a union with the ledger and never forgets a younger
      reservation; a release gives back exactly one unit, once.
    """

    async def reserve(self, asks: Sequence[Ask]) -> Sequence[Grant]:
        """Take the units of each ask, or say why not; one answer per ask.

        Raises:
            Unavailable: the store did not answer. Nothing may be sent.
        """
        ...

    async def release(self, rid: IntentId, slot: UnitSlot) -> None:
        """Give a reservation's units back; unknown is fine.

        Raises:
            Unavailable: the store did not answer; a rebuild will put it right.
        """
        ...

    async def rebuild(self, units: Sequence[Units]) -> None:
        """Bring slots to at least what the ledger holds, under its epoch.

        Raises:
            Unavailable: the store did not answer.
        """
        ...

    async def peek(self, slots: Sequence[UnitSlot]) -> Sequence[Grant]:
        """Use of each slot, changing nothing; NEED_REBUILD where it is missing.

        Raises:
            Unavailable: the store did not answer.
        """
        ...
