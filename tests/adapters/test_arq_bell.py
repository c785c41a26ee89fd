"""What only a bell over arq can get wrong: its queue, its secrets, its patience."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from arq.connections import ArqRedis
from arq.constants import job_key_prefix
from arq.worker import create_worker
from redis.exceptions import RedisError
from structlog.testing import capture_logs
from tests.adapters.own_redis import own_redis

from outreach.adapters.arq import (
    ArqBell,
    connect_bell,
    hearing,
    listen,
    redis_settings,
    worker_settings,
)
from outreach.adapters.arq.jobs import channel_of, dump, load, queue_of
from outreach.adapters.memory.bell import LocalBell
from outreach.domain.errors import Misconfigured

JOB: dict[str, Any] = {"t": None, "f": "look", "a": [], "k": {}, "et": 1}
SECRET = "s3cr3t/pässword"
QUOTED = "s3cr3t%2Fp%C3%A4ssword"
NOWHERE = "unix:///nowhere/redis.sock"
SOON = timedelta(seconds=5)


NO_JOBS = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"look"',
    b"\xff\xfe",
    b"[" * 900,
    json.dumps({**JOB, "f": "os.system"}).encode(),
    json.dumps({**JOB, "a": ["lead"]}).encode(),
    json.dumps({**JOB, "k": {"x": 1}}).encode(),
    json.dumps({**JOB, "t": "1"}).encode(),
    json.dumps({**JOB, "et": 10.5}).encode(),
    json.dumps({**JOB, "et": True}).encode(),
    json.dumps({**JOB, "more": 1}).encode(),
    json.dumps({**JOB, "a": ["x" * 2_000]}).encode(),
]


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.path, "boom")


@pytest.fixture
def group() -> str:
    return uuid4().hex


@pytest.fixture
async def pool(redis_url: str) -> AsyncIterator[ArqRedis]:
    async with connect_bell(redis_url) as pool:
        yield pool


@asynccontextmanager
async def working(url: str, group: str, **more: Any) -> AsyncIterator[LocalBell]:
    heard = LocalBell()
    quick = {"poll_delay": 0.02, "cron_jobs": [], **more}
    listening = asyncio.create_task(listen(heard.ring, url, group=group, **quick))
    try:
        yield heard
        assert not listening.done(), "the worker has died"
    finally:
        listening.cancel()
        await asyncio.wait([listening])


async def enqueue(pool: ArqRedis, group: str, raw: bytes, name: str = "x") -> str:
    job = f"{name}:{uuid4().hex}"
    await pool.set(job_key_prefix + job, raw)
    await pool.zadd(queue_of(group), {job: 1})
    return job


async def drained(pool: ArqRedis, group: str) -> bool:
    for _ in range(250):
        if not await pool.zcard(queue_of(group)):
            return True
        await asyncio.sleep(0.02)
    return False


async def test_a_ring_leaves_look_and_no_arguments_in_the_queue(
    pool: ArqRedis, group: str
) -> None:
    bell = ArqBell(pool, group=group, now=lambda: 1_800_000_000.25)

    await bell.ring()
    await bell.ring(timedelta(seconds=0.5))
    await bell.ring(timedelta(seconds=0.75))
    await bell.ring(timedelta(seconds=-9))

    queued = await pool.zrange(queue_of(group), 0, -1, withscores=True)
    assert queued == [
        (f"look:{group}:1800000001".encode(), 1_800_000_001_000),
        (f"look:{group}:1800000002".encode(), 1_800_000_002_000),
    ]
    for name, _ in queued:
        job = json.loads(await pool.get(job_key_prefix + name.decode()) or b"")
        assert {**job, "et": 1} == JOB


async def test_a_pickle_in_the_queue_is_logged_and_dropped_unopened(
    pool: ArqRedis,
    redis_url: str,
    group: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bombs = [
        pickle.dumps(Bomb(tmp_path / "boom")),
        pickle.dumps({**JOB, "a": (Bomb(tmp_path / "boom"),)}, protocol=0),
    ]
    pickle.loads(bombs[0])
    assert (tmp_path / "boom").exists(), "the bomb is no bomb"
    (tmp_path / "boom").unlink()

    async with working(redis_url, group) as heard:
        for bomb in bombs:
            await enqueue(pool, group, bomb)

        assert await drained(pool, group)
        assert not await heard.wait(timedelta(seconds=0.1))

    assert not (tmp_path / "boom").exists()
    assert caplog.text.count("deserializing job") == len(bombs)


@pytest.mark.parametrize("job", NO_JOBS)
def test_what_is_no_job_of_ours_is_not_read(job: bytes) -> None:
    with pytest.raises(ValueError, match="job"):
        load(job)


async def test_what_is_no_job_of_ours_is_dropped(
    pool: ArqRedis, redis_url: str, group: str
) -> None:
    async with working(redis_url, group) as heard:
        for job in NO_JOBS:
            await enqueue(pool, group, job)

        assert await drained(pool, group)
        assert not await heard.wait(timedelta(seconds=0.1))
        await ArqBell(pool, group=group).ring()
        assert await heard.wait(SOON), "the next ring is heard all the same"


@pytest.mark.parametrize("broken", [{"f": "send"}, {"a": ["a lead"]}, {"k": {"x": 1}}])
def test_nothing_but_look_is_written(broken: dict[str, Any]) -> None:
    assert load(dump(JOB)) == {**JOB, "a": ()}

    with pytest.raises(ValueError, match="cron:look or look, without arguments"):
        dump({**JOB, **broken})


async def test_nothing_of_a_job_is_kept(
    pool: ArqRedis, redis_url: str, group: str
) -> None:
    async with working(redis_url, group) as heard:
        await ArqBell(pool, group=group).ring()

        assert await heard.wait(SOON)
        assert await drained(pool, group)

    kept = [key async for key in pool.scan_iter(f"*{group}*")]
    assert kept == [f"{queue_of(group)}:health-check".encode()]


async def test_a_look_that_fails_is_not_tried_again(
    pool: ArqRedis, redis_url: str, group: str
) -> None:
    failed = LocalBell()

    async def fail() -> None:
        await failed.ring()
        raise LookupError

    settings = worker_settings(fail, redis_url, group=group)
    async with working(redis_url, group, functions=settings["functions"]):
        await ArqBell(pool, group=group).ring()

        assert await failed.wait(SOON)
        assert await drained(pool, group)
        assert not await failed.wait(timedelta(seconds=0.1))


async def test_the_clock_rings_too(redis_url: str, group: str) -> None:
    heard = LocalBell()
    [job] = worker_settings(heard.ring, redis_url, group=group)["cron_jobs"]
    assert (job.second, job.minute, job.hour) == (0, None, None)
    job.second = None  # every second, not every minute

    async with working(redis_url, group, cron_jobs=[job]):
        assert await heard.wait(SOON)


async def test_a_worker_goes_on_after_its_server_was_restarted(group: str) -> None:
    with own_redis() as server:
        async with (
            working(server.url, group) as heard,
            connect_bell(server.url) as pool,
        ):
            bell = ArqBell(pool, group=group)
            await bell.ring()
            assert await heard.wait(SOON)

            server.stop()
            with capture_logs() as logs:
                await bell.ring()
            await asyncio.sleep(0.5)
            server.start()
            await bell.ring()

            assert await heard.wait(SOON)
            assert [entry["event"] for entry in logs] == ["bell.silent"]


async def test_an_idle_worker_asks_less_than_once_a_second(group: str) -> None:
    async def asked(pool: ArqRedis) -> dict[str, int]:
        stats = await pool.info("commandstats")
        return {name.removeprefix("cmdstat_"): stats[name]["calls"] for name in stats}

    poll_delay = worker_settings(LocalBell().ring, NOWHERE)["poll_delay"]
    with own_redis() as server:
        async with (
            connect_bell(server.url) as pool,
            working(server.url, group, poll_delay=poll_delay),
        ):
            await asyncio.sleep(0.3)
            before = await asked(pool)
            await asyncio.sleep(3)
            after = await asked(pool)

    asks = {name: after[name] - before.get(name, 0) for name in after if name != "info"}
    assert {name: count for name, count in asks.items() if count} == {
        "zrangebyscore": pytest.approx(1.5, abs=0.5)
    }


async def test_a_ring_waits_for_a_silent_server_no_longer_than_told(
    group: str,
) -> None:
    async def nothing(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with connect_bell(f"redis://127.0.0.1:{port}") as pool:
        bell = ArqBell(pool, group=group, timeout=timedelta(seconds=0.2))
        began = time.monotonic()

        with capture_logs() as logs:
            await bell.ring()

        assert time.monotonic() - began < 1
        assert [entry["error"] for entry in logs] == ["TimeoutError"]
    server.close()
    await server.wait_closed()
    await asyncio.sleep(0.05)  # its side of the connection, too


async def test_no_password_is_printed_or_logged(
    group: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = f"redis://someone:{QUOTED}@127.0.0.1:1/2"
    settings = worker_settings(LocalBell().ring, url, group=group)
    async with connect_bell(url) as pool:
        with capture_logs() as logs:
            await ArqBell(pool, group=group).ring()

    said = f"{settings} {pool!r} {logs} {caplog.text} {redis_settings(url)!s}"
    assert "bell.silent" in said
    assert "s3cr3t" not in said


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            f"unix://someone:{QUOTED}@/run/redis.sock?db=3",
            {
                "unix_socket_path": "/run/redis.sock",
                "database": 3,
                "username": "someone",
            },
        ),
        ("redis://h", {"host": "h", "port": 6379, "database": 0, "password": None}),
        ("rediss://h:7/1", {"host": "h", "port": 7, "database": 1, "ssl": True}),
        (f"redis://:{QUOTED}@h", {"password": SECRET, "ssl": False}),
    ],
)
def test_our_url_says_to_arq_what_it_says_to_us(
    url: str, expected: dict[str, Any]
) -> None:
    settings = redis_settings(url)

    assert {name: getattr(settings, name) for name in expected} == expected
    assert settings.retry_on_timeout is True
    assert OSError in (settings.retry_on_error or [])


@pytest.mark.parametrize(
    "url", ["", "http://h", "redis://:sec/ret@h", "redis://:secret@h:70x", "secret"]
)
def test_a_url_that_cannot_be_read_is_named_without_its_secret(url: str) -> None:
    for read in (redis_settings, connect_bell):
        with pytest.raises(Misconfigured) as caught:
            read(url)

        assert "redis://user:password@host" in str(caught.value)
        assert "sec" not in str(caught.value)


def test_what_arq_cannot_be_told_is_refused_by_name() -> None:
    with pytest.raises(Misconfigured, match="health_check_interval"):
        redis_settings("redis://h?health_check_interval=3")


async def test_the_arq_command_can_read_the_settings_as_a_class(
    redis_url: str, group: str
) -> None:
    settings = worker_settings(LocalBell().ring, redis_url, group=group)

    worker = create_worker(type("WorkerSettings", (), settings), handle_signals=False)
    await worker.close()

    assert set(worker.functions) == {"look", "cron:look"}
    assert worker.queue_name == queue_of(group)


async def test_listening_ends_at_once_without_a_server(group: str) -> None:
    async with working(NOWHERE, group):
        await asyncio.sleep(0.1)
        began = time.monotonic()

    assert time.monotonic() - began < 1


async def test_a_worker_that_gave_up_begins_again(
    group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = "outreach.adapters.arq.settings", "outreach.adapters.arq.listening"
    monkeypatch.setattr(f"{settings[0]}.RETRIES", 1)
    monkeypatch.setattr(f"{settings[1]}.AGAIN", timedelta(seconds=0.05))
    with own_redis() as server, capture_logs() as logs:
        async with (
            connect_bell(server.url) as pool,
            working(server.url, group) as heard,
        ):
            server.stop()
            await asyncio.sleep(0.5)
            gave_up = [entry["event"] for entry in logs]
            server.start()
            await ArqBell(pool, group=group).ring()

            assert await heard.wait(SOON)
    assert "bell.deaf" in gave_up


async def test_every_worker_hears_a_ring_for_now_at_once(
    redis_url: str, pool: ArqRedis, group: str
) -> None:
    async with (
        working(redis_url, group, poll_delay=60) as one,
        working(redis_url, group, poll_delay=60) as other,
    ):
        bell = ArqBell(pool, group=group)
        await subscribed(pool, group, 2)

        await bell.ring(SOON)
        early = await one.wait(timedelta(seconds=0.2))
        began = time.monotonic()
        await bell.ring()
        heard = [await each.wait(SOON) for each in (one, other)]
        took = time.monotonic() - began

    assert not early
    assert heard == [True, True]
    assert took < 1


async def test_many_rings_at_once_wake_a_worker_a_few_times(
    redis_url: str, pool: ArqRedis, group: str
) -> None:
    wakes: list[float] = []

    async def woken() -> None:
        wakes.append(time.monotonic())

    async with hearing(woken, redis_url, group=group):
        await subscribed(pool, group, 1)
        for _ in range(200):
            await pool.publish(channel_of(group), b"")
        await asyncio.sleep(0.5)

    assert 1 <= len(wakes) <= 8


async def test_hearing_outlives_its_server() -> None:
    heard = LocalBell()
    with own_redis() as server:
        async with (
            hearing(heard.ring, server.url),
            connect_bell(server.url) as pool,
        ):
            await subscribed(pool, "default", 1)
            server.stop()
            server.start()
            await subscribed(pool, "default", 1)
            # not by the bell, which gives up a ring that takes a second
            await pool.publish(channel_of("default"), b"")
            assert await heard.wait(SOON)


async def subscribed(pool: ArqRedis, group: str, count: int) -> None:
    for _ in range(500):
        with suppress(RedisError, OSError):
            ((_, number),) = await pool.pubsub_numsub(channel_of(group))
            if number == count:
                return
        await asyncio.sleep(0.02)
    message = f"there are not {count} who hear"
    raise AssertionError(message)
