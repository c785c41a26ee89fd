"""The one decision: passes, blocks, the earliest time, and what would flip it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cases import MARGIN, NOON, a_case, a_sender, uid

from outreach.domain.budget import WarmUp
from outreach.domain.case import Case, LaneFacts, Ledger, flip
from outreach.domain.channel import Channel, State
from outreach.domain.decision import Decision, Reason, Verdict, decide
from outreach.domain.ids import CampaignId
from outreach.domain.journey import DeadCause
from outreach.domain.limits import Limits, company_key
from outreach.domain.sender import SendClass, SenderState
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.suppression import (
    Suppression,
    SuppressionReason,
    Switch,
    SwitchScope,
)
from outreach.domain.window import local_instant

SECOND = timedelta(seconds=1)


def at(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return local_instant(day, time(hour, minute, second), "Europe/Bucharest")


def decided(case: Case, now: datetime = NOON) -> Decision:
    return decide(case, now, margin=MARGIN)


def test_a_case_with_nothing_in_the_way_is_sent() -> None:
    made = decided(a_case())

    assert made.verdict is Verdict.SEND
    assert made.binding is Reason.OK
    assert made.earliest == NOON
    assert made.flips == ()


def test_a_new_contact_costs_a_unit_of_the_phones_own_day() -> None:
    made = decided(a_case())

    assert made.terms is not None
    assert made.terms.unit is not None
    assert made.terms.unit.day == date(2026, 3, 4)


def test_a_lead_that_was_written_to_before_costs_nothing() -> None:
    made = decided(a_case(contacted=True))

    assert made.terms is not None
    assert made.terms.unit is None


def test_a_decision_is_good_until_the_window_closes_less_the_call_budget() -> None:
    made = decided(a_case())

    assert made.terms is not None
    assert made.terms.valid_until == at(date(2026, 3, 4), 18) - MARGIN


def test_the_phones_midnight_ends_a_decision_before_a_later_window_does() -> None:
    case = a_case(sender=a_sender(time_zone="Asia/Tokyo"), ledger=None)
    evening = local_instant(date(2026, 3, 4), time(16, 30), "Europe/Bucharest")

    made = decided(case, evening)

    assert made.terms is not None
    midnight = local_instant(date(2026, 3, 5), time(0), "Asia/Tokyo")
    assert made.terms.valid_until == min(midnight, at(date(2026, 3, 4), 18)) - MARGIN


def test_the_last_unit_is_given_and_the_one_after_it_is_not() -> None:
    day = date(2026, 3, 4)
    last = a_case(ledger=Ledger(day, used=199), sender=a_sender(daily_limit=200))
    full = a_case(ledger=Ledger(day, used=200), sender=a_sender(daily_limit=200))

    assert decided(last).verdict is Verdict.SEND
    assert decided(full).binding is Reason.QUOTA_EXCEEDED


def test_what_people_sent_themselves_counts_and_is_never_refused() -> None:
    day = date(2026, 3, 4)
    case = a_case(ledger=Ledger(day, used=10, external=195))

    assert decided(case).binding is Reason.QUOTA_EXCEEDED


def test_a_full_phone_goes_on_the_next_morning() -> None:
    case = a_case(ledger=Ledger(date(2026, 3, 4), used=40))

    assert decided(case).earliest == at(date(2026, 3, 5), 9)


def test_the_day_rolls_over_at_the_phones_midnight_and_not_a_second_before() -> None:
    reply = evolve(a_case().intent, permission="ana", send_class=SendClass.APPROVED)
    case = a_case(intent=reply, ledger=Ledger(date(2026, 3, 4), used=40))
    midnight = at(date(2026, 3, 5), 0)

    assert decided(case, midnight - SECOND).verdict is Verdict.DEFER
    assert decided(case, midnight).verdict is Verdict.SEND


def test_nine_o_clock_is_open_and_six_o_clock_is_closed() -> None:
    day = date(2026, 3, 4)
    case = a_case(lane=None, intent=evolve(a_case().intent, due_at=at(day, 0)))

    assert decided(case, at(day, 9)).verdict is Verdict.SEND
    assert decided(case, at(day, 9) - SECOND).binding is Reason.OUTSIDE_WINDOW
    assert decided(case, at(day, 18)).binding is Reason.OUTSIDE_WINDOW
    assert decided(case, at(day, 18) - MARGIN - SECOND).verdict is Verdict.SEND
    assert decided(case, at(day, 18) - MARGIN).binding is Reason.OUTSIDE_WINDOW


def test_the_gap_is_over_at_its_end_and_not_before() -> None:
    case = a_case(lane=LaneFacts(gate_at=NOON))

    assert decided(case, NOON).verdict is Verdict.SEND
    assert decided(case, NOON - SECOND).binding is Reason.PACING


def test_a_persons_permission_opens_the_window_for_a_reply() -> None:
    night = at(date(2026, 3, 4), 22)
    reply = evolve(
        a_case().intent, send_class=SendClass.APPROVED, permission="ana", text="Da."
    )

    assert decided(a_case(intent=reply, contacted=True), night).verdict is Verdict.SEND


def test_a_warm_up_lowers_the_limit_of_the_day() -> None:
    ramp = WarmUp(began=date(2026, 3, 4), days=10, start=3)
    case = a_case(sender=a_sender(warm_up=ramp))

    assert decided(case).binding is Reason.QUOTA_EXCEEDED
    assert decided(case).earliest == at(date(2026, 3, 5), 9)


def test_a_phone_that_may_never_start_a_conversation_has_no_earliest_time() -> None:
    case = a_case(sender=a_sender(daily_limit=0))

    assert decided(case).earliest is None
    assert decided(case).verdict is Verdict.HOLD


@pytest.mark.parametrize(
    ("changes", "reason", "verdict"),
    [
        ({"live": "cancelled"}, Reason.STOPPED, Verdict.STOP),
        ({"enrolment": EnrolmentStatus.STOPPED}, Reason.STOPPED, Verdict.STOP),
        ({"enrolment": EnrolmentStatus.PAUSED}, Reason.STOPPED, Verdict.HOLD),
        ({"to": ""}, Reason.NO_CHANNEL, Verdict.STOP),
        ({"template": None}, Reason.NO_TEMPLATE, Verdict.HOLD),
        ({"consent": "RO asks for consent"}, Reason.NO_CONSENT, Verdict.HOLD),
        ({"review_open": True}, Reason.REVIEW_PENDING, Verdict.HOLD),
        ({"sender": None}, Reason.UNALLOCATED, Verdict.HOLD),
    ],
)
def test_each_thing_in_the_way_has_its_reason(
    changes: dict[str, Any], reason: Reason, verdict: Verdict
) -> None:
    made = decided(a_case(**changes))

    assert made.binding is reason
    assert made.verdict is verdict


@pytest.mark.parametrize("state", [State.DEAD, State.PAUSED])
def test_a_lead_that_is_closed_gets_nothing(state: State) -> None:
    case = a_case(journey=evolve(a_case().journey, state=state))

    assert decided(case).binding is Reason.STOPPED


def test_a_takeover_stops_what_is_automatic_and_not_what_a_person_wrote() -> None:
    journey = evolve(a_case().journey, human_controlled=True)
    reply = evolve(a_case().intent, send_class=SendClass.APPROVED, text="Da.")

    assert decided(a_case(journey=journey)).binding is Reason.HUMAN_CONTROL
    assert decided(a_case(journey=journey, intent=reply)).verdict is Verdict.SEND


def test_an_opted_out_lead_is_never_written_to_whatever_else_holds() -> None:
    journey = evolve(
        a_case().journey,
        opted_out=True,
        state=State.DEAD,
        dead_cause=DeadCause.OPTED_OUT,
    )

    assert decided(a_case(journey=journey)).binding is Reason.SUPPRESSED


def test_what_only_stops_strangers_needs_no_change_of_its_own() -> None:
    locked = a_sender(state=SenderState.REACHOUT_LOCKED, daily_limit=200)
    case = a_case(sender=locked, ledger=Ledger(date(2026, 3, 4), external=300))

    made = decided(case)

    assert [change.fact for change in made.flips] == ["contacted"]
    assert len(made.blocks) == 2


# --- properties over any combination of what can be in the way


def switches() -> st.SearchStrategy[tuple[Switch, ...]]:
    scopes = st.sampled_from(
        [
            (SwitchScope.ALL, ""),
            (SwitchScope.CHANNEL, Channel.WHATSAPP.value),
            (SwitchScope.CHANNEL, Channel.EMAIL_COLD.value),
        ]
    )
    made = st.builds(lambda s: Switch(s[0], s[1], "test", "ana", NOON), scopes)
    return st.lists(made, max_size=1).map(tuple)


def suppressions() -> st.SearchStrategy[tuple[Suppression, ...]]:
    key = a_case().addresses[0]
    one = st.just(Suppression(key, SuppressionReason.OPT_OUT, "ana", NOON))
    return st.lists(one, max_size=1).map(tuple)


OFFSETS = st.integers(-3 * 86_400, 9 * 86_400).map(lambda s: timedelta(seconds=s))
LIMITS = st.builds(
    Limits,
    total_per_day=st.sampled_from([None, None, 1, 5]),
    unanswered_per_month=st.sampled_from([None, None, 2]),
    company_per_month=st.sampled_from([None, None, 1]),
    campaign_new_per_day=st.sampled_from([None, None, 3]),
)
CAMPAIGN = CampaignId(uid(9))
KEYS = [
    *(f"total:2026-03-{day:02}" for day in range(1, 14)),
    *(f"campaign:{CAMPAIGN}:2026-03-{day:02}" for day in range(1, 14)),
    "unanswered:2026-03",
    f"company:{company_key('123', '')}:2026-03",
]
USES = st.fixed_dictionaries({key: st.sampled_from([0, 0, 2, 7]) for key in KEYS})
PHONES = st.builds(
    lambda state, limit, until, zone, ramp, enabled, limits: a_sender(
        limits=limits,
        state=state,
        daily_limit=limit,
        until=None if until is None else NOON + until,
        time_zone=zone,
        warm_up=ramp,
        enabled=enabled,
    ),
    st.sampled_from(list(SenderState)),
    st.sampled_from([0, 1, 40, 200]),
    st.one_of(st.none(), OFFSETS),
    st.sampled_from(["Europe/Bucharest", "America/New_York", "Asia/Tokyo", "UTC"]),
    st.one_of(
        st.none(),
        st.builds(
            WarmUp,
            began=st.dates(date(2026, 2, 20), date(2026, 3, 10)),
            days=st.integers(0, 30),
        ),
    ),
    st.booleans(),
    LIMITS,
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    intent = evolve(
        a_case().intent,
        due_at=NOON + draw(OFFSETS),
        send_class=draw(st.sampled_from(list(SendClass))),
        permission=draw(st.sampled_from(["", "", "", "ana"])),
    )
    sender = draw(st.one_of(st.none(), PHONES, st.just(a_sender())))
    journey = evolve(
        a_case().journey,
        state=draw(st.sampled_from([State.COLD, State.CONTACTED_WA, *State])),
        human_controlled=draw(st.sampled_from([False, False, True])),
        opted_out=draw(st.sampled_from([False, False, False, True])),
        reply_count=draw(st.sampled_from([0, 0, 1])),
    )
    lane = LaneFacts(
        gate_at=NOON + draw(OFFSETS),
        backoff_until=draw(st.one_of(st.none(), OFFSETS.map(lambda o: NOON + o))),
        busy=draw(st.sampled_from([False, False, True])),
    )
    return a_case(
        intent=intent,
        sender=sender,
        journey=journey,
        lane=None if sender is None else lane,
        ledger=None
        if sender is None
        else Ledger(
            date(2026, 3, 4),
            draw(st.sampled_from([0, 39, 40, 199, 200])),
            draw(st.sampled_from([0, 1, 300])),
            draw(USES),
        ),
        campaign=draw(st.sampled_from([CAMPAIGN, CAMPAIGN, None])),
        fields={"cui": draw(st.sampled_from(["123", ""]))},
        contacted=draw(st.booleans()),
        to=draw(st.sampled_from(["+40722999999", "+40722999999", ""])),
        template=draw(st.sampled_from([a_case().template, None])),
        enrolment=draw(st.sampled_from([EnrolmentStatus.ACTIVE, *EnrolmentStatus])),
        suppressions=draw(suppressions()),
        switches=draw(switches()),
        review_open=draw(st.sampled_from([False, False, True])),
        live=draw(st.sampled_from(["", "", "", "cancelled"])),
    )


NOWS = OFFSETS.map(lambda offset: NOON + offset)


@given(cases(), NOWS)
def test_at_the_earliest_time_it_passes_and_a_second_before_it_does_not(
    case: Case, now: datetime
) -> None:
    made = decided(case, now)

    if made.earliest is None:
        assert made.verdict in {Verdict.HOLD, Verdict.STOP}
        return
    assert made.earliest >= now
    assert decided(case, made.earliest).verdict is Verdict.SEND
    if made.earliest - SECOND >= now:
        assert decided(case, made.earliest - SECOND).verdict is not Verdict.SEND


@given(cases(), NOWS)
def test_all_flips_together_let_it_pass_and_each_of_them_is_needed(
    case: Case, now: datetime
) -> None:
    made = decided(case, now)

    changes = [
        evolve(change, value=a_sender()) if change.fact == "sender" else change
        for change in made.flips
    ]
    flipped = case
    for change in changes:
        flipped = flip(flipped, change)
    after = decided(flipped, now)
    left = {block.reason for block in after.blocks}
    # A phone that took the lead may be full itself; that is a new question.
    if not any(change.fact == "sender" for change in changes):
        assert after.verdict is Verdict.SEND, left
    for i in range(len(changes)):
        partly = case
        for change in changes[:i] + changes[i + 1 :]:
            partly = flip(partly, change)
        assert decided(partly, now).verdict is not Verdict.SEND


@given(cases(), NOWS)
def test_what_is_not_sent_has_exactly_one_binding_reason(
    case: Case, now: datetime
) -> None:
    made = decided(case, now)

    if made.verdict is Verdict.SEND:
        assert made.binding is Reason.OK
        assert made.blocks == ()
    else:
        assert made.binding is not Reason.OK
        assert made.binding in {block.reason for block in made.blocks}


@given(cases(), NOWS)
def test_the_same_facts_give_the_same_decision(case: Case, now: datetime) -> None:
    assert decided(case, now) == decided(case, now)


@given(cases(), NOWS)
def test_a_send_is_inside_window_and_day_and_limit(case: Case, now: datetime) -> None:
    made = decided(case, now)

    if made.terms is None:
        return
    assert made.terms.valid_until > now
    assert case.intent.permission or case.window.is_open(now)
    if made.terms.unit is not None:
        assert case.ledger is not None
        assert case.sender is not None
        if case.ledger.day == made.terms.unit.day:
            taken = case.ledger.used + case.ledger.external
            assert taken < min(200, case.sender.daily_limit)
    for share in made.terms.shares:
        assert case.ledger is not None
        assert case.ledger.budgets.get(share.key, 0) < share.limit
        assert made.terms.valid_until < share.ends_at
