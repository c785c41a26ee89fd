"""When the next thing is due, kept until something changes it.

The same answer as `Lanes.next_wake`, which a test compares; but asked thousands of
times in a world, where most changes concern either lanes or all the rest.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from attrs import define

from outreach.adapters.memory import MemoryStore
from outreach.adapters.memory.waking import free_at, wake_at

__all__ = ["Wake"]

_NEVER: Final = float("inf")
_SECOND: Final = timedelta(seconds=1)
_NO_LANES: Final = frozenset(
    {"put", "take", "done", "wait", "park", "close", "doubtful"}
)
"""Verbs after which no lane wakes at another time."""


@define(eq=False)
class Wake:
    """Seconds from the start of the world.

    Attributes:
        start: of the world.
    """

    store: MemoryStore
    start: datetime
    _lanes: float | None = None
    _rest: float | None = None

    def changed(self, verb: str = "") -> None:
        """Something was done to the store."""
        self._rest = None
        if verb not in _NO_LANES:
            self._lanes = None

    def at(self) -> float:
        """When anything is due."""
        lanes, rest = self.lanes(), self._rest
        if rest is None:
            rest = self._rest = self._seconds(self._rest_at())
        return min(lanes, rest)

    def lanes(self) -> float:
        """When a lane is due and free."""
        if self._lanes is None:
            self._lanes = self._seconds(self._lanes_at())
        return self._lanes

    def _seconds(self, at: datetime | None) -> float:
        return _NEVER if at is None else (at - self.start) / _SECOND

    def _lanes_at(self) -> datetime | None:
        first = None
        for lane in self.store.lanes.values():
            at = None if lane.calling else wake_at(self.store, lane)
            if at is None:
                continue
            free = free_at(self.store, lane)
            if free is not None and free > at:
                at = free
            if first is None or at < first:
                first = at
        return first

    def _rest_at(self) -> datetime | None:
        store = self.store
        found = [store.attempts[name].deadline for name in store.calling]
        for event in store.arrived.values():
            if event.due_at is not None:
                lease = event.lease
                found.append(
                    event.due_at if lease is None else max(event.due_at, lease.until)
                )
        for name in store.unknown:
            doubt = store.attempts[name]
            if doubt.next_look is not None:
                lease = doubt.lease
                look = doubt.next_look
                found.append(look if lease is None else max(look, lease.until))
        for row in store.duties.values():
            due, lease = row.duty.due_at, row.lease
            found.append(due if lease is None else max(due, lease.until))
        return min(found, default=None)
