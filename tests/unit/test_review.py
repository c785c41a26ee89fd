"""Review items: when they are due, when they escalate, how they merge."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.analysis import Analysis, ReplyIntent
from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured, Refused
from outreach.domain.ids import EventId, LeadId, ReviewId, TenantId, UserId
from outreach.domain.review import (
    PRIORITY_OF,
    SLA,
    TRIGGER_MAX_CHARACTERS,
    Priority,
    Resolution,
    ReviewCalendar,
    ReviewItem,
    ReviewReason,
    ReviewStatus,
    Trigger,
    escalated,
    fingerprint,
    merge,
    sla_due,
    sla_risk_at,
)

BUCHAREST: Final = ReviewCalendar("Europe/Bucharest")
QUARTER: Final = timedelta(minutes=15)


def local(text: str, zone: str = "Europe/Bucharest") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


FRIDAY_17: Final = local("2026-03-06 17:00")
ITEM: Final = ReviewItem(
    id=ReviewId(UUID(int=1)),
    tenant=TenantId(UUID(int=2)),
    lead=LeadId(UUID(int=3)),
    reason=ReviewReason.LOW_SENTIMENT,
    priority=Priority.MEDIUM,
    opened_at=FRIDAY_17,
    sla_due_at=sla_due(Priority.MEDIUM, FRIDAY_17, BUCHAREST),
    trigger="cât costă",
    suggested="welcome",
    fingerprint="f" * 64,
)

calendars = st.builds(
    ReviewCalendar,
    zone=st.sampled_from(["Europe/Bucharest", "America/New_York", "Asia/Kolkata"]),
    opens=st.sampled_from([time(0), time(9), time(9, 30)]),
    closes=st.sampled_from([time(12), time(18), time(23, 45)]),
    days=st.sets(st.integers(0, 6), min_size=2).map(frozenset),
    wall_clock=st.booleans(),
)
quarters = st.integers(0, 4 * 24 * 500).map(
    lambda n: datetime(2025, 9, 1, tzinfo=UTC) + n * QUARTER
)
priorities = st.sampled_from(Priority)


def test_priorities_are_ordered_by_urgency_not_by_spelling() -> None:
    assert sorted(Priority, reverse=True) == [
        Priority.URGENT,
        Priority.HIGH,
        Priority.MEDIUM,
        Priority.LOW,
    ]
    assert Priority.HIGH > Priority.LOW
    assert Priority.HIGH >= Priority.HIGH
    assert Priority.LOW < Priority.MEDIUM
    assert Priority.LOW <= Priority.LOW
    assert not Priority.URGENT < Priority.MEDIUM


def test_every_reason_has_a_priority() -> None:
    assert set(PRIORITY_OF) == set(ReviewReason)


@pytest.mark.parametrize(
    ("priority", "opened", "due"),
    [
        (Priority.URGENT, "2026-03-06 17:30", "2026-03-06 18:30"),
        (Priority.URGENT, "2026-03-07 03:00", "2026-03-07 04:00"),
        (Priority.HIGH, "2026-03-06 09:00", "2026-03-06 13:00"),
        (Priority.HIGH, "2026-03-06 14:00", "2026-03-06 18:00"),
        (Priority.HIGH, "2026-03-06 17:00", "2026-03-09 12:00"),
        (Priority.HIGH, "2026-03-06 18:00", "2026-03-09 13:00"),
        (Priority.HIGH, "2026-03-08 12:00", "2026-03-09 13:00"),
        (Priority.HIGH, "2026-03-09 08:59", "2026-03-09 13:00"),
        (Priority.MEDIUM, "2026-03-02 09:00", "2026-03-04 15:00"),
        (Priority.LOW, "2026-03-02 09:00", "2026-03-11 18:00"),
        # Summer time begins on Sunday the 29th: Monday still opens at 09:00.
        (Priority.HIGH, "2026-03-27 17:00", "2026-03-30 12:00"),
    ],
)
def test_an_item_is_due_when_the_reviewers_have_had_their_time(
    priority: Priority, opened: str, due: str
) -> None:
    assert sla_due(priority, local(opened), BUCHAREST) == local(due)


def test_at_half_the_time_on_the_same_clock_it_is_at_risk() -> None:
    assert sla_risk_at(Priority.HIGH, FRIDAY_17, BUCHAREST) == local("2026-03-09 10:00")
    assert sla_risk_at(Priority.URGENT, FRIDAY_17, BUCHAREST) == local(
        "2026-03-06 17:30"
    )


@pytest.mark.parametrize(
    ("priority", "hours"),
    [("URGENT", 1), ("HIGH", 4), ("MEDIUM", 24), ("LOW", 72)],
)
def test_on_the_wall_clock_nights_count(priority: str, hours: int) -> None:
    calendar = evolve(BUCHAREST, wall_clock=True)

    due = sla_due(Priority(priority), FRIDAY_17, calendar)

    assert due == FRIDAY_17 + timedelta(hours=hours)


def test_an_opening_that_does_not_exist_is_the_first_instant_after_the_gap() -> None:
    night = ReviewCalendar(
        "Europe/Bucharest", time(3, 30), time(18), frozenset(range(7))
    )

    # On 29 March 2026 the clock jumps from 03:00 to 04:00, at 01:00 UTC.
    due = sla_due(Priority.HIGH, datetime(2026, 3, 28, 22, tzinfo=UTC), night)

    assert due == datetime(2026, 3, 29, 5, tzinfo=UTC)


def test_an_opening_that_happens_twice_is_the_first() -> None:
    night = ReviewCalendar(
        "Europe/Bucharest", time(3, 30), time(18), frozenset(range(7))
    )

    # On 25 October 2026 03:30 is 00:30 UTC and 01:30 UTC.
    due = sla_due(Priority.HIGH, datetime(2026, 10, 24, 22, tzinfo=UTC), night)

    assert due == datetime(2026, 10, 25, 4, 30, tzinfo=UTC)


@given(priority=priorities, opened=quarters, calendar=calendars)
def test_between_opening_and_due_lies_exactly_the_working_time(
    priority: Priority, opened: datetime, calendar: ReviewCalendar
) -> None:
    due = sla_due(priority, opened, calendar)

    zone = ZoneInfo(calendar.zone)
    always = calendar.wall_clock or priority is Priority.URGENT
    worked = timedelta()
    at = opened
    while at < due:
        here = at.astimezone(zone)
        if always or (
            here.weekday() in calendar.days
            and calendar.opens <= here.time() < calendar.closes
        ):
            worked += QUARTER
            last = at
        at += QUARTER
    assert worked == SLA[priority].time
    assert due == last + QUARTER


@given(priority=priorities, opened=quarters, later=quarters, calendar=calendars)
def test_what_comes_later_is_not_due_earlier(
    priority: Priority, opened: datetime, later: datetime, calendar: ReviewCalendar
) -> None:
    first, second = sorted((opened, later))

    assert sla_due(priority, first, calendar) <= sla_due(priority, second, calendar)
    assert opened < sla_risk_at(priority, opened, calendar)
    assert sla_risk_at(priority, opened, calendar) < sla_due(priority, opened, calendar)


@given(more=priorities, less=priorities, opened=quarters, calendar=calendars)
def test_what_is_more_urgent_is_due_earlier(
    more: Priority, less: Priority, opened: datetime, calendar: ReviewCalendar
) -> None:
    if more > less:
        assert sla_due(more, opened, calendar) < sla_due(less, opened, calendar)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"zone": "Europe/Bucuresti"}, "Europe/Bucuresti"),
        ({"zone": ""}, "IANA"),
        ({"zone": "../etc/passwd"}, "IANA"),
        ({"opens": time(18)}, "18:00-18:00"),
        ({"days": frozenset()}, "at least one"),
        ({"days": frozenset({7})}, "0 .Monday. to 6"),
    ],
)
def test_a_calendar_that_cannot_work_is_refused(
    wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(Misconfigured, match=says):
        evolve(BUCHAREST, **wrong)


def test_an_item_escalates_at_the_moment_it_is_due() -> None:
    before = escalated(ITEM, ITEM.sla_due_at - timedelta(microseconds=1))
    after = escalated(ITEM, ITEM.sla_due_at)

    assert before is ITEM
    assert after.status is ReviewStatus.ESCALATED
    assert after.priority is Priority.URGENT
    assert after.sla_breached
    assert after.escalated_at == ITEM.sla_due_at
    assert after.version == ITEM.version + 1


def test_it_escalates_once() -> None:
    once = escalated(ITEM, ITEM.sla_due_at)

    assert escalated(once, ITEM.sla_due_at + timedelta(days=9)) is once


def test_the_breach_counts_but_nobody_at_work_is_disturbed() -> None:
    due = ITEM.sla_due_at
    claimed = evolve(
        ITEM, status=ReviewStatus.ASSIGNED, claimed_until=due + timedelta(minutes=4)
    )

    during = escalated(claimed, due)
    again = escalated(during, due + timedelta(minutes=1))
    lapsed = escalated(during, due + timedelta(minutes=4))

    assert during.sla_breached
    assert during.status is ReviewStatus.ASSIGNED
    assert during.escalated_at is None
    assert again is during
    assert lapsed.status is ReviewStatus.ESCALATED


def test_a_snoozed_item_escalates_and_a_resolved_one_does_not() -> None:
    later = ITEM.sla_due_at + timedelta(days=1)
    snoozed = evolve(ITEM, status=ReviewStatus.SNOOZED, snoozed_until=later)
    resolved = evolve(ITEM, status=ReviewStatus.RESOLVED, resolution=Resolution.IGNORED)

    assert escalated(snoozed, ITEM.sla_due_at).status is ReviewStatus.ESCALATED
    assert escalated(snoozed, ITEM.sla_due_at).snoozed_until is None
    assert escalated(resolved, later) is resolved


def test_a_fingerprint_changes_with_everything_that_is_shown() -> None:
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    shown = ("+40722123456", Channel.WHATSAPP, "Bună ziua", at)

    marks = {
        fingerprint(*shown),
        fingerprint("+40722123457", *shown[1:]),
        fingerprint(shown[0], Channel.EMAIL_WARM, *shown[2:]),
        fingerprint(*shown[:2], "Bună ziua ", at),
        fingerprint(*shown[:3], at + timedelta(microseconds=1)),
        fingerprint(*shown[:3], None),
    }

    assert len(marks) == 6
    assert all(len(mark) == 64 for mark in marks)


def test_a_fingerprint_is_the_same_in_every_zone() -> None:
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    there = at.astimezone(ZoneInfo("Europe/Bucharest"))

    assert fingerprint("a", Channel.WHATSAPP, "b", at) == fingerprint(
        "a", Channel.WHATSAPP, "b", there
    )


@given(a=st.text(), b=st.text(), c=st.text(), d=st.text())
def test_parts_of_a_fingerprint_cannot_flow_into_each_other(
    a: str, b: str, c: str, d: str
) -> None:
    same = (a, b) == (c, d)
    one = fingerprint(a, Channel.WHATSAPP, b, None)
    other = fingerprint(c, Channel.WHATSAPP, d, None)

    assert (one == other) == same


def test_a_second_message_joins_the_open_item() -> None:
    at = FRIDAY_17 + timedelta(minutes=10)
    angry = Analysis(ReplyIntent.COMPLAINT, -60, 0.9, "ro", (), "rules/1")
    event = EventId(UUID(int=9))
    more = Trigger(
        ReviewReason.COMPLAINT, Priority.URGENT, "e spam!", event, analysis=angry
    )

    joined = merge(ITEM, more, at=at, calendar=BUCHAREST)

    assert joined.id == ITEM.id
    assert joined.reason is ReviewReason.COMPLAINT
    assert joined.priority is Priority.URGENT
    assert joined.trigger == "cât costă\ne spam!"
    assert joined.sla_due_at == at + timedelta(hours=1)
    assert joined.analysis == angry
    assert joined.confidence == 0.9
    assert joined.communication == event
    assert joined.suggested is None
    assert joined.fingerprint is None
    assert joined.version == ITEM.version + 1


def test_a_milder_message_changes_neither_reason_nor_time() -> None:
    mild = Trigger(ReviewReason.BOUNCE_DETECTED, Priority.LOW)
    equal = Trigger(ReviewReason.WRONG_PERSON, Priority.MEDIUM)

    for more in (mild, equal):
        joined = merge(
            ITEM, more, at=FRIDAY_17 + timedelta(hours=1), calendar=BUCHAREST
        )

        assert joined.reason is ITEM.reason
        assert joined.priority is ITEM.priority
        assert joined.sla_due_at == ITEM.sla_due_at
        assert joined.trigger == ITEM.trigger


@given(
    first=priorities,
    then=priorities,
    opened=quarters,
    waited=st.integers(0, 500),
    calendar=calendars,
)
def test_merging_never_gives_more_time_nor_less_urgency(
    first: Priority,
    then: Priority,
    opened: datetime,
    waited: int,
    calendar: ReviewCalendar,
) -> None:
    item = evolve(ITEM, priority=first, sla_due_at=sla_due(first, opened, calendar))
    more = Trigger(ReviewReason.MANUAL_FLAG, then)

    joined = merge(item, more, at=opened + waited * QUARTER, calendar=calendar)

    assert joined.sla_due_at <= item.sla_due_at
    assert joined.priority == max(first, then)


def test_a_new_message_wakes_a_snoozed_item_and_leaves_a_claim_alone() -> None:
    until = FRIDAY_17 + timedelta(hours=3)
    snoozed = evolve(ITEM, status=ReviewStatus.SNOOZED, snoozed_until=until)
    claimed = evolve(
        ITEM,
        status=ReviewStatus.ASSIGNED,
        assigned_to=UserId(UUID(int=5)),
        claimed_until=until,
    )
    more = Trigger(ReviewReason.LOW_SENTIMENT, Priority.MEDIUM, "?")

    awake = merge(snoozed, more, at=FRIDAY_17, calendar=BUCHAREST)
    kept = merge(claimed, more, at=FRIDAY_17, calendar=BUCHAREST)

    assert awake.status is ReviewStatus.PENDING
    assert awake.snoozed_until is None
    assert kept.status is ReviewStatus.ASSIGNED
    assert kept.at_work(FRIDAY_17)
    assert not kept.at_work(until)


def test_of_very_many_messages_the_latest_are_kept() -> None:
    more = Trigger(ReviewReason.LOW_SENTIMENT, Priority.MEDIUM, "x" * 30_000 + "!")

    joined = merge(ITEM, more, at=FRIDAY_17, calendar=BUCHAREST)

    assert len(joined.trigger) == TRIGGER_MAX_CHARACTERS
    assert joined.trigger.endswith("!")


def test_a_resolved_item_takes_no_more() -> None:
    resolved = evolve(ITEM, status=ReviewStatus.RESOLVED)
    more = Trigger(ReviewReason.LOW_SENTIMENT, Priority.MEDIUM, "?")

    with pytest.raises(Refused, match="open a new one"):
        merge(resolved, more, at=FRIDAY_17, calendar=BUCHAREST)


def test_what_people_wrote_is_not_in_the_repr() -> None:
    assert "cât costă" not in repr(ITEM)
    assert "welcome" not in repr(ITEM)
