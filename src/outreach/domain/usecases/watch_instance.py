"""See whether the database is the one that the engine left, and say how far it came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from outreach.domain.errors import Unavailable
from outreach.ports.alerts import Alert, Alerts
from outreach.ports.instance import Instance, Met, Witness

__all__ = ["ABOUT", "ALERT", "WAY_OUT", "WatchInstance"]

ALERT: Final = "pipeline.degraded"
ABOUT: Final = "database"
WAY_OUT: Final = "outreach confirm-restore --reason ..."


@frozen
class WatchInstance:
    """Compares the store with its copies outside, and takes these further.

    The store goes on only when every witness was heard: one that is away might know
    that it was set back, and each step on would bring it nearer to what was seen.
    """

    instance: Instance
    witnesses: Sequence[Witness]
    alerts: Alerts

    async def __call__(self) -> Met:
        """Once; a worker does it at its start and every few seconds.

        Raises:
            Unavailable: the store does not answer.
        """
        seen: dict[str, int] = {}
        heard = 0
        for witness in self.witnesses:
            try:
                told = await witness.seen()
            except Unavailable:
                continue
            heard += 1
            for lineage, position in told.items():
                seen[lineage] = max(position, seen.get(lineage, 0))
        met = await self.instance.meet(seen, beat=heard == len(self.witnesses))
        if met.held:
            says = f"nothing is sent: the database was restored ({met.held}); {WAY_OUT}"
            await self.alerts.raise_(Alert(ALERT, ABOUT, says))
            return met
        await self.alerts.over(ALERT, ABOUT)
        for witness in self.witnesses:
            try:
                await witness.saw(met.lineage, met.position)
            except Unavailable:
                continue
        return met
