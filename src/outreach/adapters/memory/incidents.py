"""Incidents and calls of models, kept in memory."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from attrs import Factory, define, frozen

from outreach.adapters.memory.store import MemoryStore
from outreach.domain.ids import TenantId
from outreach.domain.timing import TELL_AGAIN

__all__ = ["MemoryIncidents", "MemoryModelBudget"]

_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


@define
class _Incident:
    raised_at: datetime
    told: bool = False


@frozen
class MemoryIncidents:
    """Implements `outreach.ports.incidents.Incidents`."""

    store: MemoryStore
    kept: dict[tuple[str, str], _Incident] = Factory(dict)

    async def open(self, kind: str, about: str) -> bool:
        """Once, and again if nobody was told for too long."""
        await self.store.pause()
        now = self.store.machine
        known = self.kept.get((kind, about))
        if known is not None and (known.told or now - known.raised_at < TELL_AGAIN):
            return False
        self.kept[kind, about] = _Incident(now)
        return True

    async def told(self, kind: str, about: str) -> None:
        """It is not told again."""
        await self.store.pause()
        if (kind, about) in self.kept:
            self.kept[kind, about].told = True

    async def close(self, kind: str, about: str) -> bool:
        """The next one is a new one."""
        await self.store.pause()
        return self.kept.pop((kind, about), None) is not None


@define
class _Calls:
    began: datetime
    used: int = 0

    def room(self, now: datetime, span: timedelta, limit: int) -> bool:
        """Begin a new span if this one is over; whether it takes a call."""
        if now - self.began >= span:
            self.began, self.used = now, 0
        return self.used < limit


@frozen
class MemoryModelBudget:
    """Implements `outreach.ports.model_budget.ModelBudget`."""

    store: MemoryStore
    per_minute: int
    per_day: int
    used: dict[TenantId, tuple[_Calls, _Calls]] = Factory(dict)

    async def take(self, tenant: TenantId) -> bool:
        """One of the minute and one of the day."""
        await self.store.pause()
        now = self.store.machine
        minute, day = self.used.setdefault(tenant, (_Calls(now), _Calls(now)))
        rooms = (
            minute.room(now, _MINUTE, self.per_minute),
            day.room(now, _DAY, self.per_day),
        )
        if not all(rooms):
            return False
        minute.used += 1
        day.used += 1
        return True
