"""Every store keeps the promises of `Consents`."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.consents import Consents
from outreach.testing.consents import ConsentsContract


class TestConsents(ConsentsContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Consents) <= kept_by(ConsentsContract)
