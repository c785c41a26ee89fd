"""What only the guard over Redis can get wrong: its store, its wire, its keys."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from attrs import evolve
from redis.asyncio import Redis
from tests.adapters.own_redis import own_redis

from outreach.adapters.redis import RedisGuard, connect
from outreach.adapters.redis._scripts import SCRIPTS
from outreach.domain.budget import Ask, Budget, Grant, GuardCode, Units, UnitSlot
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.ids import IntentId, SenderId

DAY = date(2026, 3, 2)
HOURS = timedelta(hours=9)
KEEP_S = 48 * 3600
TOTAL = Budget("total:2026-03-02", 100, 1, timedelta(days=20))
CALLERS = 50
FORGETFUL = {
    b"INFO": b"$49\r\nrun_id:" + b"0" * 40 + b"\r\n\r\n",
    b"TIME": b"*2\r\n:1\r\n:1\r\n",
    b"LOAD": b"+loaded\r\n",
    b"EVALSHA": b"-NOSCRIPT No matching script.\r\n",
}


def slot_of(sender: SenderId) -> UnitSlot:
    return UnitSlot(sender, DAY)


def ask(slot: UnitSlot, *budgets: Budget, rid: IntentId | None = None) -> Ask:
    return Ask(rid or IntentId(uuid4()), slot, 1, 100, 1, HOURS, budgets)


def units(slot: UnitSlot, *ids: IntentId, expires_in: timedelta = HOURS) -> Units:
    return Units(slot, ids, 0, 100, 1, expires_in, ((TOTAL.key, ()),))


def do(client: Redis, *command: str | bytes | int) -> Any:
    return cast("Any", client).execute_command(*command)


@pytest.fixture
def slot() -> UnitSlot:
    return slot_of(SenderId(uuid4()))


@pytest.fixture
def key(slot: UnitSlot) -> str:
    return f"quota:wa:{{{slot.sender}}}:2026-03-02"


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with connect(redis_url) as client:
        yield client


@pytest.fixture
async def guard(client: Redis, slot: UnitSlot) -> AsyncIterator[RedisGuard]:
    guard = RedisGuard(client)
    await guard.rebuild([units(slot)])
    yield guard
    await guard.aclose()


async def test_keys_are_those_of_the_specification(
    guard: RedisGuard, client: Redis, slot: UnitSlot, key: str
) -> None:
    asked = ask(slot, TOTAL)

    await guard.reserve([asked])

    fields = await do(client, "HKEYS", key)
    budget = await do(client, "HKEYS", key.replace("2026-03-02", TOTAL.key))
    assert set(fields) == set(budget) == {b"meta", asked.rid.bytes}
    assert await guard.held(slot) == {asked.rid}


async def test_records_outlive_their_period_by_two_days(
    guard: RedisGuard, client: Redis, slot: UnitSlot, key: str
) -> None:
    await guard.reserve([ask(slot, TOTAL)])

    day = await client.ttl(key)
    budget = await client.ttl(key.replace("2026-03-02", TOTAL.key))
    record = await client.ttl(f"{key}:budgets")
    assert day == record == pytest.approx(HOURS.total_seconds() + KEEP_S, abs=60)
    assert budget == pytest.approx(20 * 86_400 + KEEP_S, abs=60)


async def test_a_day_long_past_is_not_deleted_at_once(
    guard: RedisGuard, client: Redis, key: str, slot: UnitSlot
) -> None:
    await client.delete(key)

    await guard.rebuild([units(slot, expires_in=timedelta(days=-9))])

    assert await client.ttl(key) == pytest.approx(KEEP_S, abs=60)
    past = evolve(TOTAL, expires_in=timedelta(days=-9))
    [grant] = await guard.reserve([ask(slot, past)])
    [again] = await guard.reserve([ask(slot, past)])
    assert [grant.used, again.used] == [1, 2]


async def test_a_rebuild_never_shortens_what_is_kept(
    guard: RedisGuard, client: Redis, key: str, slot: UnitSlot
) -> None:
    await guard.rebuild([units(slot, expires_in=timedelta(hours=1))])

    assert await client.ttl(key) == pytest.approx(
        HOURS.total_seconds() + KEEP_S, abs=60
    )


async def test_a_lead_and_day_costs_at_most_100_bytes(
    guard: RedisGuard, client: Redis, slot: UnitSlot, key: str
) -> None:
    await guard.reserve([evolve(ask(slot), limit=200) for _ in range(200)])

    used = await client.memory_usage(key, samples=0)

    assert used / 200 <= 100


async def test_emptied_scripts_are_loaded_again_and_nothing_costs_twice(
    guard: RedisGuard, client: Redis, slot: UnitSlot
) -> None:
    asks = [ask(slot) for _ in range(CALLERS)]
    await guard.reserve(asks[:1])

    await client.script_flush()
    answers = await asyncio.gather(*(guard.reserve([each]) for each in asks))

    assert {grant.code for [grant] in answers} == {GuardCode.OK}
    assert await guard.held(slot) == {each.rid for each in asks}


async def test_an_emptied_store_grants_nothing_until_it_is_rebuilt(
    guard: RedisGuard, client: Redis, slot: UnitSlot, key: str
) -> None:
    kept = ask(slot)
    await guard.reserve([kept])
    await client.delete(key)

    [grant] = await guard.reserve([kept])
    await guard.rebuild([units(slot, kept.rid)])
    [after] = await guard.reserve([kept])

    assert grant == Grant(GuardCode.NEED_REBUILD, 0, 100)
    assert after == Grant(GuardCode.OK, 1, 100)


async def test_one_bad_reply_does_not_fail_its_neighbours(
    guard: RedisGuard, client: Redis, slot: UnitSlot
) -> None:
    broken = slot_of(SenderId(uuid4()))
    await client.set(f"quota:wa:{{{broken.sender}}}:2026-03-02", "not a hash")
    asks = [ask(broken if n % 2 else slot) for n in range(CALLERS)]

    answers = await asyncio.gather(
        *(guard.reserve([each]) for each in asks), return_exceptions=True
    )

    for asked, answer in zip(asks, answers, strict=True):
        assert isinstance(answer, Unavailable) == (asked.slot == broken)
    assert len(await guard.held(slot)) == CALLERS // 2


async def test_calls_that_come_together_travel_together(
    guard: RedisGuard, client: Redis, slot: UnitSlot
) -> None:
    async def reads() -> int:
        return int((await client.info("stats"))["total_reads_processed"])

    before = await reads()
    await asyncio.gather(*(guard.reserve([ask(slot)]) for _ in range(200)))

    assert await reads() - before <= 1 + 4  # INFO itself, and a few packets


async def test_more_than_a_pipeline_holds_is_answered_in_order(
    guard: RedisGuard, slot: UnitSlot
) -> None:
    asks = [evolve(ask(slot), limit=2_000) for _ in range(1_000)]

    many = await guard.reserve(asks)
    again = await asyncio.gather(*(guard.reserve([each]) for each in asks))

    assert [grant.used for grant in many] == list(range(1, 1_001))
    assert {grant.used for [grant] in again} == {1_000}


async def test_a_silent_server_is_unavailable_in_time_and_used_again_later(
    client: Redis, redis_url: str, slot: UnitSlot
) -> None:
    guard = RedisGuard(client, timeout=timedelta(milliseconds=200))
    await guard.rebuild([units(slot)])
    asked = ask(slot)
    async with connect(redis_url) as other:
        await do(other, "CLIENT", "PAUSE", 600)
        began = time.monotonic()

        with pytest.raises(Unavailable, match=re.escape("within 0.2 s")):
            await guard.reserve([asked])

        assert time.monotonic() - began < 0.5
    await asyncio.sleep(0.5)
    [grant] = await guard.reserve([asked])
    assert grant == Grant(GuardCode.OK, 1, 100)
    await guard.aclose()


async def test_a_caller_that_is_gone_disturbs_nobody(
    guard: RedisGuard, slot: UnitSlot
) -> None:
    calls = [asyncio.create_task(guard.reserve([ask(slot)])) for _ in range(CALLERS)]
    await asyncio.sleep(0)
    for call in calls[::2]:
        call.cancel()

    answers = await asyncio.gather(*calls[1::2])

    assert {grant.code for [grant] in answers} == {GuardCode.OK}
    assert len(await guard.held(slot)) == len(answers), "what was not sent yet is not"


async def test_a_lost_connection_is_made_again(
    guard: RedisGuard, client: Redis, slot: UnitSlot
) -> None:
    asked = ask(slot)
    for _ in range(3):
        await do(client, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        with suppress(Unavailable):  # it may not have noticed yet
            await guard.reserve([asked])

        [grant] = await guard.reserve([asked])

        assert grant == Grant(GuardCode.OK, 1, 100)


async def test_callers_race_while_connections_are_killed(
    guard: RedisGuard, client: Redis, slot: UnitSlot
) -> None:
    granted: set[IntentId] = set()

    async def insist(asked: Ask) -> None:
        while asked.rid not in granted:
            with suppress(Unavailable):
                [grant] = await guard.reserve([asked])
                if grant.code == GuardCode.QUOTA_EXCEEDED:
                    return
                granted.add(asked.rid)

    async def disturb() -> None:
        for _ in range(20):
            await do(client, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            await client.script_flush()
            await asyncio.sleep(0.002)

    asks = [evolve(ask(slot), limit=30) for _ in range(CALLERS)]
    await asyncio.gather(disturb(), *(insist(each) for each in asks))

    assert len(granted) == 30
    assert await guard.held(slot) == granted


async def test_a_restarted_server_is_another_run_and_not_believed() -> None:
    slot = slot_of(SenderId(uuid4()))
    asked = ask(slot)
    with own_redis() as server:
        async with connect(server.url) as client:
            guard = RedisGuard(client)
            await guard.rebuild([units(slot)])
            await guard.reserve([asked])
            run = await guard.store_id()

            server.stop()
            with pytest.raises(Unavailable):
                await guard.reserve([asked])
            server.start()
            [grant] = await guard.reserve([asked])

            assert await guard.held(slot) == {asked.rid}
            assert grant == Grant(GuardCode.NEED_REBUILD, 1, 100)
            assert await guard.store_id() != run
            await guard.rebuild([units(slot)])
            assert await guard.reserve([asked]) == [Grant(GuardCode.OK, 1, 100)]
            await guard.aclose()


async def test_a_server_behind_a_password_and_a_database_is_reached() -> None:
    with own_redis("--requirepass", "s e/c:r@t") as server:
        url = f"unix://:s%20e%2Fc%3Ar%40t@{server.socket}?db=3"
        async with connect(url) as client, connect(server.url) as stranger:
            guard, outside = RedisGuard(client), RedisGuard(stranger)
            slot = slot_of(SenderId(uuid4()))

            await guard.rebuild([units(slot)])
            with pytest.raises(Unavailable) as refused:
                await outside.peek([slot])

            assert (await guard.peek([slot]))[0].code == GuardCode.OK
            assert await do(client, "DBSIZE") == 2
            assert "s e/c" not in str(refused.value)
            await guard.aclose()


async def test_no_server_is_unavailable_at_once() -> None:
    async with connect("unix:///nowhere/redis.sock") as client:
        guard = RedisGuard(client)
        began = time.monotonic()

        calls = [guard.peek([slot_of(SenderId(uuid4()))]) for _ in range(CALLERS)]
        answers = await asyncio.gather(*calls, return_exceptions=True)

        assert {type(answer) for answer in answers} == {Unavailable}
        assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*1\r\n:x\r\n", b"+OK\r\n" * 20, b""]
)
async def test_what_is_no_redis_is_unavailable(said: bytes) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, connect(f"redis://127.0.0.1:{port}") as client:
        guard = RedisGuard(client, timeout=timedelta(milliseconds=500))

        with pytest.raises(Unavailable):
            await guard.store_id()


async def test_a_server_that_loses_its_scripts_at_once_is_unavailable() -> None:
    async def forget(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while said := await reader.read(100_000):
            for command in re.findall(rb"\$\d+\r\n(INFO|TIME|LOAD|EVALSHA)\r\n", said):
                writer.write(FORGETFUL[command])
        writer.close()

    server = await asyncio.start_server(forget, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = Redis(port=port, lib_name=None, lib_version=None)
    async with server, client:
        guard = RedisGuard(client)

        with pytest.raises(Unavailable, match="NOSCRIPT"):
            await guard.peek([slot_of(SenderId(uuid4()))])

        await guard.aclose()
        await asyncio.sleep(0.05)  # the server's side of it, too


async def test_a_release_touches_no_key_it_was_not_given(
    guard: RedisGuard, client: Redis, slot: UnitSlot, key: str
) -> None:
    asked, budget = ask(slot, TOTAL), key.replace("2026-03-02", TOTAL.key)
    await guard.reserve([asked])
    keys = key, f"{key}:budgets"
    sha = SCRIPTS["release"].sha

    missing = await do(client, "EVALSHA", sha, 2, *keys, asked.rid.bytes)

    assert missing == [budget.encode()]
    assert await guard.held(slot) == {asked.rid}
    assert await do(client, "HEXISTS", budget, asked.rid.bytes) == 1


async def test_what_was_released_is_no_longer_on_record(
    guard: RedisGuard, client: Redis, slot: UnitSlot, key: str
) -> None:
    asked = ask(slot, TOTAL)
    await guard.reserve([asked])

    await guard.release(asked.rid, slot)

    assert await client.exists(f"{key}:budgets") == 0


async def test_a_closed_guard_opens_again_when_asked(
    guard: RedisGuard, slot: UnitSlot
) -> None:
    await guard.aclose()
    await guard.aclose()

    assert (await guard.peek([slot]))[0].code == GuardCode.OK


@pytest.mark.parametrize("key", ["2026-03-02", "total\n2026", "9:x"])
async def test_a_budget_that_could_be_taken_for_a_day_is_refused(
    guard: RedisGuard, slot: UnitSlot, key: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(key))):
        await guard.reserve([ask(slot, evolve(TOTAL, key=key))])


async def test_a_prefix_that_would_move_the_hash_tag_is_refused(client: Redis) -> None:
    with pytest.raises(Misconfigured, match="no braces"):
        RedisGuard(client, prefix="{a}")


@pytest.mark.parametrize(
    "url",
    ["", "http://h", "redis://:sec/ret@h/0", "redis://:secret@h:70x/0", "secret"],
)
def test_a_url_that_cannot_be_read_is_named_without_its_secret(url: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        connect(url)

    assert "redis://user:password@host" in str(caught.value)
    assert "sec" not in str(caught.value)
