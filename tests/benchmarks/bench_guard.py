"""P1 and P2: what a decision of the guard costs, here and in the server.

P1: 50 callers in one process ask for one unit each, again and again, over phones
that hold 200 and are asked 250 times. Ours, redis-py one call at a time with the same
Lua, and `limits` (asynchronous, fixed window) take turns (ABCABC); what is compared is
the CPU time of this process per decision, user and system (the time on the wall is
shown beside it; the server's is in it). None may ever grant more or less than 200.

P2: the server's own time per call (INFO commandstats) of reserve, of the full guard
(reserve with a further budget beside the units), and of a naive check-and-increment
with expiry, in turns; and the bytes of a phone-day per lead.

    python tests/benchmarks/bench_guard.py [--rounds 7] [--phones 80] [--json FILE]

The exit status is 0 if the bars are reached, 1 if one is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
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
from attrs import asdict, field, frozen
from limits import RateLimitItemPerDay
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.asyncio import Redis

from outreach.adapters.redis import RedisGuard, connect
from outreach.adapters.redis._scripts import SCRIPTS
from outreach.domain.budget import Ask, Budget, GuardCode, Units, UnitSlot
from outreach.domain.ids import IntentId, SenderId
from outreach.entrypoints.embedded import start

__all__ = ["Bar", "main", "measure_decisions", "measure_price"]

CALLERS: Final = 50
LIMIT: Final = 200
ASKED: Final = 250
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


@frozen
class Bar:
    """One comparison: figures of each round, and what their medians must reach.

    Attributes:
        ratio: over / under, of the medians.
        at_least: else at most.
    """

    name: str
    unit: str
    over: tuple[float, ...]
    under: tuple[float, ...]
    bar: float
    at_least: bool
    ratio: float = field(init=False)
    passed: bool = field(init=False)

    @ratio.default
    def _ratio(self) -> float:
        return statistics.median(self.over) / statistics.median(self.under)

    @passed.default
    def _passed(self) -> bool:
        return self.ratio >= self.bar if self.at_least else self.ratio <= self.bar

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        return (
            f"{self.name:44} {_figure(self.over)} / {_figure(self.under)} {self.unit}"
            f" = {self.ratio:5.2f}, bar {sign} {self.bar:g}: "
            f"{'pass' if self.passed else 'MISS'}"
        )


async def measure_decisions(url: str, *, rounds: int, phones: int) -> list[Bar]:
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
        Bar(
            f"P1 {peer} over ours, {what}",
            "us",
            (*times[peer],),
            (*times["ours"],),
            bar=bar,
            at_least=True,
        )
        for what, times, bars in (("CPU", cpu, (4.0, 5.0)), ("wall", wall, (1.0, 1.0)))
        for peer, bar in zip(("redis-py", "limits"), bars, strict=True)
    ]


async def measure_price(url: str, *, rounds: int, phones: int) -> list[Bar]:
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
                await client.config_resetstat()
                for slot in slots:
                    pipeline = client.pipeline(transaction=False)
                    for _ in range(LIMIT):
                        if name == "naive":
                            command = [naive, 1, f"n:{slot.sender}", LIMIT, KEEP_S]
                        else:
                            command = _command(slot, run, further=name == "full")
                        cast("Any", pipeline).evalsha(*command)
                    await pipeline.execute()
                spent = (await client.info("commandstats"))["cmdstat_evalsha"]
                if round_:
                    taken.append(spent["usec"] / spent["calls"])
            held = _key(slots[0])
            size = await client.memory_usage(held, samples=0)
            await client.flushdb()
        await guard.aclose()
    return [
        *(
            Bar(
                f"P2 {name} over naive, in the server",
                "us",
                (*times[name],),
                (*times["naive"],),
                bar=bar,
                at_least=False,
            )
            for name, bar in (("reserve", 1.5), ("full", 3.0))
        ),
        Bar("P2 memory per lead and day", "B", (size / LIMIT,), (1.0,), 100.0, False),
    ]


def main() -> int:
    """Run from the command line; answers the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--phones", type=int, default=80)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    bars: list[Bar] = []
    with _server() as url:
        for measure in (measure_decisions, measure_price):
            measuring = measure(url, rounds=given.rounds, phones=given.phones)
            bars += uvloop.run(measuring)
    sys.stdout.writelines(f"{bar}\n" for bar in bars)
    if given.json:
        document = {"bench": "P1, P2 guard", "bars": [asdict(bar) for bar in bars]}
        given.json.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    return 0 if all(bar.passed for bar in bars) else 1


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


def _figure(figures: Sequence[float]) -> str:
    median = statistics.median(figures)
    spread = (max(figures) - min(figures)) / median
    return f"{median:6.1f} (spread {spread:4.0%})"


@contextmanager
def _server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="outreach-bench-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)  # the servers' account enters it
        with start(Path(folder) / "data", durable=False) as servers:
            yield servers.redis_url


if __name__ == "__main__":
    sys.exit(main())
