"""P3: what the durable path of a send costs, against queues whose jobs do nothing.

Ours is the protocol over PostgreSQL: lanes are claimed, T1 arms a message of each, a
gateway that does nothing accepts it, T2 records that; each lane is a task of its own,
as in a worker, and what comes together travels together. Deciding and rendering are
not in it (P6 has them). The peers work off as many jobs that do nothing, queued
before: arq in this process, tuned, and BullMQ in a process of Node.js (up to 100 at
once). All take turns.

What is compared is the CPU time of the worker's process per send, user and system;
the time on the wall is shown beside it. In ours PostgreSQL's work is in that, which
writes a dozen rows for a send and shares the machine.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Final

import uvloop
from arq.connections import ArqRedis, RedisSettings, create_pool
from attrs import field, frozen
from tests.adapters.postgres_load import as_admin, fill
from tests.benchmarks.arq_peer import work_off
from tests.benchmarks.node_peer import NodePeer, open_peer
from tests.benchmarks.rows import Row
from tests.benchmarks.stage import Stage, open_stage

from outreach.adapters.postgres.intents import PostgresIntents
from outreach.adapters.postgres.lanes import PostgresLanes
from outreach.adapters.postgres.pool import Database
from outreach.domain.budget import UnitSlot
from outreach.domain.channel import Channel, permitted
from outreach.domain.decision import Decision, Reason, Terms, Verdict
from outreach.domain.ids import Incarnation
from outreach.domain.message import Accepted, Armed
from outreach.domain.outcome import Ended, draft_of, result_of
from outreach.domain.review import ReviewCalendar
from outreach.ports.lanes import Claim

__all__ = ["BARS", "rows"]

BARS: Final = ("P3",)

CLAIMED: Final = 100
"""Lanes of one claim."""
BULLMQ_JOBS: Final = 100
WHO: Final = Incarnation("bench")
GAP: Final = timedelta(seconds=30)

_AGAIN: Final = """
UPDATE lanes SET gate_at = '-infinity', new_gate_at = '-infinity',
                 wake_at = '2026-03-02'
"""

Cost = tuple[float, float]
"""CPU and wall seconds of one round."""


def rows(*, quick: bool, only: frozenset[str]) -> list[Row]:
    """P3."""
    del only  # there is one bar
    rounds, sends = (3, 500) if quick else (5, 1_000)
    with open_stage() as stage:
        return uvloop.run(_measure(stage, rounds=rounds, sends=sends))


async def _measure(stage: Stage, *, rounds: int, sends: int) -> list[Row]:
    costs: dict[str, list[Cost]] = {"ours": [], "arq": [], "BullMQ": []}
    url = stage.new_database()
    await asyncio.to_thread(fill, url, leads=sends * (rounds + 1), lanes=sends)
    async with AsyncExitStack() as stack:
        ours = _Ours(url, Database(url))
        await ours.database.open()
        stack.push_async_callback(ours.database.close)
        redis = await create_pool(RedisSettings.from_dsn(stage.redis_url))
        stack.push_async_callback(redis.aclose)
        bullmq = await stack.enter_async_context(
            open_peer("bullmq", "dispatch.mjs", [stage.redis_url, str(BULLMQ_JOBS)])
        )
        sides: dict[str, Callable[[], Awaitable[Cost]]] = {
            "ours": lambda: ours.send(sends),
            "arq": lambda: _arq(redis, sends),
            "BullMQ": lambda: _bullmq(bullmq, sends),
        }
        for round_ in range(rounds + 1):
            for name, side in sides.items():
                cost = await side()
                if round_:  # the first warms up
                    costs[name].append(cost)
    return [
        Row(
            "P3",
            f"send without a call, {what}: {peer} over ours",
            "us",
            ours=tuple([cost[place] / sends * 1e6 for cost in costs["ours"]]),
            peer=tuple([cost[place] / sends * 1e6 for cost in costs[peer]]),
            sense="at least",
            limit=bar,
        )
        for place, what, bars in ((0, "CPU", (5.0, 1.0)), (1, "wall", (1.0, 1.0)))
        for peer, bar in zip(("arq", "BullMQ"), bars, strict=True)
    ]


@frozen
class _Ours:
    """A worker without its decisions, over a database of lanes."""

    url: str
    database: Database
    lanes: PostgresLanes = field(init=False)
    intents: PostgresIntents = field(init=False)

    @lanes.default
    def _lanes(self) -> PostgresLanes:
        return PostgresLanes(self.database)

    @intents.default
    def _intents(self) -> PostgresIntents:
        return PostgresIntents(self.database)

    async def send(self, sends: int) -> Cost:
        """One message of each lane."""
        await asyncio.to_thread(self._begin)
        cpu, wall, done = time.process_time(), time.perf_counter(), 0
        while claims := await self.lanes.claim(WHO, {}, CLAIMED):
            await asyncio.gather(*map(self._one, claims))
            done += len(claims)
        cost = time.process_time() - cpu, time.perf_counter() - wall
        if done != sends:
            message = f"{done} messages were sent, not {sends}"
            raise AssertionError(message)
        return cost

    def _begin(self) -> None:
        """Every lane may go on; and the server knows how large its tables are by now,
        as it does a minute after they have grown.
        """
        with as_admin(self.url) as admin:
            admin.execute(_AGAIN)
            admin.execute("VACUUM ANALYZE")

    async def _one(self, claim: Claim) -> None:
        (case,) = claim.cases
        assert case.sender is not None
        assert case.ledger is not None
        unit = UnitSlot(case.sender.id, case.ledger.day)
        terms = Terms(unit, permitted(Channel.WHATSAPP), claim.now + timedelta(hours=1))
        made = Decision(
            Verdict.SEND, claim.now, (), Reason.OK, claim.now, (), terms=terms
        )
        draft = draft_of(case, case.sender, made, "Salut")
        (armed,) = await self.intents.arm(claim, [(draft, made)])
        assert isinstance(armed, Armed)
        ended = Ended(
            armed.attempt,
            claim.token,
            Accepted(ref=str(armed.attempt)),
            claim.now,
            gap=GAP,
            wait=GAP,
            calendar=_NOBODY,
        )
        (left,) = await self.intents.settle([result_of(case, ended)])
        assert left.spent


_NOBODY: Final = ReviewCalendar("UTC")


async def _arq(redis: ArqRedis, jobs: int) -> Cost:
    async def send(ctx: dict[Any, Any], *_: Any, **__: Any) -> None:
        del ctx  # nothing is done

    return await work_off(redis, send, jobs)


async def _bullmq(peer: NodePeer, jobs: int) -> Cost:
    took = await peer.ask(str(jobs))
    return took["cpu"] / 1e6, took["wall"] / 1e6
