"""P6, its HTTP part: what one call to a provider costs the worker's process, and
whether it stays so when many lanes call at once.

Ours is the gateway of TimelinesAI over the client that all adapters share, as a worker
opens it, in both ways there are: all lanes by the client of one account, and each lane
by an account of its own. All lanes call at once, then again. The peers send the same
body to the same server on loopback, in a process of its own: an httpx client per lane,
and one that all lanes share.

Compared is the CPU time of this process per call, user and system; connections are
counted by the server, memory is what Python holds for a lane after its calls.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
import tracemalloc
import urllib.request
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any, Final

import httpx
import uvloop
from attrs import frozen
from tests.benchmarks.loopback import open_answerer
from tests.benchmarks.rows import Row

from outreach.adapters.timelinesai import TimelinesGateway, open_client
from outreach.domain.message import Accepted
from outreach.testing.gateway_bench import parcel

__all__ = ["BARS", "rows"]

BARS: Final = ("P6",)

FEW: Final = 5
MANY: Final = 200
CALLS: Final = 1_000
"""In each round of a side, whatever the number of its lanes."""
WITHIN: Final = timedelta(seconds=60)
PARCEL: Final = parcel()
BODY: Final = {
    "text": PARCEL.text,
    "phone": PARCEL.to,
    "whatsapp_account_phone": PARCEL.sender_number,
}
_ALL: Final = httpx.Limits(max_connections=MANY, max_keepalive_connections=MANY)

Call = Callable[[], Awaitable[None]]
"""One call of one lane."""


def rows(*, quick: bool, only: frozenset[str]) -> list[Row]:
    """The part of P6 that is HTTP."""
    del only  # there is one bar
    with open_answerer() as url:
        cpu = uvloop.run(_cpu(url, rounds=3 if quick else 7))
    with open_answerer() as url:
        open_ = {
            (lanes, accounts): uvloop.run(_connections(url, lanes, accounts))
            for lanes, accounts in ((FEW, 1), (MANY, 1), (MANY, MANY))
        }
        # apart from the rest: a call is several times as dear while it is traced
        held = {lanes: uvloop.run(_memory(url, lanes)) for lanes in (FEW, MANY)}
    return [*_of_cpu(cpu), *_of_what_is_held(open_, held)]


def _of_cpu(cpu: Mapping[str, tuple[float, ...]]) -> list[Row]:
    def row(what: str, ours: str, peer: str, sense: Any, limit: float) -> Row:
        return Row("P6", f"call, {what}", "us", cpu[ours], cpu[peer], sense, limit)

    own = f"{MANY} lanes, an account each, CPU"
    return [
        row(f"one account, CPU: {MANY} lanes over {FEW}", "one/many", "one/few",
            "at most", 1.5),
        row(f"an account per lane, CPU: {MANY} lanes over {FEW}", "own/many",
            "own/few", "at most", 1.5),
        row(f"{own}: over an httpx client per lane", "own/many", "httpx/own",
            "at most", 1.0),
        row(f"{MANY} lanes, one account, CPU: a shared httpx client over ours",
            "one/many", "httpx/one", "at least", 2.0),
    ]  # fmt: skip


def _of_what_is_held(
    open_: Mapping[tuple[int, int], int], held: Mapping[int, float]
) -> list[Row]:
    return [
        *(
            Row(
                "P6",
                f"connections per lane in flight, {lanes} lanes, {accounts} account(s)",
                "",
                (found / lanes,),
                (),
                "at most",
                1.0,
            )
            for (lanes, accounts), found in open_.items()
        ),
        Row(
            "P6",
            f"memory of a lane with a client of its own: {MANY} lanes over {FEW}",
            "B",
            (held[MANY],),
            (held[FEW],),
            "at most",
            1.1,
        ),
    ]


@frozen
class _Side:
    """Lanes that call at once."""

    lanes: Sequence[Call]

    async def spend(self) -> float:
        """CPU microseconds of a call; the first of each lane opens its connection."""
        await self.call_once()
        times = CALLS // len(self.lanes)
        began = time.process_time()
        for _ in range(times):
            await self.call_once()
        return (time.process_time() - began) / (times * len(self.lanes)) * 1e6

    async def call_once(self) -> None:
        await asyncio.gather(*(call() for call in self.lanes))


async def _cpu(url: str, *, rounds: int) -> dict[str, tuple[float, ...]]:
    found: dict[str, list[float]] = {}
    async with AsyncExitStack() as stack:
        sides = {
            "one/few": await _ours(stack, url, FEW, accounts=1),
            "one/many": await _ours(stack, url, MANY, accounts=1),
            "own/few": await _ours(stack, url, FEW, accounts=FEW),
            "own/many": await _ours(stack, url, MANY, accounts=MANY),
            "httpx/own": await _httpx(stack, url, clients=MANY),
            "httpx/one": await _httpx(stack, url, clients=1),
        }
        for round_ in range(rounds + 1):
            for name, side in sides.items():
                spent = await side.spend()
                if round_:  # the first warms up
                    found.setdefault(name, []).append(spent)
    return {name: tuple(all_) for name, all_ in found.items()}


async def _ours(stack: AsyncExitStack, url: str, lanes: int, *, accounts: int) -> _Side:
    gateways = []
    for _ in range(accounts):
        client = open_client("key", base_url=url, user_agent="bench")
        stack.push_async_callback(client.aclose)
        gateways.append(TimelinesGateway(client))
    return _Side([partial(_send, gateways[lane % accounts]) for lane in range(lanes)])


async def _send(gateway: TimelinesGateway) -> None:
    answer = await gateway.send(PARCEL, WITHIN)
    assert isinstance(answer, Accepted), f"the bench's server refuses: {answer!r}"


async def _httpx(stack: AsyncExitStack, url: str, *, clients: int) -> _Side:
    made = [
        await stack.enter_async_context(httpx.AsyncClient(limits=_ALL))
        for _ in range(clients)
    ]
    target = f"{url}/messages"
    return _Side([partial(_post, made[lane % clients], target) for lane in range(MANY)])


async def _post(client: httpx.AsyncClient, target: str) -> None:
    (await client.post(target, json=BODY)).raise_for_status()


async def _connections(url: str, lanes: int, accounts: int) -> int:
    """How many this side has opened in several rounds of calls of all its lanes."""
    before = await asyncio.to_thread(_opened, url)
    async with AsyncExitStack() as stack:
        side = await _ours(stack, url, lanes, accounts=accounts)
        for _ in range(CALLS // MANY):
            await side.call_once()
        after = await asyncio.to_thread(_opened, url)
    return after - before - 1  # that of the question


async def _memory(url: str, lanes: int) -> float:
    """Bytes of a lane with a client of its own and an open connection."""
    async with AsyncExitStack() as stack:
        # what is loaded and kept once, whatever the number of lanes
        await (await _ours(stack, url, 1, accounts=1)).call_once()
        gc.collect()
        tracemalloc.start()
        try:
            side = await _ours(stack, url, lanes, accounts=lanes)
            for _ in range(CALLS // MANY):
                await side.call_once()
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    return held / lanes


def _opened(url: str) -> int:
    with urllib.request.urlopen(f"{url}/connections") as answer:
        found: int = json.load(answer)["opened"]
    return found
