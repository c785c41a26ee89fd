"""P1 and P2: what a decision of the guard costs, here and in the server.

P1: 50 callers in one process ask for one unit each, again and again, over phones
that hold 200 and are asked 250 times. Ours, redis-py one call at a time with the same
Lua, and `limits` (asynchronous, fixed window) take turns (ABCABC); what is compared is
the CPU time of this process per decision, user and system (the time on the wall is
shown beside it; the server's is in it). None may ever grant more or less than 200.

P2: the server's own time per call (INFO commandstats) of reserve, of the full guard
(reserve with a further budget beside the units), and of a naive check-and-increment
with expiry, in turns; and the bytes of a phone-day per lead. That time goes on while
the server waits for a core, so that it is taken over 20 calls each time, and a round's
figure is the median of these: most of them ran in one piece.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, cast
from uuid import uuid4

import uvloop
from limits import RateLimitItemPerDay
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.asyncio import Redis
from tests.benchmarks.rows import Row

from outreach.adapters.redis import RedisGuard, connect
from outreach.adapters.redis._scripts import SCRIPTS
from outreach.domain.budget import Ask, Budget, GuardCode, Units, UnitSlot
from outreach.domain.ids import IntentId, SenderId
from outreach.entrypoints.embedded import start

__all__ = ["BARS", "measure_decisions", "measure_price", "rows"]

BARS: Final = ("P1", "P2")

CALLERS: Final = 50
LIMIT: Final = 200
ASKED: Final = 250
AT_ONCE: Final = 20
DAY: Final = date(2026, 3, 2)
HOURS: Final = timedelta(hours=9)
KEEP_S: Final = 57 * 3600
NAIVE: Final = """
local used = tonumber(redis.call("GET", KEYS[1]) or "0")
if used >= tonumber(ARGV[1]) then return { 0, used } end
used = redis.call("INCR", KEYS[1])
redis.call("EXPIRE", KEYS[1], ARGV[2])
return { 1, used }
"""

Decide = Callable[[Ask], Awaitable[bool]]


async def measure_decisions(url: str, *, rounds: int, phones: int) -> list[Row]:
    """P1, against an empty server."""
    cpu: dict[str, list[float]] = {"ours": [], "redis-py": [], "limits": []}
    wall: dict[str, list[float]] = {name: [] for name in cpu}
    async with connect(url) as client, connect(url) as other:
        guard = RedisGuard(client)
        sides: dict[str, Decide] = {
            "ours": _ours(guard),
            "redis-py": await _one_by_one(client, await guard.store_id()),
            "limits": _fixed_window(url, other),
        }
        for round_ in range(rounds + 1):
            for name, decide in sides.items():
                slots = [UnitSlot(SenderId(uuid4()), DAY) for _ in range(phones)]
                await guard.rebuild([_units(slot) for slot in slots])
                used, took = await _load(decide, slots)
                if round_:  # the first warms up
                    cpu[name].append(used)
                    wall[name].append(took)
            await client.flushdb()
        await guard.aclose()
    return [
        Row(
            "P1",
            f"guard decision, {what}: {peer} over ours",
            "us",
            ours=(*times["ours"],),
            peer=(*times[peer],),
            sense="at least",
            limit=bar,
        )
        for what, times, bars in (("CPU", cpu, (4.0, 5.0)), ("wall", wall, (1.0, 1.0)))
        for peer, bar in zip(("redis-py", "limits"), bars, strict=True)
    ]


async def measure_price(url: str, *, rounds: int, phones: int) -> list[Row]:
    """P2, against an empty server."""
    times: dict[str, list[float]] = {"naive": [], "reserve": [], "full": []}
    async with connect(url) as client:
        guard = RedisGuard(client)
        run = (await guard.store_id())[:16]
        naive: Any = await client.script_load(NAIVE)
        for round_ in range(rounds + 1):
            for name, taken in times.items():
                slots = [UnitSlot(SenderId(uuid4()), DAY) for _ in range(phones)]
                await guard.rebuild([_units(slot) for slot in slots])
                commands = [
                    [naive, 1, f"n:{slot.sender}", LIMIT, KEEP_S]
                    if name == "naive"
                    else _command(slot, run, further=name == "full")
                    for slot in slots
                    for _ in range(LIMIT)
                ]
                each = [
                    await _served(client, commands[place : place + AT_ONCE])
                    for place in range(0, len(commands), AT_ONCE)
                ]
                if round_:
                    taken.append(statistics.median(each))
            held = _key(slots[0])
            size = await client.memory_usage(held, samples=0)
            await client.flushdb()
        await guard.aclose()
    return [
        *(
            Row(
                "P2",
                f"guard in the server: {name} over naive",
                "us",
                ours=(*times[name],),
                peer=(*times["naive"],),
                sense="at most",
                limit=bar,
            )
            for name, bar in (("reserve", 1.5), ("full", 3.0))
        ),
        Row(
            "P2",
            "guard memory per lead and lane-day",
            "B",
            ours=(size / LIMIT,),
            peer=(),
            sense="at most",
            limit=100.0,
        ),
    ]


async def _served(client: Redis, commands: Sequence[Sequence[Any]]) -> float:
    """Microseconds of the server per call, of some that it runs one after the other."""
    pipeline = client.pipeline(transaction=False)
    pipeline.config_resetstat()
    for command in commands:
        cast("Any", pipeline).evalsha(*command)
    pipeline.info("commandstats")
    *_, said = await pipeline.execute()
    spent = said["cmdstat_evalsha"]
    return float(spent["usec"] / spent["calls"])


def rows(*, quick: bool, only: frozenset[str]) -> list[Row]:
    """P1 and P2, those asked for."""
    rounds, phones = (3, 20) if quick else (7, 40)
    found: list[Row] = []
    with _server() as url:
        for bar, measure in (("P1", measure_decisions), ("P2", measure_price)):
            if bar in only:
                found += uvloop.run(measure(url, rounds=rounds, phones=phones))
    return found


async def _load(decide: Decide, slots: Sequence[UnitSlot]) -> tuple[float, float]:
    """CPU and wall microseconds per decision; each slot must grant LIMIT exactly."""
    asks = [_ask(slot) for _ in range(ASKED) for slot in slots]
    left, granted = iter(asks), Counter[UnitSlot]()

    async def caller() -> None:
        for ask in left:
            if await decide(ask):
                granted[ask.slot] += 1

    used, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    used, took = time.process_time() - used, time.perf_counter() - began
    if granted != dict.fromkeys(slots, LIMIT):
        msg = f"granted {set(granted.values())} of {LIMIT}"
        raise AssertionError(msg)
    return used / len(asks) * 1e6, took / len(asks) * 1e6


def _ours(guard: RedisGuard) -> Decide:
    async def decide(ask: Ask) -> bool:
        [grant] = await guard.reserve([ask])
        return grant.code is GuardCode.OK

    return decide


async def _one_by_one(client: Redis, run: str) -> Decide:
    sha: str = await client.script_load(SCRIPTS["reserve"].source)
    redis = cast("Any", client)

    async def decide(ask: Ask) -> bool:
        meta = f"{ask.epoch}@{run[:16]}/{ask.limit}"
        now = int(time.time())
        arguments = (ask.rid.bytes, now, ask.cost, ask.limit, meta, KEEP_S)
        code, *_ = await redis.evalsha(sha, 1, _key(ask.slot), *arguments)
        return bool(code == 0)

    return decide


def _fixed_window(url: str, client: Redis) -> Decide:
    storage = RedisStorage(
        f"async+{url.replace('unix://', 'redis+unix://')}",
        implementation="redispy",
        connection_pool=cast("Any", client.connection_pool),
    )
    limiter, item = FixedWindowRateLimiter(storage), RateLimitItemPerDay(LIMIT)

    async def decide(ask: Ask) -> bool:
        return await limiter.hit(item, str(ask.slot.sender))

    return decide


def _command(slot: UnitSlot, run: str, *, further: bool) -> list[Any]:
    """One reserve as redis-py sends it, with a further budget or none."""
    key, meta = _key(slot), f"1@{run}/{LIMIT}"
    keys, arguments = [key], [uuid4().bytes, int(time.time()), 1, LIMIT, meta, KEEP_S]
    if further:
        names = [budget.key for budget in _further()]
        keys += [f"quota:wa:{{{slot.sender}}}:{name}" for name in (*names, "record")]
        arguments += [1, LIMIT, meta, KEEP_S] * len(names)
    return [SCRIPTS["reserve"].sha, len(keys), *keys, *arguments]


def _key(slot: UnitSlot) -> str:
    return f"quota:wa:{{{slot.sender}}}:{slot.day}"


def _ask(slot: UnitSlot) -> Ask:
    return Ask(IntentId(uuid4()), slot, 1, LIMIT, 1, HOURS)


def _further() -> list[Budget]:
    return [Budget("total:2026-03-02", LIMIT, 1, HOURS)]


def _units(slot: UnitSlot) -> Units:
    empty = tuple((budget.key, ()) for budget in _further())
    return Units(slot, (), 0, LIMIT, 1, HOURS, empty)


@contextmanager
def _server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="outreach-bench-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)  # the servers' account enters it
        with start(Path(folder) / "data", durable=False) as servers:
            yield servers.redis_url
