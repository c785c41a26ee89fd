"""Every guard keeps the promises of the port, and does what one model does."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
from hypothesis.stateful import run_state_machine_as_test
from tests.contract.guard_machine import GuardMachine
from tests.contract.guard_worlds import MemoryWorld, RedisWorld
from tests.contract.promises import kept_by, promises_of

from outreach.ports.guard import Guard
from outreach.testing.guard import GuardContract

OTHERS = [
    url for url in os.environ.get("OUTREACH_TEST_REDIS_OTHERS", "").split(",") if url
]
"""Servers of other kinds and versions."""


@pytest.fixture(
    params=["redis", *(pytest.param(o, id=f"other-{n}") for n, o in enumerate(OTHERS))]
)
def server_url(request: pytest.FixtureRequest) -> str:
    if request.param == "redis":
        return str(request.getfixturevalue("redis_url"))
    return str(request.param)


class TestMemoryGuard(GuardContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()


class TestRedisGuard(GuardContract):
    @pytest.fixture
    async def world(self, server_url: str) -> AsyncIterator[RedisWorld]:
        world = RedisWorld(server_url)
        yield world
        await world.aclose()


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Guard) <= kept_by(GuardContract)


def test_every_guard_does_what_the_model_does(server_url: str) -> None:
    class Machine(GuardMachine):
        def __init__(self) -> None:
            super().__init__(MemoryWorld(), RedisWorld(server_url))

    run_state_machine_as_test(Machine)
