"""P5: a signed webhook, stored and answered, against Fastify and pg; and our commits
that carry many webhooks against one INSERT for each.

All sides are processes of their own, over one PostgreSQL, in turns; what is compared is
the CPU time of each process per request, user and system, and how many requests it
answers in a second. The load comes from this process. The module run by itself is one
of our servers.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from itertools import count
from typing import Final, Literal, Protocol, cast

import uvloop
from attrs import evolve, frozen
from psycopg.conninfo import conninfo_to_dict
from tests.adapters.resend_events import raw_of, signed
from tests.benchmarks.node_peer import NodePeer, open_peer
from tests.benchmarks.rows import Row
from tests.servers import SCHEMA, open_folder

from outreach.adapters.memory.bell import MemoryBell
from outreach.adapters.postgres.docs import jsonb
from outreach.adapters.postgres.inbox import PostgresInbox
from outreach.adapters.postgres.migrate import migrate
from outreach.adapters.postgres.pool import Database
from outreach.adapters.resend import ResendReader, signatures
from outreach.adapters.system import uuid7
from outreach.domain.event import Arrival
from outreach.entrypoints.embedded import start
from outreach.entrypoints.logs import set_up_logs
from outreach.entrypoints.metrics import Metrics
from outreach.entrypoints.web.app import WebhookRoute, WebParts, create_app
from outreach.entrypoints.web.server import Server

__all__ = ["BARS", "measure", "rows"]

BARS: Final = ("P5",)
GROUPED: Final = 0.6
"""Grouped over single, CPU per request (PERFORMANCE.md, P5)."""
STORED: Final = 1.2
"""Ours over Fastify's, CPU per request that is stored."""
RATE: Final = 1.0
"""Fastify's seconds for a request over ours."""
VERIFIED: Final = 1.8
"""Ours over Fastify's, CPU per request that is only verified."""

CALLERS: Final = 50
HOST: Final = "127.0.0.1"
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

Mode = Literal["grouped", "single", "verified"]
OURS: Final[tuple[Mode, ...]] = ("grouped", "single", "verified")
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


class Nothing(PostgresInbox):
    """Stores nothing."""

    async def put(self, arrival: Arrival) -> bool:
        del arrival
        return True


async def measure(url: str, *, rounds: int, requests: int) -> list[Row]:
    """Measure against a migrated database of its own."""
    cpu: dict[str, list[float]] = defaultdict(list)
    wall: dict[str, list[float]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        sides: dict[str, _Side] = {
            mode: await stack.enter_async_context(_child(mode, url)) for mode in OURS
        }
        for mode in ("store", "verify"):
            peer = await stack.enter_async_context(_peer(mode, url))
            sides[f"fastify {mode}"] = peer
        for side in sides.values():
            await _load(side.port, requests // 4)
        for _ in range(rounds):
            for name, side in sides.items():
                used, began = await side.used(), time.perf_counter()
                sent = await _load(side.port, requests)
                wall[name].append((time.perf_counter() - began) / sent * 1e6)
                cpu[name].append((await side.used() - used) / sent * 1e6)
    return [
        _row(
            "webhook stored, CPU: grouped commits over one INSERT each",
            cpu["grouped"],
            cpu["single"],
            GROUPED,
        ),
        _row(
            "webhook stored, CPU: ours over Fastify and pg",
            cpu["grouped"],
            cpu["fastify store"],
            STORED,
        ),
        evolve(
            _row(
                "webhook stored, wall: Fastify and pg over ours",
                wall["grouped"],
                wall["fastify store"],
                RATE,
            ),
            sense="at least",
        ),
        _row(
            "webhook verified only, CPU: ours over Fastify",
            cpu["verified"],
            cpu["fastify verify"],
            VERIFIED,
        ),
    ]


def _row(what: str, ours: list[float], peer: list[float], limit: float) -> Row:
    return Row(
        "P5", what, "us", ours=(*ours,), peer=(*peer,), sense="at most", limit=limit
    )


def rows(*, quick: bool, only: frozenset[str]) -> list[Row]:
    """P5, all of it."""
    del only  # there is one bar
    rounds, requests = (3, 1_000) if quick else (5, 4_000)
    with _database() as url:
        return asyncio.run(measure(url, rounds=rounds, requests=requests))


class _Side(Protocol):
    """A server process."""

    @property
    def port(self) -> int: ...

    async def used(self) -> float:
        """CPU seconds so far."""
        ...


@frozen
class _Child:
    """A server process; it answers each line with the CPU seconds it has used."""

    port: int
    _ask: asyncio.StreamWriter
    _answers: asyncio.StreamReader

    async def used(self) -> float:
        self._ask.write(b"\n")
        return float(await self._answers.readline())


@frozen
class _Fastify:
    """The peer; it answers as `_Child` does."""

    port: int
    peer: NodePeer

    async def used(self) -> float:
        told = await self.peer.ask("")
        return float(told["cpu"]) / 1e6


@asynccontextmanager
async def _peer(mode: str, url: str) -> AsyncIterator[_Fastify]:
    parts = conninfo_to_dict(url)
    where = (parts["host"], parts["dbname"], parts["user"])
    arguments = (mode, SECRET, *map(str, where))
    async with open_peer("fastify", "server.mjs", arguments) as peer:
        begun = await peer.heard()
        yield _Fastify(begun["port"], peer)


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
    kinds = {"grouped": PostgresInbox, "single": OneInsert, "verified": Nothing}
    inbox = kinds[mode](database, uuid7)
    route = WebhookRoute(
        "resend", "default", ResendReader(), signed=signatures([SECRET])
    )
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
    name = f"{os.getpid()}-{next(_numbers)}"
    body = raw_of("email.delivered", email_id=name)
    headers = signed(body, SECRET, int(time.time()), ref=name)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        "POST /webhooks/resend HTTP/1.1\r\nHost: bench\r\n"
        "Content-Type: application/json\r\n"
        f"{lines}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


if __name__ == "__main__":
    _mode, _url = sys.argv[1:]
    uvloop.run(_serve(cast("Mode", _mode), _url))
