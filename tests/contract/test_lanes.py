"""Every store's lanes keep the promises of their ports."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.lanes import Allocations, Lanes
from outreach.testing.allocations import AllocationsContract
from outreach.testing.budgets import BudgetsContract
from outreach.testing.bulk import BulkContract
from outreach.testing.health import HealthContract
from outreach.testing.lanes import LanesContract
from outreach.testing.relaying import RelayContract
from outreach.testing.routes import RoutesContract
from outreach.testing.sharing import SharingContract
from outreach.testing.turns import TurnsContract


class TestLanes(LanesContract):
    pass


class TestTurns(TurnsContract):
    pass


class TestSharing(SharingContract):
    pass


class TestRoutes(RoutesContract):
    pass


class TestAllocations(AllocationsContract):
    pass


def test_each_promise_of_the_ports_is_a_test() -> None:
    suites = (
        LanesContract,
        BudgetsContract,
        TurnsContract,
        SharingContract,
        BulkContract,
        RoutesContract,
    )

    assert promises_of(Lanes) <= set[str]().union(*map(kept_by, suites))
    beside = kept_by(HealthContract) | kept_by(RelayContract)
    assert promises_of(Allocations) <= kept_by(AllocationsContract) | beside
