"""Every store keeps the promises of `Places`."""

from __future__ import annotations

import pytest
from tests.contract.promises import kept_by, promises_of

from outreach.adapters.memory import MemoryLanes, MemoryPlaces
from outreach.adapters.postgres.lanes import PostgresLanes
from outreach.adapters.postgres.places import PostgresPlaces
from outreach.ports.places import Places
from outreach.testing.places import PlacesContract
from outreach.testing.world import World


@pytest.fixture
def places(world: World) -> Places:
    if isinstance(world.lanes, MemoryLanes):
        return MemoryPlaces(world.lanes.store)
    assert isinstance(world.lanes, PostgresLanes)
    return PostgresPlaces(world.lanes.database)


class TestPlaces(PlacesContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Places) <= kept_by(PlacesContract)
