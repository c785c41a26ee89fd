"""Every store keeps the promises of `Watch`."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.watch import Watch
from outreach.testing.bulk import BulkContract
from outreach.testing.watching import WatchContract


class TestWatch(WatchContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Watch) <= kept_by(WatchContract) | kept_by(BulkContract)
