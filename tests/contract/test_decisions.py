"""Every store keeps the promises of `Decisions`."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.decisions import Decisions
from outreach.testing.decisions import DecisionsContract


class TestDecisions(DecisionsContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Decisions) <= kept_by(DecisionsContract)
