"""Every store keeps the promises of `Audit`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest
from tests.contract.audit_spoils import MemorySpoils, PostgresSpoils
from tests.contract.memory_world import memory_world
from tests.contract.postgres_world import postgres_world
from tests.contract.promises import kept_by, promises_of

from outreach.adapters.memory import MemoryAudit
from outreach.domain.auditing import INVARIANTS, Check
from outreach.domain.invariants import Invariant
from outreach.ports.audit import Audit
from outreach.testing.audit import AuditContract, Spoil
from outreach.testing.audit_late import LateContract
from outreach.testing.audit_stopped import StoppedContract
from outreach.testing.world import World

ELSEWHERE: Final = {
    Invariant.BREACHES_ACT,  # what the use case does with a finding
    Invariant.SAME_SEED,  # of the simulation
}


@pytest.fixture(params=["memory", "postgres"])
async def spoiled(
    request: pytest.FixtureRequest,
) -> AsyncIterator[tuple[World, Spoil]]:
    """A world and what breaks it; on a server a database of its own."""
    if request.param == "memory":
        world = memory_world()
        assert isinstance(world.audit, MemoryAudit)
        yield world, MemorySpoils(world.audit.store)
        return
    url = request.getfixturevalue("fresh_postgres_url")
    async with postgres_world(url) as opened:
        yield opened, PostgresSpoils(url)


@pytest.fixture
async def world(spoiled: tuple[World, Spoil]) -> World:
    return spoiled[0]


@pytest.fixture
async def spoil(spoiled: tuple[World, Spoil]) -> Spoil:
    return spoiled[1]


class TestAudit(AuditContract):
    pass


class TestLate(LateContract):
    pass


class TestStopped(StoppedContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Audit) <= kept_by(AuditContract)


def test_every_check_belongs_to_an_invariant_and_few_have_none() -> None:
    assert set(INVARIANTS) == set(Check)
    assert set(Invariant) - set(INVARIANTS.values()) == ELSEWHERE
