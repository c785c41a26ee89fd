"""The inbox: stored before it is answered, by commits that carry many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from attrs import define, field

from outreach.adapters.postgres.docs import jsonb
from outreach.adapters.postgres.pool import Database
from outreach.domain.errors import OutreachError, Unavailable
from outreach.domain.event import Arrival, Arrived, EventType
from outreach.domain.ids import EventId, Incarnation
from outreach.domain.timing import Timing

__all__ = ["PostgresInbox"]

_GROUP: Final = 200
"""Arrivals that one commit carries at most."""

_Waiting = tuple[Arrival, "asyncio.Future[bool]"]


@define
class PostgresInbox:
    """Implements `outreach.ports.inbox.Inbox`.

    What arrives while a commit is on its way goes into the next one together; if a
    group fails, its rows are tried one by one, so that a bad row fails alone.

    Attributes:
        ids: makes event ids.
    """

    database: Database
    ids: Callable[[], UUID]
    timing: Timing = Timing()
    _queue: list[_Waiting] = field(factory=list, init=False)
    _writer: asyncio.Task[None] | None = field(default=None, init=False)

    async def put(self, arrival: Arrival) -> bool:
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append((arrival, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await done

    async def _write(self) -> None:
        while self._queue:
            group, self._queue = self._queue[:_GROUP], self._queue[_GROUP:]
            if not await self._stored(group, alone=len(group) == 1):
                for one in group:
                    await self._stored([one], alone=True)

    async def _stored(self, group: Sequence[_Waiting], *, alone: bool) -> bool:
        try:
            await self._store(group)
        except OutreachError as error:
            return _failed(group, error)  # no row's own fault
        except (psycopg.Error, ValueError) as error:
            bad = Unavailable(f"the event cannot be stored: {type(error).__name__}")
            bad.__cause__ = error
            return _failed(group, bad) if alone else False
        return True

    async def _store(self, group: Sequence[_Waiting]) -> None:
        ids = [self.ids() for _ in group]
        docs = [
            _doc(one, arrival) for one, (arrival, _) in zip(ids, group, strict=True)
        ]
        stored = set(
            await self.database.values(
                "SELECT take_in(%s, %s)",
                (jsonb(docs), [arrival.raw for arrival, _ in group]),
            )
        )
        for one, (_, done) in zip(ids, group, strict=True):
            if not done.done():
                done.set_result(one in stored)

    async def take(self, who: Incarnation, limit: int) -> Sequence[Arrived]:
        rows = await self.database.rows(
            "SELECT * FROM take_events(%s, %s, %s)", (who, limit, self.timing.lease)
        )
        return [
            Arrived(
                id=EventId(row["id"]),
                arrival=Arrival(
                    provider=row["provider"],
                    account=row["account"],
                    raw=row["raw"],
                    key=row["key"],
                    type=EventType(row["type"]),
                    address=None,
                    received_at=row["received_at"],
                ),
                tries=row["tries"],
            )
            for row in rows
        ]

    async def wait(
        self, event: EventId, until: datetime, *, aside: bool = False
    ) -> None:
        await self.database.rows("SELECT hold_event(%s, %s, %s)", (event, until, aside))

    async def park(self, event: EventId, why: str, until: datetime | None) -> None:
        await self.database.rows("SELECT park_event(%s, %s, %s)", (event, why, until))

    async def close(self, event: EventId, why: str) -> None:
        await self.database.rows("SELECT shut_event(%s, %s)", (event, why))

    async def again(
        self, since: datetime, limit: int, *, provider: str | None = None
    ) -> int:
        back: int = await self.database.value(
            "SELECT replay_parked(%s, %s, %s)", (since, provider, limit)
        )
        return back


def _doc(one: UUID, arrival: Arrival) -> dict[str, Any]:
    return {
        "id": one,
        "provider": arrival.provider,
        "account": arrival.account,
        "key": arrival.key,
        "type": arrival.type,
        "address": "" if arrival.address is None else str(arrival.address),
    }


def _failed(group: Sequence[_Waiting], error: OutreachError) -> bool:
    for _, done in group:
        if not done.done():
            done.set_exception(error)
    return True
