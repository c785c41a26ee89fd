"""The worlds in which the contract suites of the stores run, one per store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import pytest
from tests.contract.memory_world import memory_world
from tests.contract.postgres_world import postgres_world

from outreach.testing.world import World

Opens = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[World]]


@asynccontextmanager
async def _memory(_request: pytest.FixtureRequest) -> AsyncIterator[World]:
    yield memory_world()


@asynccontextmanager
async def _postgres(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with postgres_world(request.getfixturevalue("postgres_url")) as opened:
        yield opened


WORLDS: Final[dict[str, Opens]] = {"memory": _memory, "postgres": _postgres}
"""Every store; each opens a new, empty world and closes it again."""


@pytest.fixture(params=list(WORLDS))
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with WORLDS[request.param](request) as opened:
        yield opened
