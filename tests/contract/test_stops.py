"""Every store keeps the promises of `Stops`."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.stops import Stops
from outreach.testing.stops import StopsContract


class TestStops(StopsContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Stops) <= kept_by(StopsContract)
