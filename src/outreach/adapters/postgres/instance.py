"""The database's own account of itself, looked at over every new connection."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg
from attrs import Factory, frozen
from psycopg.rows import TupleRow

from outreach.adapters.postgres.docs import jsonb
from outreach.adapters.postgres.pool import Database
from outreach.domain.timing import Timing
from outreach.ports.instance import Confirmed, Met

__all__ = ["PostgresInstance"]


@frozen
class PostgresInstance:
    """Implements `outreach.ports.instance.Instance`; see functions/instance.sql.

    Between two looks a server can be replaced by one with restored data. Then every
    connection to it is new, and each asks first, with the furthest position that this
    process knows: nothing is claimed or armed before.
    """

    database: Database
    timing: Timing = Factory(Timing)
    _seen: dict[str, int] = Factory(dict)

    def __attrs_post_init__(self) -> None:
        self.database.greetings.append(self._greet)

    async def meet(self, seen: Mapping[str, int], *, beat: bool) -> Met:
        self._remember(seen)
        doc = await self.database.value(
            "SELECT meet_instance(%s, %s)", (jsonb(self._seen), beat)
        )
        met = Met(
            doc["lineage"],
            doc["position"],
            doc["held"],
            datetime.fromisoformat(doc["stands_on"]),
        )
        if not met.held:
            self._remember({met.lineage: met.position})
        return met

    async def confirm(self, *, reason: str, by: str) -> Confirmed | None:
        timing = self.timing
        doc: dict[str, Any] | None = await self.database.value(
            "SELECT confirm_restore(%s, %s, %s, %s, %s, %s)",
            (
                reason,
                by,
                jsonb(self._seen),
                timing.rest,
                timing.first_look,
                timing.give_up,
            ),
        )
        if doc is None:
            return None
        at = datetime.fromisoformat(doc["stands_on"])
        return Confirmed(doc["why"], at, doc["calls"])

    async def _greet(self, connection: psycopg.AsyncConnection[TupleRow]) -> None:
        await connection.execute(
            "SELECT meet_instance(%s, false)", (jsonb(self._seen),)
        )

    def _remember(self, seen: Mapping[str, int]) -> None:
        for lineage, position in seen.items():
            self._seen[lineage] = max(position, self._seen.get(lineage, 0))
