"""Every store keeps the promises of `Duties`."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.duties import Duties
from outreach.testing.duties import DutiesContract


class TestDuties(DutiesContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Duties) <= kept_by(DutiesContract)
