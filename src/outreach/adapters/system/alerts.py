"""Alerts as lines of the log, and of an outbox; one incident is told once."""

from __future__ import annotations

from typing import Protocol

import structlog
from attrs import field, frozen

from outreach.domain.errors import OutreachError
from outreach.ports.alerts import Alert
from outreach.ports.incidents import Incidents

__all__ = ["LogAlerts", "Outbox"]

_log = structlog.get_logger("outreach.alerts")


class Outbox(Protocol):
    """Takes alerts on their way to people, at once and without failing."""

    def put(self, alert: Alert) -> None:
        """Take it."""
        ...


@frozen
class LogAlerts:
    """Implements `outreach.ports.alerts.Alerts`.

    Attributes:
        incidents: shared by all workers, so that one of them tells.
        outbox: takes what people are told; None: the log is all there is.
    """

    incidents: Incidents
    outbox: Outbox | None = None
    _seen: set[tuple[str, str]] = field(factory=set, init=False)
    """What this process told while the store did not answer."""

    async def raise_(self, alert: Alert) -> None:
        """See `outreach.ports.alerts`."""
        incident = (alert.kind, alert.about)
        if incident in self._seen:
            return
        try:
            first = await self.incidents.open(*incident)
        except OutreachError:
            # Better told by each worker than by none.
            first = True
            self._seen.add(incident)
        if not first:
            return
        severity = str(alert.severity)
        _log.warning(alert.kind, severity=severity, about=alert.about, says=alert.says)
        if self.outbox is not None:
            self.outbox.put(alert)
            return
        try:
            await self.incidents.told(*incident)
        except OutreachError:
            self._seen.add(incident)

    async def over(self, kind: str, about: str) -> None:
        """See `outreach.ports.alerts`."""
        was_seen = (kind, about) in self._seen
        self._seen.discard((kind, about))
        try:
            was_open = await self.incidents.close(kind, about)
        except OutreachError:
            was_open = False
        if was_open or was_seen:
            _log.info("over", kind=kind, about=about)
