"""Whether this machine's clock is good enough to send by.

Sends are decided by the store's clock, so a wrong one here breaks no rule by itself;
but a machine whose clock is far off is not to be trusted with anything that has a
time in it: what it logs, signs, dates and compares with a provider's times.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog
from attrs import define, field

from outreach.domain.timing import Timing
from outreach.ports.alerts import Alert, Alerts

__all__ = ["Punctual"]

_log = structlog.get_logger(__name__)


@define
class Punctual:
    """Answers whether to send, and tells people once per incident.

    Attributes:
        about: names this machine in alerts.
        offset: see `outreach.ports.clock.TellsOffset`.
    """

    about: str
    alerts: Alerts
    offset: Callable[[], timedelta]
    timing: Timing = Timing()
    _alerted: bool = field(default=False, init=False)
    _stopped: bool = field(default=False, init=False)

    async def __call__(self) -> bool:
        """Whether this worker may send now; costs nothing while the clock is right."""
        off = abs(self.offset())
        await self._tell(off)
        stopped = off > self.timing.offset_stops
        if stopped is not self._stopped:
            self._stopped = stopped
            _log.warning("clock.stopped" if stopped else "clock.goes_on", off=str(off))
        return not stopped

    async def _tell(self, off: timedelta) -> None:
        alerts = off > self.timing.offset_alerts
        if alerts and not self._alerted:
            says = (
                f"this machine's clock is {off.total_seconds():.1f} s off the "
                f"database's; it sends nothing beyond "
                f"{self.timing.offset_stops.total_seconds():g} s: set the clock"
            )
            await self.alerts.raise_(Alert("clock.skew", self.about, says))
        elif self._alerted and not alerts:
            await self.alerts.over("clock.skew", self.about)
        self._alerted = alerts
