"""Further budgets of a sender: who takes part, in which period, and what it says."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cases import MARGIN, NOON, a_case, a_sender, uid

from outreach.domain.case import Case, Ledger
from outreach.domain.channel import Channel
from outreach.domain.decision import Decision, Reason, Verdict, decide
from outreach.domain.explain import present
from outreach.domain.ids import CampaignId
from outreach.domain.limits import (
    SETTING,
    BudgetKind,
    Limits,
    Part,
    Share,
    company_key,
    kind_of,
    share,
)
from outreach.domain.sender import SendClass
from outreach.domain.window import local_instant

ZONE = "Europe/Bucharest"
ALL = Limits(
    total_per_day=10,
    unanswered_per_month=20,
    company_per_month=2,
    domain_per_day=30,
    campaign_new_per_day=5,
)
STRANGER = Part(new=True, answered=False, company="c", domain="a.ro", campaign="k")
SECOND = timedelta(seconds=1)


def shares(part: Part, at: datetime = NOON, limits: Limits = ALL) -> list[Share]:
    found = (share(kind, limits, part, at, ZONE) for kind in BudgetKind)
    return [one for one in found if one is not None]


def keys(part: Part, at: datetime = NOON) -> list[str]:
    return [one.key for one in shares(part, at)]


def limited(limits: Limits, used: dict[str, int], **changes: Any) -> Case:
    ledger = Ledger(date(2026, 3, 4), budgets=used)
    sender = a_sender(limits=limits)
    return a_case(sender=sender, ledger=ledger, campaign=CampaignId(uid(9)), **changes)


def decided(case: Case, now: datetime = NOON) -> Decision:
    return decide(case, now, margin=MARGIN)


def test_a_stranger_takes_part_in_all() -> None:
    assert keys(STRANGER) == [
        "total:2026-03-04",
        "unanswered:2026-03",
        "company:c:2026-03",
        "domain:a.ro:2026-03-04",
        "campaign:k:2026-03-04",
    ]


def test_who_has_answered_is_none_of_those_who_have_not() -> None:
    answered = evolve(STRANGER, answered=True)

    assert set(keys(STRANGER)) - set(keys(answered)) == {"unanswered:2026-03"}


def test_a_follow_up_is_no_new_contact_of_its_campaign() -> None:
    known = evolve(STRANGER, new=False)

    assert set(keys(STRANGER)) - set(keys(known)) == {"campaign:k:2026-03-04"}


def test_what_is_not_known_is_not_counted() -> None:
    nobody = Part(new=True, answered=False)

    assert keys(nobody) == ["total:2026-03-04", "unanswered:2026-03"]


def test_nothing_is_set_and_nothing_is_taken() -> None:
    assert shares(STRANGER, limits=Limits()) == []


@pytest.mark.parametrize("name", Limits.names())
def test_a_limit_below_one_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} = 0: give 1 or more"):
        Limits(**{name: 0})


def test_each_kind_has_a_setting() -> None:
    assert list(SETTING) == list(BudgetKind)
    assert tuple(SETTING.values()) == Limits.names()


def test_days_and_months_end_in_the_phones_own_zone() -> None:
    late = local_instant(date(2026, 3, 31), time(23, 59), ZONE)

    for at, month in ((late, "2026-03"), (late + 2 * 30 * SECOND, "2026-04")):
        found = {one.kind: one for one in shares(STRANGER, at)}
        assert found[BudgetKind.UNANSWERED].key == f"unanswered:{month}"
    ends = local_instant(date(2026, 4, 1), time(0), ZONE)
    assert {one.ends_at for one in shares(STRANGER, late)} == {ends}


@given(
    st.datetimes(
        datetime.fromisoformat("2025-01-01"),
        datetime.fromisoformat("2028-01-01"),
        timezones=st.just(UTC),
    ),
    st.sampled_from([ZONE, "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe"]),
    st.sampled_from(list(BudgetKind)),
)
def test_a_period_begins_when_the_one_before_it_ends(
    at: datetime, zone: str, kind: BudgetKind
) -> None:
    now = share(kind, ALL, STRANGER, at, zone)
    assert now is not None
    last = share(kind, ALL, STRANGER, now.ends_at - SECOND, zone)
    following = share(kind, ALL, STRANGER, now.ends_at, zone)
    assert last is not None
    assert following is not None

    assert at < now.ends_at <= at + timedelta(days=32)
    assert last.key == now.key != following.key
    assert kind_of(now.key) is kind


def test_a_company_is_its_register_id_else_its_name() -> None:
    assert company_key("123", "Agro") == company_key("123", "AGRO SRL")
    assert company_key("", "Agro SRL") == company_key("", "AGRO srl")
    assert company_key("", "123") != company_key("123", "")
    assert company_key("", "") == ""
    assert (
        len({company_key("", "a:b"), company_key("", "a\nb"), company_key("", "a")})
        == 3
    )


def test_a_full_day_defers_to_the_next_one() -> None:
    case = limited(Limits(total_per_day=10), {"total:2026-03-04": 10})

    made = decided(case)

    assert (made.verdict, made.binding) == (Verdict.DEFER, Reason.BUDGET_EXCEEDED)
    assert made.block.until == local_instant(date(2026, 3, 5), time(0), ZONE)
    assert made.earliest == local_instant(date(2026, 3, 5), time(9), ZONE)
    assert decided(limited(Limits(total_per_day=10), {"total:2026-03-04": 9})).terms


def test_the_one_that_lasts_longest_binds() -> None:
    used = {"total:2026-03-04": 10, "unanswered:2026-03": 20}

    made = decided(limited(ALL, used))

    assert dict(made.block.inputs)["budget"] == "unanswered:2026-03"
    assert [block.reason for block in made.blocks] == [Reason.BUDGET_EXCEEDED] * 2


def test_a_reply_from_the_lead_opens_what_was_full() -> None:
    case = limited(Limits(unanswered_per_month=1), {"unanswered:2026-03": 1})
    answered = evolve(case, journey=evolve(case.journey, reply_count=1))

    assert decided(case).binding is Reason.BUDGET_EXCEEDED
    assert decided(answered).verdict is Verdict.SEND


def test_a_persons_reply_counts_in_the_day_too() -> None:
    reply = evolve(a_case().intent, send_class=SendClass.APPROVED, text="Da.")
    used = {"total:2026-03-04": 10}

    made = decided(limited(ALL, used, intent=reply, contacted=True))

    assert made.binding is Reason.BUDGET_EXCEEDED


def test_a_mail_counts_for_the_domain_it_goes_to() -> None:
    mail = evolve(a_case().intent, channel=Channel.EMAIL_COLD)
    case = limited(ALL, {"domain:firma.ro:2026-03-04": 30}, intent=mail)

    made = decided(evolve(case, to="Ion@Firma.ro"))

    assert dict(made.block.inputs)["budget"] == "domain:firma.ro:2026-03-04"


def test_a_send_is_not_begun_in_a_period_that_ends_before_it_can() -> None:
    reply = evolve(
        a_case().intent, send_class=SendClass.APPROVED, text="Da.", permission="ana"
    )
    case = limited(Limits(total_per_day=9), {}, intent=reply, contacted=True)
    midnight = local_instant(date(2026, 3, 5), time(0), ZONE)

    assert decided(case, midnight - MARGIN).earliest == midnight
    made = decided(case, midnight - MARGIN - SECOND)
    assert made.terms is not None
    assert made.terms.valid_until == midnight - MARGIN


def test_what_was_moved_to_the_end_of_a_period_waits_for_the_budget() -> None:
    used = {"unanswered:2026-03": 20}
    case = limited(Limits(unanswered_per_month=20), used)
    ends = local_instant(date(2026, 4, 1), time(0), ZONE)
    moved = evolve(case.intent, due_at=ends + timedelta(microseconds=77))

    made = decided(evolve(case, intent=moved))

    assert made.binding is Reason.BUDGET_EXCEEDED
    assert {block.reason for block in made.blocks} == {
        Reason.NOT_DUE,
        Reason.BUDGET_EXCEEDED,
    }


@pytest.mark.parametrize(
    ("limits", "used", "says"),
    [
        (
            Limits(total_per_day=10),
            {"total:2026-03-04": 10},
            (
                "phone +40722000001 has used 10 of 10 messages of its day, until "
                "Thu 5 Mar 2026 00:00 Europe/Bucharest; it could go at "
                "Thu 5 Mar 2026 09:00 Europe/Bucharest; "
                "raising total_per_day of phone +40722000001 to 11 would let it go now."
            ),
        ),
        (
            Limits(campaign_new_per_day=5),
            {f"campaign:{uid(9)}:2026-03-04": 6},
            (
                "phone +40722000001 has used 6 of 5 new contacts of its day for the "
                "campaign, until Thu 5 Mar 2026 00:00 Europe/Bucharest; it could go at "
                "Thu 5 Mar 2026 09:00 Europe/Bucharest; raising campaign_new_per_day "
                "of phone +40722000001 to 7 would let it go now."
            ),
        ),
    ],
)
def test_why_says_what_is_used_until_when_and_what_would_help(
    limits: Limits, used: dict[str, int], says: str
) -> None:
    case = limited(limits, used)

    assert present(case, decided(case), ZONE) == f"Not sent: {says}"
