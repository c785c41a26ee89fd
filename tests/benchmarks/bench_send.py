"""P6: what a whole send costs the worker's process, against a bare POST.

Ours is `SendNext` as a worker has it: lanes are claimed from PostgreSQL, decided and
rendered, a unit is reserved in Valkey, T1, the POST by the gateway of TimelinesAI, T2;
all lanes of a claim at once. The POST goes to a server on loopback, in a process of
its own, which answers as the vendor does. The peers send the same body there:

- a bare httpx client per lane, as many of them at once as ours has lanes;
- arq, tuned as in P3, whose jobs POST through one httpx client that they share.

Compared is the CPU time of this process per send, user and system; against arq it is
the time on the wall, which in ours has PostgreSQL's work in it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

import httpx
import uvloop
from arq.connections import ArqRedis, RedisSettings, create_pool
from attrs import define, frozen
from tests.adapters.postgres_load import TENANT, as_admin, fill
from tests.benchmarks.arq_peer import work_off
from tests.benchmarks.loopback import open_answerer
from tests.benchmarks.rows import Row
from tests.benchmarks.stage import Stage, open_stage

from outreach.adapters.memory.alerts import MemoryAlerts
from outreach.adapters.postgres.clock import PostgresClock
from outreach.adapters.postgres.duties import PostgresDuties
from outreach.adapters.postgres.intents import PostgresIntents
from outreach.adapters.postgres.lanes import PostgresLanes
from outreach.adapters.postgres.pool import Database
from outreach.adapters.postgres.senders import PostgresSenders
from outreach.adapters.postgres.watch import PostgresWatch
from outreach.adapters.redis import RedisGuard, connect
from outreach.adapters.system import uuid7
from outreach.adapters.system.holidays import LibraryCalendar
from outreach.adapters.timelinesai import TimelinesGateway, open_client
from outreach.domain.ids import AccountId, Incarnation
from outreach.domain.review import ReviewCalendar
from outreach.domain.usecases.send_next import SendNext, Step
from outreach.domain.usecases.signal_sender import SignalSender
from outreach.domain.usecases.watch_senders import WatchSenders

__all__ = ["BARS", "rows"]

BARS: Final = ("P6",)

FEW: Final = 5
MANY: Final = 200
BATCHES: Final = {FEW: 20, MANY: 2}
"""Messages of a lane in each round: 100 and 400 sends."""
WHO: Final = Incarnation("bench")
BODY: Final = {
    "text": "Salut",
    "phone": "+40722999999",
    "whatsapp_account_phone": "+40740000001",
}

_AGAIN: Final = """
UPDATE lanes SET gate_at = '-infinity', new_gate_at = '-infinity',
                 wake_at = '2026-03-02'
