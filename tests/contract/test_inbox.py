"""Every store keeps the promises of `Inbox`."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.inbox import Inbox
from outreach.testing.inbox import InboxContract


class TestInbox(InboxContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Inbox) <= kept_by(InboxContract)
