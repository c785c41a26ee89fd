"""Every store keeps the promises of `Instance`, every witness those of `Witness`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from tests.contract.memory_world import memory_world
from tests.contract.postgres_world import postgres_world
from tests.contract.promises import kept_by, promises_of

from outreach.adapters.memory import MemoryInstance, MemoryWitness
from outreach.adapters.redis.client import connect
from outreach.adapters.redis.witness import RedisWitness
from outreach.adapters.system.witness import FileWitness
from outreach.ports.instance import Instance, Witness
from outreach.testing.instance import InstanceContract, SetBack, WitnessContract
from outreach.testing.world import World


@pytest.fixture(params=["memory", "postgres"])
async def opened(
    request: pytest.FixtureRequest,
) -> AsyncIterator[tuple[World, SetBack]]:
    """A world, and what makes its store an older one or a copy."""
    if request.param == "memory":
        world = memory_world()
        assert isinstance(world.instance, MemoryInstance)
        row = world.instance.store.instance

        async def older(*, copied: bool = False) -> None:
            row.place = "there" if copied else row.place
            row.position -= not copied

        yield world, older
        return
    url = request.getfixturevalue("fresh_postgres_url")
    moved = {
        True: "UPDATE instance SET system_id = system_id + 1",
        False: "UPDATE instance SET position = position - 1",
    }

    async def put_back(*, copied: bool = False) -> None:
        with psycopg.connect(url, options="-c search_path=outreach") as admin:
            admin.execute(moved[copied].encode())

    async with postgres_world(url) as world:
        yield world, put_back


@pytest.fixture
async def world(opened: tuple[World, SetBack]) -> World:
    return opened[0]


@pytest.fixture
async def set_back(opened: tuple[World, SetBack]) -> SetBack:
    return opened[1]


class TestInstance(InstanceContract):
    pass


@pytest.fixture(params=["memory", "file", "redis"])
async def witness(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Witness]:
    if request.param == "memory":
        yield MemoryWitness()
    elif request.param == "file":
        yield FileWitness(tmp_path / "folder" / "instance.json")
    else:
        client = connect(request.getfixturevalue("empty_redis_url"))
        yield RedisWitness(client, "test")
        await client.aclose()


class TestWitness(WitnessContract):
    pass


async def test_a_file_that_is_spoilt_knows_nothing_and_learns_again(
    tmp_path: Path,
) -> None:
    file = tmp_path / "instance.json"
    file.write_text("[not json", "utf-8")
    kept = FileWitness(file)

    before = await kept.seen()
    await kept.saw("a", 1)

    assert (before, await kept.seen()) == ({}, {"a": 1})


def test_each_promise_of_the_ports_is_a_test() -> None:
    assert promises_of(Instance) <= kept_by(InstanceContract)
    assert promises_of(Witness) <= kept_by(WitnessContract)
