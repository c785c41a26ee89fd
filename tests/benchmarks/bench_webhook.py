"""P5, our own part: commits that carry many webhooks against one INSERT for each.

Both sides are the same app on the same server and differ in the inbox only. They run
in two processes over one PostgreSQL, in turns (ABAB); what is compared is the CPU
time of each process per request, user and system. The load comes from this process.
The module run by itself is one of the two servers.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Final, Literal

import uvloop
from attrs import frozen
from tests.benchmarks.rows import Row
from tests.servers import SCHEMA, open_folder

from outreach.adapters.memory.bell import MemoryBell
from outreach.adapters.postgres.docs import jsonb
from outreach.adapters.postgres.inbox import PostgresInbox
from outreach.adapters.postgres.migrate import migrate
from outreach.adapters.postgres.pool import Database
from outreach.adapters.system import uuid7
from outreach.adapters.timelinesai import TimelinesReader
from outreach.domain.event import Arrival
from outreach.entrypoints.embedded import start
from outreach.entrypoints.logs import set_up_logs
from outreach.entrypoints.metrics import Metrics
from outreach.entrypoints.settings import Secret
from outreach.entrypoints.web.app import WebhookRoute, WebParts, create_app
from outreach.entrypoints.web.server import Server

__all__ = ["BARS", "measure", "rows"]

BARS: Final = ("P5",)
BAR: Final = 0.6
"""Grouped over single, CPU per request (PERFORMANCE.md, P5)."""

CALLERS: Final = 50
HOST: Final = "127.0.0.1"
TOKEN: Final = "bench"

Mode = Literal["grouped", "single"]
MODES: Final[tuple[Mode, ...]] = ("grouped", "single")
_numbers = count()


class OneInsert(PostgresInbox):
    """Each arrival in a transaction of its own; else the same statement."""

    async def put(self, arrival: Arrival) -> bool:
        one = self.ids()
        document = {
            "id": one,
            "provider": arrival.provider,
            "account": arrival.account,
            "key": arrival.key,
            "type": arrival.type,
            "address": str(arrival.address or ""),
        }
        arguments = (jsonb([document]), [arrival.raw])
        stored = await self.database.values("SELECT take_in(%s, %s)", arguments)
        return stored == [one]


async def measure(url: str, *, rounds: int, requests: int) -> Row:
    """Measure against a migrated database of its own."""
    cpu: Mapping[Mode, list[float]] = {mode: [] for mode in MODES}
    async with AsyncExitStack() as stack:
        sides = {
            mode: await stack.enter_async_context(_child(mode, url)) for mode in MODES
        }
        for side in sides.values():
            await _load(side.port, requests // 4)
        for _ in range(rounds):
            for mode, side in sides.items():
                used = await side.used()
                sent = await _load(side.port, requests)
                cpu[mode].append((await side.used() - used) / sent * 1e6)
    return Row(
        "P5",
        "webhook stored, CPU per request: grouped commits over one INSERT each",
        "us",
        ours=(*cpu["grouped"],),
        peer=(*cpu["single"],),
        sense="at most",
        limit=BAR,
    )


def rows(*, quick: bool, only: frozenset[str]) -> list[Row]:
    """P5, our own part."""
    del only  # there is one bar
    rounds, requests = (3, 1_000) if quick else (5, 4_000)
    with _database() as url:
        return [asyncio.run(measure(url, rounds=rounds, requests=requests))]


@frozen
class _Child:
    """A server process; it answers each line with the CPU seconds it has used."""

    port: int
    _ask: asyncio.StreamWriter
    _answers: asyncio.StreamReader

    async def used(self) -> float:
        self._ask.write(b"\n")
        return float(await self._answers.readline())


@contextmanager
def _database() -> Iterator[str]:
    with open_folder() as folder, start(folder / "data", durable=False) as servers:
        migrate(servers.postgres_url, schema=SCHEMA)
        yield servers.postgres_url


@asynccontextmanager
async def _child(mode: Mode, url: str) -> AsyncIterator[_Child]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.bench_webhook"),
        mode,
        url,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError
    try:
        port = int(await process.stdout.readline())
        yield _Child(port, process.stdin, process.stdout)
    finally:
        process.stdin.close()
        await process.wait()


async def _serve(mode: Mode, url: str) -> None:
    """Serve until standard input ends."""
    set_up_logs()
    database = Database(url, role="outreach_web")
    await database.open()
    inbox = (PostgresInbox if mode == "grouped" else OneInsert)(database, uuid7)
    route = WebhookRoute("timelinesai", "default", TimelinesReader(), (Secret(TOKEN),))
    parts = WebParts(
        inbox=inbox, bell=MemoryBell(), routes=[route], probes={}, metrics=Metrics()
    )
    server = Server(create_app(parts), HOST, 0)
    sys.stdout.write(f"{await server.start()}\n")
    sys.stdout.flush()
    while await asyncio.to_thread(sys.stdin.readline):
        sys.stdout.write(f"{time.process_time()}\n")
        sys.stdout.flush()
    await server.stop()
    await database.close()


async def _load(port: int, requests: int) -> int:
    """At least so many requests; answers how many."""
    share = -(-requests // CALLERS)
    await asyncio.gather(*(_caller(port, share) for _ in range(CALLERS)))
    return share * CALLERS


async def _caller(port: int, requests: int) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    for _ in range(requests):
        writer.write(_delivery())
        head = await reader.readuntil(b"\r\n\r\n")
        answer = await reader.readuntil(b"}")
        if not head.startswith(b"HTTP/1.1 200") or answer != b'{"stored":1}':
            raise AssertionError(head + answer)
    writer.close()


def _delivery() -> bytes:
    body = json.dumps(
        {
            "event_type": "message:received:new",
            "chat": {"chat_id": 123456, "is_group": False, "phone": "+40731000001"},
            "whatsapp_account": {"full_name": "A", "phone": "+40720000001"},
            "message": {
                "text": "Bună ziua, da, ne interesează. Cât costă pentru 200 de tone?",
                "direction": "received",
                "timestamp": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S +0000"),
                "message_uid": f"{os.getpid()}-{next(_numbers)}",
                "sender": {"full_name": "B", "phone": "+40731000001"},
                "recipient": {"full_name": "A", "phone": "+40720000001"},
            },
        }
    ).encode()
    head = (
        f"POST /webhooks/timelinesai/{TOKEN} HTTP/1.1\r\nHost: bench\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


if __name__ == "__main__":
    _mode, _url = sys.argv[1:]
    uvloop.run(_serve("grouped" if _mode == "grouped" else "single", _url))
