"""Which message of a lane goes first, and that new contacts keep half the slots."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cases import NOON, a_case, uid

from outreach.domain.case import Case
from outreach.domain.ids import IntentId
from outreach.domain.sender import SendClass
from outreach.domain.serving import serve_order, took_turn
from outreach.domain.window import Hours, Window, local_instant

ZONE = "Europe/Bucharest"
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
NEW, FOLLOWUP = SendClass.NEW, SendClass.FOLLOWUP


def waiting(
    kind: SendClass, due: datetime = NOON, *, window: Window | None = None, n: int = 1
) -> Case:
    plain = a_case()
    return evolve(
        plain,
        intent=evolve(plain.intent, id=IntentId(uid(n)), send_class=kind, due_at=due),
        window=window or plain.window,
    )


def first(*cases: Case, now: datetime = NOON, last_was_new: bool = False) -> SendClass:
    return serve_order(cases, now, last_was_new=last_was_new)[0].intent.send_class


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return local_instant(day, time(hour, minute), ZONE)


FRIDAY, MONDAY, TUESDAY = date(2026, 3, 6), date(2026, 3, 9), date(2026, 3, 10)


def test_replies_go_before_everything_and_those_of_people_first() -> None:
    cases = [waiting(kind) for kind in SendClass]

    for last_was_new in (False, True):
        order = serve_order(cases, NOON, last_was_new=last_was_new)

        kinds = [case.intent.send_class for case in order]
        assert kinds[:2] == [SendClass.APPROVED, SendClass.AI]


def test_after_a_follow_up_comes_a_new_contact_and_after_that_a_follow_up() -> None:
    both = (waiting(NEW), waiting(FOLLOWUP))

    assert first(*both, last_was_new=False) is NEW
    assert first(*both, last_was_new=True) is FOLLOWUP


def test_alone_each_kind_takes_every_slot() -> None:
    for last_was_new in (False, True):
        assert first(waiting(NEW), last_was_new=last_was_new) is NEW
        assert first(waiting(FOLLOWUP), last_was_new=last_was_new) is FOLLOWUP


def test_within_a_class_the_older_goes_first() -> None:
    young, old = waiting(NEW, NOON, n=1), waiting(NEW, NOON - MINUTE, n=2)

    assert serve_order([young, old], NOON, last_was_new=False) == (old, young)


@given(
    st.lists(st.sampled_from([NEW, FOLLOWUP]), max_size=40),
    st.integers(2, 60),
)
def test_over_any_run_of_slots_with_both_waiting_new_contacts_get_half(
    before: list[SendClass], slots: int
) -> None:
    last_was_new = before[-1:] == [NEW]
    sent: list[SendClass] = []

    for n in range(slots):
        now = NOON + n * MINUTE
        cases = (waiting(NEW, now), waiting(FOLLOWUP, now))
        sent.append(first(*cases, now=now, last_was_new=last_was_new))
        last_was_new = sent[-1] is NEW

    assert abs(sent.count(NEW) - sent.count(FOLLOWUP)) <= 1


@pytest.mark.parametrize(
    ("due", "overdue"),
    [
        (at(MONDAY, 11), at(TUESDAY, 11)),
        # A weekend is no working day, however late on Friday it was due.
        (at(FRIDAY, 17), at(MONDAY, 17)),
        # What came due while the window was shut is as old as the day that follows.
        (at(FRIDAY, 20), at(TUESDAY, 9)),
        (at(MONDAY, 7), at(TUESDAY, 9)),
    ],
)
def test_follow_ups_go_first_once_the_oldest_is_one_working_day_late(
    due: datetime, overdue: datetime
) -> None:
    def order(now: datetime) -> SendClass:
        return first(waiting(NEW, due), waiting(FOLLOWUP, due), now=now)

    assert order(overdue - SECOND) is NEW
    assert order(overdue) is FOLLOWUP


def test_a_holiday_is_no_working_day() -> None:
    window = Window((ZONE,), holidays=frozenset({MONDAY}))
    due = at(FRIDAY, 10)

    def order(now: datetime) -> SendClass:
        return first(
            waiting(NEW, due, window=window),
            waiting(FOLLOWUP, due, window=window),
            now=now,
        )

    assert order(at(MONDAY, 17)) is NEW
    assert order(at(TUESDAY, 10)) is FOLLOWUP


def test_the_clock_that_is_put_forward_makes_no_follow_up_late_or_early() -> None:
    due = at(date(2026, 3, 27), 9, 30)  # a Friday; the clock moves on Sunday

    def order(now: datetime) -> SendClass:
        return first(waiting(NEW, due), waiting(FOLLOWUP, due), now=now)

    assert order(at(date(2026, 3, 30), 9, 29)) is NEW
    assert order(at(date(2026, 3, 30), 9, 30)) is FOLLOWUP


def test_the_oldest_follow_up_counts_and_not_the_one_that_came_first() -> None:
    late = waiting(FOLLOWUP, at(FRIDAY, 9), n=2)
    cases = (waiting(NEW), waiting(FOLLOWUP, at(MONDAY, 11), n=1), late)

    order = serve_order(cases, at(MONDAY, 12), last_was_new=False)

    assert order[0] is late


REPLY = SendClass.APPROVED


@given(
    replies=st.lists(st.booleans(), min_size=2, max_size=60),
    last_was_new=st.booleans(),
)
def test_of_any_free_slots_in_a_row_both_get_half_whatever_replies_come_between(
    *, replies: list[bool], last_was_new: bool
) -> None:
    free: list[SendClass] = []
    for n, reply in enumerate(replies):
        now = NOON + n * MINUTE
        cases = [waiting(NEW, now), waiting(FOLLOWUP, now)]
        cases += [waiting(REPLY, now)] * reply
        sent = first(*cases, now=now, last_was_new=last_was_new)
        last_was_new = took_turn(sent, last_was_new=last_was_new)
        assert (sent is REPLY) == reply
        free += [sent] * (not reply)

    for begin in range(len(free)):
        for end in range(begin + 1, len(free) + 1):
            row = free[begin:end]
            assert row.count(NEW) >= len(row) // 2
            assert row.count(FOLLOWUP) >= len(row) // 2


SLOT = timedelta(minutes=20)
WORKING_DAY = timedelta(hours=9)


@given(
    st.lists(st.integers(0, 9 * 60 - 1), min_size=1, max_size=40),
    st.lists(st.booleans(), min_size=5, max_size=20),
)
def test_a_follow_up_waits_a_working_day_and_then_only_for_older_ones(
    dues: list[int], replies: list[bool]
) -> None:
    """Nine hours from Monday 9:00 in which follow-ups come due, always with a new
    contact waiting; then Tuesday and on, until all are sent.
    """
    left = [at(MONDAY, 9) + minutes * MINUTE for minutes in sorted(dues)]
    waited: dict[int, int] = {}
    older: dict[int, int] = {}
    place, last_was_new, slot, gone = 0, False, 0, 0
    while place < len(left):
        day, turn = divmod(slot, int(WORKING_DAY / SLOT))
        now = at(MONDAY + timedelta(days=day), 9) + turn * SLOT
        slot += 1
        reply = replies[slot % len(replies)] and slot < 200
        for one in range(place, len(left)):
            if now >= left[one] + timedelta(days=1) and one not in older:
                older[one], waited[one] = one - place, 0
        due = [waiting(FOLLOWUP, left[place])] if left[place] <= now else []
        cases = [waiting(NEW, now), *due, *[waiting(REPLY, now)] * reply]
        sent = first(*cases, now=now, last_was_new=last_was_new)
        last_was_new = took_turn(sent, last_was_new=last_was_new)
        if sent is REPLY:
            continue
        for one in waited:
            waited[one] += one >= place
        if sent is FOLLOWUP:
            place, gone = place + 1, gone + 1
        else:
            assert not due or now < left[place] + timedelta(days=1)

    assert gone == len(left)
    for one, slots in waited.items():
        assert slots <= older[one] + 1, "its own slot, and one for each older one"


HOURS = st.sampled_from(
    [Hours(), Hours(time(0), time(0), frozenset(range(7))), Hours(time(22), time(23))]
)
ZONES = st.lists(
    st.sampled_from([ZONE, "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe"]),
    min_size=1,
    max_size=2,
)
TIMES = st.integers(0, 400 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + minutes * MINUTE
)


@given(HOURS, ZONES, TIMES, st.integers(0, 20_000))
def test_once_late_a_follow_up_stays_late_and_it_is_never_so_within_an_hour(
    hours: Hours, zones: list[str], due: datetime, minutes: int
) -> None:
    window = Window(tuple(zones), hours)
    cases = waiting(NEW, due, window=window), waiting(FOLLOWUP, due, window=window)
    now = due + minutes * MINUTE

    late = first(*cases, now=now) is FOLLOWUP

    if late:
        assert now - due >= timedelta(hours=1)
        assert first(*cases, now=now + timedelta(days=1)) is FOLLOWUP
