"""Every store keeps the promises of `Switches`."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.switches import Switches
from outreach.testing.switches import SwitchesContract


class TestSwitches(SwitchesContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Switches) <= kept_by(SwitchesContract)
