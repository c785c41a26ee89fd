"""Alerts, kept in memory."""

from __future__ import annotations

from attrs import Factory, frozen

from outreach.adapters.memory.pause import Pause, yield_once
from outreach.ports.alerts import Alert

__all__ = ["MemoryAlerts"]


@frozen
class MemoryAlerts:
    """Implements `outreach.ports.alerts.Alerts`.

    Attributes:
        told: what people were told, in order.
        open: incidents that are not over.
    """

    pause: Pause = yield_once
    told: list[Alert] = Factory(list)
    open: dict[tuple[str, str], Alert] = Factory(dict)

    async def raise_(self, alert: Alert) -> None:
        """Once per incident."""
        await self.pause()
        incident = (alert.kind, alert.about)
        if incident not in self.open:
            self.open[incident] = alert
            self.told.append(alert)

    async def over(self, kind: str, about: str) -> None:
        """The next one tells again."""
        await self.pause()
        self.open.pop((kind, about), None)
