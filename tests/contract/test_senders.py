"""Every store keeps the promises of `Senders`."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.senders import Senders
from outreach.testing.senders import SendersContract


class TestSenders(SendersContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Senders) <= kept_by(SendersContract)
