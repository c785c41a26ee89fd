"""A mailbox that warms up sends less of everything, and more every day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cases import a_case, a_sender

from outreach.domain.budget import WarmUp
from outreach.domain.case import Ledger
from outreach.domain.channel import Channel
from outreach.domain.decision import decide
from outreach.domain.explain import help_for
from outreach.domain.limits import BudgetKind, Limits
from outreach.domain.pacing import Pacing
from outreach.domain.reason import Reason
from outreach.domain.sender import Sender
from outreach.domain.warming import MAIL_DAYS, MAIL_START, limits_at
from outreach.domain.window import local_day

AT = datetime(2026, 3, 4, 10, tzinfo=UTC)
A_DAY = timedelta(days=1)
NONE = Pacing(timedelta(), timedelta())


def a_mailbox(total: int | None = 50, *, days: int, start: int) -> Sender:
    return a_sender(
        number="ana@firma.ro",
        channel=Channel.EMAIL_COLD,
        pacing=NONE,
        limits=Limits(total_per_day=total, domain_per_day=9),
        warm_up=WarmUp(local_day(AT, "Europe/Bucharest"), days, start),
        time_zone="Europe/Bucharest",
    )


def total(sender: Sender, at: datetime) -> int:
    found = limits_at(sender, at).total_per_day
    assert found is not None
    return found


def test_the_usual_ramp_is_that_of_a_new_domain() -> None:
    """Day d allows 5 + 45 (d - 1) / 13."""
    mailbox = a_mailbox(days=MAIL_DAYS, start=MAIL_START)

    for day in range(1, 20):
        allowed = 5 + 45 * min(day - 1, 13) // 13
        assert total(mailbox, AT + (day - 1) * A_DAY) == allowed, day


@given(
    most=st.integers(1, 400),
    days=st.integers(0, 60),
    start=st.integers(0, 400),
    passed=st.integers(-3, 90),
)
def test_a_ramp_never_falls_nor_passes_the_limit(
    most: int, days: int, start: int, passed: int
) -> None:
    mailbox = a_mailbox(most, days=days, start=start)

    today = total(mailbox, AT + passed * A_DAY)
    tomorrow = total(mailbox, AT + (passed + 1) * A_DAY)

    assert 1 <= today <= tomorrow <= most
    if passed <= 0 and days > 1:
        assert today == max(1, min(start, most))
    if passed >= days - 1:
        assert today == most


@given(days=st.integers(2, 60), passed=st.integers(0, 60))
def test_a_ramp_touches_no_other_budget(days: int, passed: int) -> None:
    mailbox = a_mailbox(days=days, start=5)

    limits = limits_at(mailbox, AT + passed * A_DAY)

    assert evolve(limits, total_per_day=50) == mailbox.limits


def test_a_phone_and_a_mailbox_without_a_total_are_left_as_they_are() -> None:
    unbound = a_mailbox(None, days=14, start=5)
    phone = a_sender(limits=Limits(total_per_day=50), warm_up=WarmUp(AT.date(), 14, 5))

    assert limits_at(unbound, AT) == unbound.limits
    assert limits_at(phone, AT) == phone.limits


@pytest.mark.parametrize(("used", "sends"), [(4, True), (5, False)])
def test_what_the_ramp_leaves_is_what_is_sent(*, used: int, sends: bool) -> None:
    mailbox = a_mailbox(days=14, start=5)
    case = a_case(sender=mailbox)
    share = case.share(BudgetKind.TOTAL, AT)
    assert share is not None
    ledger = Ledger(share.ends_at.date(), budgets={share.key: used})

    made = decide(evolve(case, ledger=ledger), AT, margin=timedelta(seconds=30))

    full = [one for one in made.blocks if one.reason is Reason.BUDGET_EXCEEDED]
    assert share.limit == 5
    assert (not full) is sends
    if full:
        assert dict(full[0].inputs)["limit"] == "5"
        says = help_for(full[0], case)
        assert says == "ending the warm-up of mailbox ana@firma.ro"
