"""Every store's ledger of sends keeps the promises of the port."""

from __future__ import annotations

from tests.contract.promises import kept_by, promises_of

from outreach.ports.intents import Intents
from outreach.testing.arming import ArmingContract
from outreach.testing.budgets import BudgetsContract
from outreach.testing.bulk import BulkContract
from outreach.testing.doubts import DoubtsContract
from outreach.testing.mail import SegregationContract
from outreach.testing.repeating import RepeatingContract
from outreach.testing.settling import SettlingContract
from outreach.testing.together import TogetherContract
from outreach.testing.undoing import UndoingContract


class TestArming(ArmingContract):
    pass


class TestBudgets(BudgetsContract):
    pass


class TestSettling(SettlingContract):
    pass


class TestDoubts(DoubtsContract):
    pass


class TestSegregation(SegregationContract):
    pass


class TestRepeating(RepeatingContract):
    pass


class TestTogether(TogetherContract):
    pass


class TestUndoing(UndoingContract):
    pass


def test_each_promise_of_the_port_is_a_test() -> None:
    suites = (
        ArmingContract,
        BudgetsContract,
        BulkContract,
        SettlingContract,
        DoubtsContract,
        RepeatingContract,
    )

    kept = set[str]().union(*map(kept_by, suites))

    assert promises_of(Intents) <= kept
