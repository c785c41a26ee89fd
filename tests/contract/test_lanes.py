"""Every store's lanes keep the promises of their ports."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.lanes import Allocations, Lanes
from outreach.testing.allocations import AllocationsContract
from outreach.testing.budgets import BudgetsContract
from outreach.testing.lanes import LanesContract


class TestLanes(LanesContract):
    pass


class TestAllocations(AllocationsContract):
    pass


def test_each_promise_of_the_ports_is_a_test() -> None:
    assert promises_of(Lanes) <= kept_by(LanesContract) | kept_by(BudgetsContract)
    assert promises_of(Allocations) <= kept_by(AllocationsContract)
