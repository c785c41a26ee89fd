"""Several workers over one database, as they would be on several machines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import pairwise
from typing import Final

import pytest
from tests.contract.postgres_world import empty, world_over
from tests.usecases.runners import Provider, runner_over, running, until

from outreach.adapters.memory.guard import MemoryGuard
from outreach.adapters.postgres.pool import Database
from outreach.domain.message import Outcome
from outreach.testing.world import World

WORKERS: Final = 3
PHONES: Final = 6
EACH: Final = 5
TICK: Final = timedelta(seconds=40)


@pytest.fixture
async def worlds(postgres_url: str) -> AsyncIterator[list[World]]:
    """One per worker, each with connections of its own."""
    empty(postgres_url)
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(WORKERS):
            database = Database(postgres_url, size=4)
            await database.open()
            stack.push_async_callback(database.close)
            opened.append(world_over(database))
        yield opened


async def test_three_workers_share_lanes_and_no_lane_is_in_two_hands(
    worlds: list[World],
) -> None:
    first = worlds[0]
    phones = await first.phones(PHONES)
    for phone in phones:
        await first.line(phone, EACH, steps=1)
    account = phones[0].account
    provider = Provider(takes=0.02)
    guard = MemoryGuard(first.clock.monotonic)
    runners = [
        runner_over(
            world,
            {account: provider},
            name=f"worker/{place}",
            guard=guard,
            rooms={account: 2},
        )
        for place, world in enumerate(worlds)
    ]

    async with running(*runners):
        async with asyncio.timeout(60):
            while len(provider.box.accepted) < PHONES * EACH:
                await first.advance_engine(TICK)
                for one in runners:
                    one.wake()
                await asyncio.sleep(0.03)
        await until(lambda: not provider.under_way)

    assert sorted(provider.calls) == sorted(phone.number for phone in phones)
    for calls in provider.calls.values():
        assert len(calls) == EACH
        assert all(before[1] <= after[0] for before, after in pairwise(calls))
    done = [runner.steps["ACCEPTED"] for runner in runners]
    assert sum(done) == PHONES * EACH
    assert min(done) > 0
    recipients = [parcel.to for parcel in provider.box.accepted]
    assert len(set(recipients)) == len(recipients)


async def test_a_worker_that_has_no_room_leaves_the_rest_to_others(
    worlds: list[World],
) -> None:
    first, second, _ = worlds
    phones = await first.phones(4)
    for phone in phones:
        await first.line(phone)
    account = phones[0].account
    hanging = Provider()
    quick = Provider(hanging.box)
    hanging.is_open.clear()
    guard = MemoryGuard(first.clock.monotonic)
    full = runner_over(
        first, {account: hanging}, guard=guard, name="worker/a", rooms={account: 1}
    )
    free = runner_over(second, {account: quick}, guard=guard, name="worker/b")

    async with running(full):
        await until(lambda: hanging.under_way == 1)
        async with running(free):
            await until(lambda: len(quick.box.accepted) == 3)
        hanging.is_open.set()

    assert full.steps["ACCEPTED"] == 1
    assert free.steps[Outcome.ACCEPTED] == 3
