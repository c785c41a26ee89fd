"""Every bell keeps the promises of the port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from tests.contract.promises import kept_by, promises_of

from outreach.adapters.arq import ArqBell, connect_bell, listen
from outreach.adapters.memory.bell import Bells, LocalBell, MemoryBell
from outreach.ports.bell import Bell
from outreach.testing.bell import BellContract

NOWHERE = "unix:///nowhere/redis.sock"


class World:
    def __init__(
        self, bell: Bell, broken: Bell, heard: LocalBell, seconds: float
    ) -> None:
        self.bell = bell
        self.broken = broken
        self.latest = timedelta(seconds=seconds)
        self._heard = heard

    async def woken(self, within: timedelta) -> bool:
        return await self._heard.wait(within)


@asynccontextmanager
async def arq_world(url: str) -> AsyncIterator[World]:
    """A real worker of arq that looks by ringing a local bell."""
    heard, group = LocalBell(), uuid4().hex
    listening = asyncio.create_task(
        listen(heard.ring, url, group=group, poll_delay=0.02, cron_jobs=[])
    )
    async with connect_bell(url) as pool, connect_bell(NOWHERE) as nowhere:
        bell = ArqBell(pool, group=group)
        yield World(bell, ArqBell(nowhere, group=group), heard, 1.2)
    listening.cancel()
    await asyncio.wait([listening])


class TestMemoryBell(BellContract):
    @pytest.fixture
    def world(self) -> World:
        bell = MemoryBell()
        return World(bell, MemoryBell(), bell, 0.1)


class TestArqBell(BellContract):
    @pytest.fixture
    async def world(self, redis_url: str) -> AsyncIterator[World]:
        async with arq_world(redis_url) as world:
            yield world


class TestBells(BellContract):
    @pytest.fixture
    async def world(self) -> AsyncIterator[World]:
        local = LocalBell()
        async with connect_bell(NOWHERE) as nowhere:
            dead = ArqBell(nowhere)
            yield World(Bells(local, dead), Bells(LocalBell(), dead), local, 0.1)


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Bell) <= kept_by(BellContract)


async def test_a_ring_here_is_a_ring_elsewhere() -> None:
    here, elsewhere = LocalBell(), LocalBell()

    await Bells(here, elsewhere).ring(timedelta(seconds=0.1))

    assert await here.wait(timedelta(seconds=1))
    assert await elsewhere.wait(timedelta(seconds=1))


async def test_a_ring_wakes_one_and_later_rings_the_others() -> None:
    bell = LocalBell()
    waiting = [asyncio.create_task(bell.wait(timedelta(seconds=1))) for _ in range(3)]
    await asyncio.sleep(0)

    for woken in (1, 2, 3):
        await bell.ring()
        await asyncio.sleep(0.05)

        assert sum(task.done() for task in waiting) == woken


async def test_rings_nobody_waits_for_take_no_room() -> None:
    bell = LocalBell()

    for _ in range(10_000):
        await bell.ring()
        await bell.ring(timedelta(seconds=30))

    assert len(bell._due) <= 1 + 100
