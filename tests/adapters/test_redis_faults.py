"""Whatever the guard's server says or does not say, nobody is granted too much."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any, Final, cast
from uuid import uuid4

import pytest
from attrs import evolve
from redis.asyncio import Redis
from redis.exceptions import RedisError
from tests.adapters.own_redis import OwnRedis, own_redis

from outreach.adapters.redis import RedisGuard, connect
from outreach.domain.budget import Ask, Budget, Grant, GuardCode, Units, UnitSlot
from outreach.domain.errors import Unavailable
from outreach.domain.ids import IntentId, SenderId

SLOT: Final = UnitSlot(SenderId(uuid4()), date(2026, 3, 2))
HOURS: Final = timedelta(hours=9)
TOTAL: Final = Budget("total:2026-03-02", 3, 1, HOURS)
COMPANY: Final = Budget("company:ab:2026-03", 3, 1, timedelta(days=20))
SOON: Final = timedelta(milliseconds=300)
ERRORS: Final = (
    "OOM command not allowed when used memory > 'maxmemory'.",
    "BUSY Redis is busy running a script.",
    "LOADING Redis is loading the dataset in memory",
    "READONLY You can't write against a read only replica.",
    "MOVED 3999 127.0.0.1:6381",
    "ASK 3999 127.0.0.1:6381",
    "CLUSTERDOWN Hash slot not served",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "NOREPLICAS Not enough good replicas to write.",
    "NOPERM User has no permissions to run the 'evalsha' command",
    "MISCONF Errors writing to the AOF file",
    "ERR anything else",
)
GRANTED: Final = b"*3\r\n:0\r\n:1\r\n:0\r\n"
PLAIN: Final = {
    b"INFO": b"$49\r\nrun_id:" + b"0" * 40 + b"\r\n\r\n",
    b"TIME": b"*2\r\n:1\r\n:1\r\n",
    b"LOAD": b"+loaded\r\n",
}
COMMAND: Final = re.compile(rb"\$\d+\r\n(INFO|TIME|LOAD|EVALSHA)\r\n")

Answers = Callable[[int], bytes | None]
"""What the nth EVALSHA is answered; None: nothing any more."""


def ask(*budgets: Budget, limit: int = 3) -> Ask:
    return Ask(IntentId(uuid4()), SLOT, 1, limit, 1, HOURS, budgets)


def units(*ids: IntentId, **held: tuple[IntentId, ...]) -> Units:
    keys = {"total": TOTAL.key, "company": COMPANY.key}
    budgets = tuple((keys[name], of) for name, of in held.items())
    return Units(SLOT, ids, 0, 3, 1, HOURS, budgets)


def do(client: Redis, *command: str | int) -> Any:
    return cast("Any", client).execute_command(*command)


@asynccontextmanager
async def scripted(
    answers: Answers, *, said: dict[bytes, bytes] = PLAIN
) -> AsyncIterator[RedisGuard]:
    """A guard at a server that says what a test wants it to."""
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        with contextlib.suppress(ConnectionError):
            while heard := await reader.read(100_000):
                for command in COMMAND.findall(heard):
                    if command != b"EVALSHA":
                        writer.write(said[command])
                    elif (answer := answers(asked)) is not None:
                        asked += 1
                        writer.write(answer)
                    else:
                        asked += 1
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = Redis(port=port, lib_name=None, lib_version=None)
    async with server, client:
        guard = RedisGuard(client, timeout=SOON)
        yield guard
        await guard.aclose()
        await asyncio.sleep(0.05)  # the server's side of it, too


@asynccontextmanager
async def real(
    *options: str,
) -> AsyncIterator[tuple[RedisGuard, Redis, OwnRedis]]:
    """A guard at a server of its own, with an empty slot and two further budgets."""
    with own_redis(*options) as server:
        async with connect(server.url) as client, connect(server.url) as admin:
            guard = RedisGuard(client)
            await guard.rebuild([units(total=(), company=())])
            yield guard, admin, server
            await guard.aclose()


async def nothing_is_held(guard: RedisGuard) -> bool:
    held = [await guard.held(SLOT, key) for key in ("", TOTAL.key, COMPANY.key)]
    return held == [frozenset()] * 3


# --- a server that says no


@pytest.mark.parametrize("error", ERRORS)
async def test_an_error_fails_its_own_call_alone_and_the_next_one_works(
    error: str,
) -> None:
    def answers(nth: int) -> bytes:
        return f"-{error}\r\n".encode() if nth == 1 else GRANTED

    async with scripted(answers) as guard:
        first, second, third, fourth = await asyncio.gather(
            *(guard.reserve([ask()]) for _ in range(4)), return_exceptions=True
        )
        fifth = await guard.reserve([ask()])

    assert isinstance(second, Unavailable)
    assert error.split(maxsplit=1)[0] in str(second)
    for granted in (first, third, fourth, fifth):
        assert granted == [Grant(GuardCode.OK, 1, 3)]


async def test_one_error_among_the_asks_of_a_caller_is_no_answer_to_any() -> None:
    def answers(nth: int) -> bytes:
        return b"-OOM full\r\n" if nth == 1 else GRANTED

    async with scripted(answers) as guard:
        mixed, alone = await asyncio.gather(
            guard.reserve([ask(), ask(), ask()]),
            guard.reserve([ask()]),
            return_exceptions=True,
        )

    assert isinstance(mixed, Unavailable)
    assert alone == [Grant(GuardCode.OK, 1, 3)]


@pytest.mark.parametrize("error", ["LOADING still", "NOAUTH Authentication required."])
@pytest.mark.parametrize("command", [b"INFO", b"TIME", b"LOAD"])
async def test_a_server_that_is_not_ready_yet_is_unavailable(
    command: bytes, error: str
) -> None:
    said = {**PLAIN, command: f"-{error}\r\n".encode()}

    async with scripted(lambda _: GRANTED, said=said) as guard:
        with pytest.raises(Unavailable):
            await guard.reserve([ask()])

        said.update(PLAIN)
        assert await guard.reserve([ask()]) == [Grant(GuardCode.OK, 1, 3)]


# --- a server that says nothing


async def test_a_server_that_hangs_in_a_pipeline_answers_those_it_answered() -> None:
    async with scripted(lambda nth: GRANTED if nth < 2 or nth > 4 else None) as guard:
        began = time.monotonic()
        answers = await asyncio.gather(
            *(guard.reserve([ask()]) for _ in range(5)), return_exceptions=True
        )
        took = time.monotonic() - began
        after = await guard.reserve([ask()])

    granted = [Grant(GuardCode.OK, 1, 3)]
    assert answers[:2] == [granted, granted]
    assert {type(answer) for answer in answers[2:]} == {Unavailable}
    assert took < 3 * SOON.total_seconds()
    assert after == granted


async def test_a_server_that_accepts_and_is_silent_is_unavailable_in_time() -> None:
    silent = dict.fromkeys(PLAIN, b"")
    async with scripted(lambda _: GRANTED, said=silent) as guard:
        began = time.monotonic()
        answers = await asyncio.gather(
            *(guard.reserve([ask()]) for _ in range(5)), return_exceptions=True
        )

        assert {type(answer) for answer in answers} == {Unavailable}
        assert time.monotonic() - began < 3 * SOON.total_seconds()


async def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one() -> None:
    full = b"*3\r\n:1\r\n:3\r\n:1\r\n"
    release = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        late = not release.is_set()
        with contextlib.suppress(ConnectionError):
            while heard := await reader.read(100_000):
                for command in COMMAND.findall(heard):
                    if command == b"EVALSHA" and late:
                        await release.wait()
                        writer.write(GRANTED)
                    elif command == b"EVALSHA":
                        writer.write(full)
                    else:
                        writer.write(PLAIN[command])
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Redis(port=port, lib_name=None, lib_version=None) as client:
        guard = RedisGuard(client, timeout=SOON)
        with pytest.raises(Unavailable):
            await guard.reserve([ask()])
        release.set()

        [after] = await guard.reserve([ask()])

        assert after.code is GuardCode.QUOTA_EXCEEDED
        await guard.aclose()
        await asyncio.sleep(0.05)


# --- real servers in real trouble


async def test_a_server_without_memory_takes_all_budgets_or_none() -> None:
    async with real() as (guard, admin, _):
        asked = ask(TOTAL, COMPANY)
        await do(admin, "CONFIG", "SET", "maxmemory", 1)

        with pytest.raises(Unavailable, match="OOM"):
            await guard.reserve([asked])

        await do(admin, "CONFIG", "SET", "maxmemory", 0)
        assert await nothing_is_held(guard)
        [grant] = await guard.reserve([asked])
        assert grant == Grant(GuardCode.OK, 1, 3)


async def test_a_server_that_became_a_replica_grants_nothing() -> None:
    async with real() as (guard, admin, _):
        await do(admin, "REPLICAOF", "127.0.0.1", 1)

        with pytest.raises(Unavailable, match="READONLY"):
            await guard.reserve([ask(TOTAL)])

        await do(admin, "REPLICAOF", "NO", "ONE")
        assert await nothing_is_held(guard)
        [grant] = await guard.reserve([ask(TOTAL)])
        assert grant.code is GuardCode.OK


async def test_a_server_that_is_busy_with_a_script_grants_nothing() -> None:
    async with real() as (guard, admin, server):
        await do(admin, "CONFIG", "SET", "lua-time-limit", 20)
        async with connect(server.url) as other:
            loop = asyncio.create_task(do(other, "EVAL", "while true do end", 0))
            await asyncio.sleep(0.2)

            with pytest.raises(Unavailable, match="BUSY"):
                await guard.reserve([ask(TOTAL)])

            await do(admin, "SCRIPT", "KILL")
            with pytest.raises(RedisError):
                await loop
        assert await nothing_is_held(guard)
        [grant] = await guard.reserve([ask(TOTAL)])
        assert grant.code is GuardCode.OK


async def test_everything_lost_at_once_is_rebuilt_before_it_grants() -> None:
    async with real() as (guard, admin, _):
        kept = ask(TOTAL, COMPANY)
        await guard.reserve([kept])
        await do(admin, "FLUSHALL")
        await do(admin, "SCRIPT", "FLUSH")

        [day] = await guard.reserve([ask(TOTAL, COMPANY)])
        await guard.rebuild([units(kept.rid)])
        [budget] = await guard.reserve([ask(TOTAL, COMPANY)])
        await guard.rebuild([units(kept.rid, total=(kept.rid,))])
        [company] = await guard.reserve([ask(TOTAL, COMPANY)])
        await guard.rebuild([units(kept.rid, company=(kept.rid,))])
        [granted] = await guard.reserve([ask(TOTAL, COMPANY)])

        need = GuardCode.NEED_REBUILD
        assert day == Grant(need, 0, 3)
        assert budget == Grant(need, 1, 3, TOTAL.key)
        assert company == Grant(need, 1, 3, COMPANY.key)
        assert granted == Grant(GuardCode.OK, 2, 3)


async def test_an_old_dump_is_not_believed_after_a_restart() -> None:
    async with real("--appendonly", "no") as (guard, admin, server):
        first, second, third, late = (ask(TOTAL, COMPANY) for _ in range(4))
        await guard.reserve([first])
        await do(admin, "SAVE")
        dump = server.socket.parent / "dump.rdb"
        old = dump.with_suffix(".old")
        shutil.copy(dump, old)
        await guard.reserve([second, third])
        await do(admin, "SAVE")

        server.stop()
        shutil.copy(old, dump)
        server.start()
        answers: list[Grant] = []
        for _ in range(2):
            with contextlib.suppress(Unavailable):  # it may not have noticed yet
                answers += await guard.reserve([evolve(late)])
        held = await guard.held(SLOT, TOTAL.key)
        ledger = (first.rid, second.rid, third.rid)
        await guard.rebuild([units(*ledger, total=ledger, company=ledger)])
        [full] = await guard.reserve([late])
        again = await guard.reserve([first, second, third])

        assert {answer.code for answer in answers} == {GuardCode.NEED_REBUILD}
        assert held == {first.rid}, "the server did start from the old dump"
        assert full == Grant(GuardCode.QUOTA_EXCEEDED, 3, 3)
        assert [grant.code for grant in again] == [GuardCode.OK] * 3
        assert await guard.held(SLOT, COMPANY.key) == set(ledger)


async def test_in_a_cluster_all_keys_of_a_sender_are_in_one_slot() -> None:
    async with real() as (guard, admin, _):
        asked = ask(TOTAL, COMPANY)
        await guard.reserve([asked])

        keys = [key async for key in admin.scan_iter("*")]

        tags = {re.findall(rb"\{([^}]*)\}", key)[0] for key in keys}
        assert len(keys) == 4
        assert tags == {str(SLOT.sender).encode()}
