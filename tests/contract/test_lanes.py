"""Every store's lanes keep the promises of their ports."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.lanes import Allocations, Lanes
from outreach.testing.allocations import AllocationsContract
from outreach.testing.lanes import LanesContract
from outreach.testing.sharing import SharingContract


class TestLanes(LanesContract):
    pass


class TestSharing(SharingContract):
    pass


class TestAllocations(AllocationsContract):
    pass


def test_each_promise_of_the_ports_is_a_test() -> None:
    assert promises_of(Lanes) <= kept_by(LanesContract) | kept_by(SharingContract)
    assert promises_of(Allocations) <= kept_by(AllocationsContract)
