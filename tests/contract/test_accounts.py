"""Every store holds the bounds of provider accounts."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.accounts import Accounts
from outreach.testing.accounts import AccountsContract


class TestAccounts(AccountsContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Accounts) <= kept_by(AccountsContract)
