"""Every store keeps the promises of `Incidents` and `ModelBudget`."""

from __future__ import annotations

import pytest
from tests.contract.promises import kept_by, promises_of

from outreach.adapters.memory import MemoryIncidents, MemoryLanes, MemoryModelBudget
from outreach.adapters.postgres.incidents import PostgresIncidents, PostgresModelBudget
from outreach.adapters.postgres.lanes import PostgresLanes
from outreach.ports.incidents import Incidents
from outreach.ports.model_budget import ModelBudget
from outreach.testing.incidents import (
    PER_DAY,
    PER_MINUTE,
    IncidentsContract,
    ModelBudgetContract,
)
from outreach.testing.world import World


@pytest.fixture
def incidents(world: World) -> Incidents:
    if isinstance(world.lanes, MemoryLanes):
        return MemoryIncidents(world.lanes.store)
    assert isinstance(world.lanes, PostgresLanes)
    return PostgresIncidents(world.lanes.database)


@pytest.fixture
def budget(world: World) -> ModelBudget:
    if isinstance(world.lanes, MemoryLanes):
        return MemoryModelBudget(world.lanes.store, PER_MINUTE, PER_DAY)
    assert isinstance(world.lanes, PostgresLanes)
    return PostgresModelBudget(world.lanes.database, PER_MINUTE, PER_DAY)


class TestIncidents(IncidentsContract):
    pass


class TestModelBudget(ModelBudgetContract):
    pass


def test_each_promise_of_the_ports_is_a_test() -> None:
    assert promises_of(Incidents) <= kept_by(IncidentsContract)
    assert promises_of(ModelBudget) <= kept_by(ModelBudgetContract)
