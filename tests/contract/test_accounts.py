"""Every store holds the bounds of provider accounts, and how well each serves."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.accounts import Accounts
from outreach.testing.accounts import AccountsContract
from outreach.testing.health import HealthContract
from outreach.testing.relaying import RelayContract


class TestAccounts(AccountsContract):
    pass


class TestHealth(HealthContract):
    pass


class TestRelay(RelayContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    suites = (AccountsContract, HealthContract, RelayContract)

    kept = set[str]().union(*map(kept_by, suites))

    assert promises_of(Accounts) <= kept
