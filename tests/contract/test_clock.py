"""Every store keeps the promises of `Clock`."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.clock import Clock
from outreach.testing.clock import ClockContract


class TestClock(ClockContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Clock) <= kept_by(ClockContract)