"""


@define
class _Spent:
    """CPU and wall seconds of so many sends."""

    cpu: float = 0.0
    wall: float = 0.0
    sends: int = 0

    async def take(self, work: Awaitable[int]) -> None:
        cpu, wall = time.process_time(), time.perf_counter()
        self.sends += await work
        self.cpu += time.process_time() - cpu
        self.wall += time.perf_counter() - wall

    def each(self, seconds: float) -> float:
        return seconds / self.sends * 1e6


def rows(*, quick: bool, only: frozenset[str]) -> list[Row]:
    """P6."""
    del only  # there is one bar
    with open_stage() as stage, open_answerer() as url:
        return uvloop.run(_measure(stage, url, rounds=3 if quick else 5))


async def _measure(stage: Stage, url: str, *, rounds: int) -> list[Row]:
    found: dict[str, list[_Spent]] = {}
    async with AsyncExitStack() as stack:
        stage.empty_redis()
        redis = await create_pool(RedisSettings.from_dsn(stage.redis_url))
        stack.push_async_callback(redis.aclose)
        few, many = [
            await _open(stack, stage, url, lanes=lanes, rounds=rounds + 1)
            for lanes in (FEW, MANY)
        ]
        bare = [
            await stack.enter_async_context(httpx.AsyncClient()) for _ in range(MANY)
        ]
        shared = await stack.enter_async_context(httpx.AsyncClient(limits=_ALL))
        sides: Mapping[str, Callable[[], Awaitable[_Spent]]] = {
            "few": few.send,
            "many": many.send,
            "bare": lambda: _bare(bare, f"{url}/messages"),
            "arq": lambda: _arq(redis, shared, f"{url}/messages"),
        }
        for round_ in range(rounds + 1):
            for name, side in sides.items():
                spent = await side()
                if round_:  # the first warms up
                    found.setdefault(name, []).append(spent)
    cpu = {
        name: tuple([one.each(one.cpu) for one in all_]) for name, all_ in found.items()
    }
    wall = {
        name: tuple([one.each(one.wall) for one in all_])
        for name, all_ in found.items()
    }
    whole, poor = f"whole send, {MANY} lanes, CPU", "an httpx POST on a client per lane"
    return [
        Row(
            "P6",
            f"{whole}: over {poor}",
            "us",
            cpu["many"],
            cpu["bare"],
            "at most",
            1.4,
        ),
        Row(
            "P6",
            f"{whole}: over {FEW} lanes",
            "us",
            cpu["many"],
            cpu["few"],
            "at most",
            1.5,
        ),
        Row(
            "P6",
            f"whole send, {MANY} lanes, wall: arq with a shared httpx over ours",
            "us",
            wall["many"],
            wall["arq"],
            "at least",
            2.0,
        ),
    ]


_ALL: Final = httpx.Limits(max_connections=MANY, max_keepalive_connections=MANY)


@frozen
class _Ours:
    """A worker's lanes over a database of their own."""

    url: str
    count: int
    lanes: PostgresLanes
    send_next: SendNext

    async def send(self) -> _Spent:
        """A round: BATCHES messages of each lane."""
        spent = _Spent()
        await asyncio.to_thread(self._look)
        for _ in range(BATCHES[self.count]):
            await asyncio.to_thread(self._begin)
            await spent.take(self._batch())
        wanted = BATCHES[self.count] * self.count
        if spent.sends != wanted:
            message = f"{spent.sends} messages were sent, not {wanted}"
            raise AssertionError(message)
        return spent

    def _begin(self) -> None:
        with as_admin(self.url) as admin:
            admin.execute(_AGAIN)

    def _look(self) -> None:
        """The server knows how large its tables are by now."""
        with as_admin(self.url) as admin:
            admin.execute("VACUUM ANALYZE")

    async def _batch(self) -> int:
        began = time.monotonic()
        claims = await self.lanes.claim(WHO, {}, self.count)
        steps = await asyncio.gather(*(self.send_next(one, began) for one in claims))
        return steps.count(Step.ACCEPTED)


async def _open(
    stack: AsyncExitStack, stage: Stage, provider: str, *, lanes: int, rounds: int
) -> _Ours:
    url = stage.new_database()
    await asyncio.to_thread(
        fill, url, leads=lanes * BATCHES[lanes] * rounds, lanes=lanes
    )
    database = Database(url)
    await database.open()
    stack.push_async_callback(database.close)
    client = await stack.enter_async_context(connect(stage.redis_url))
    # The phones of both databases have the same ids.
    guard = RedisGuard(client, prefix=f"{lanes}:")
    stack.push_async_callback(guard.aclose)
    gateway = TimelinesGateway(
        open_client("key", base_url=provider, user_agent="bench")
    )
    stack.push_async_callback(gateway.client.aclose)
    intents = PostgresIntents(database)
    await intents.epoch(await guard.store_id())
    ours, clock = PostgresLanes(database), PostgresClock(database)
    senders = PostgresSenders(database, uuid7)
    signal = SignalSender(senders, PostgresDuties(database), clock, MemoryAlerts())
    return _Ours(
        url,
        lanes,
        ours,
        SendNext(
            lanes=ours,
            intents=intents,
            guard=guard,
            gateways={AccountId(TENANT): gateway},
            calendar=LibraryCalendar(),
            clock=clock,
            watch=WatchSenders(
                PostgresWatch(database), senders, signal, signal.alerts, ()
            ),
            reviewers=ReviewCalendar("UTC"),
            rng=random.Random(1),
        ),
    )


async def _bare(clients: Sequence[httpx.AsyncClient], url: str) -> _Spent:
    async def post(client: httpx.AsyncClient) -> None:
        (await client.post(url, json=BODY)).raise_for_status()

    async def batch() -> int:
        await asyncio.gather(*map(post, clients))
        return len(clients)

    spent = _Spent()
    for _ in range(BATCHES[MANY]):
        await spent.take(batch())
    return spent


async def _arq(redis: ArqRedis, client: httpx.AsyncClient, url: str) -> _Spent:
    async def send(ctx: dict[Any, Any], *_: Any, **__: Any) -> None:
        del ctx
        (await client.post(url, json=BODY)).raise_for_status()

    jobs = BATCHES[MANY] * MANY
    cpu, wall = await work_off(redis, send, jobs)
    return _Spent(cpu, wall, jobs)
