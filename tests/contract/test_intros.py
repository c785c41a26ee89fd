"""Every store keeps the promises of `Intros`."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.intros import Intros
from outreach.testing.intros import IntrosContract


class TestIntros(IntrosContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Intros) <= kept_by(IntrosContract)
