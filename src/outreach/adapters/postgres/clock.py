"""Engine time from the database, and the pacer of a scaled run."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from attrs import frozen

from outreach.adapters.postgres.pool import Database
from outreach.domain.ids import TenantId

__all__ = ["PostgresClock"]


@frozen
class PostgresClock:
    """Implements `outreach.ports.clock.Clock`."""

    database: Database

    async def now(self) -> datetime:
        at: datetime = await self.database.value("SELECT engine_now()")
        return at

    def monotonic(self) -> float:
        return time.monotonic()

    async def scale(self, *, speed: float, begin: datetime) -> datetime:
        """Run engine time *speed* times as fast from now on.

        A run that was scaled before goes on from its stored position; a new one
        starts at *begin*. Answers the position.
        """
        at: datetime = await self.database.value(
            """
            UPDATE engine_clock SET position = coalesce(position, %s), speed = %s,
                   ticked_at = clock_timestamp()
            RETURNING position
            """,
            (begin, speed),
        )
        return at

    async def latest(self, tenant: TenantId) -> datetime | None:
        """The latest engine time that anything happened at; None: nothing did."""
        at: datetime | None = await self.database.value(
            """
            SELECT greatest((SELECT max(enrolled_at) FROM sequence_enrollments),
                            (SELECT max(received_at) FROM event_keys))
            """,
            tenant=tenant,
        )
        return at

    async def position(self) -> datetime | None:
        """Where a scaled run stands; None: engine time is real time."""
        at: datetime | None = await self.database.value(
            "SELECT position FROM engine_clock"
        )
        return at

    async def tick(
        self, stride: timedelta, grain: timedelta, until: datetime | None
    ) -> bool:
        """Let a scaled run's time go on, at most to the next thing that is due.

        Args:
            stride: machine time it makes up for at most.
            grain: engine time within which work is due together.
            until: where time ends; None: nowhere.

        Answers whether anything is due.
        """
        row = (
            await self.database.rows(
                "SELECT * FROM tick(%s, %s, %s)", (stride, grain, until)
            )
        )[0]
        return bool(row["due"])
