"""Alerts as lines of the log; one incident is one line."""

from __future__ import annotations

import structlog
from attrs import field, frozen

from outreach.ports.alerts import Alert

__all__ = ["LogAlerts"]

_log = structlog.get_logger("outreach.alerts")


@frozen
class LogAlerts:
    """Implements `outreach.ports.alerts.Alerts`.

    Attributes:
        open: incidents that were told and are not over.
    """

    open: set[tuple[str, str]] = field(factory=set)

    async def raise_(self, alert: Alert) -> None:
        incident = (alert.kind, alert.about)
        if incident not in self.open:
            self.open.add(incident)
            _log.warning(alert.kind, about=alert.about, says=alert.says)

    async def over(self, kind: str, about: str) -> None:
        if (kind, about) in self.open:
            self.open.discard((kind, about))
            _log.info("over", kind=kind, about=about)
