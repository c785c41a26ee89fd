"""A judge that finds nothing proves nothing: each breach is shown to it once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from outreach.domain.invariants import Invariant
from outreach.domain.message import Outcome
from outreach.domain.window import Window
from outreach.testing.judge import (
    Attempted,
    Heard,
    OptOut,
    Phone,
    Record,
    Sent,
    Used,
    judge,
)

ZONE = "Europe/Bucharest"
NOON = datetime(2026, 3, 2, 10, tzinfo=UTC)
TODAY = date(2026, 3, 2)
PHONE, OTHER = "+40740000000", "+40740000001"
SECOND = timedelta(seconds=1)


def sent(n: int, at: datetime = NOON, **facts: Any) -> Sent:
    to = f"+4072100000{n}"
    return evolve(Sent(f"m{n}", PHONE, to, f"text {n}", at, at), **facts)


def attempt(n: int, at: datetime = NOON, **facts: Any) -> Attempted:
    plain = Attempted(
        id=f"a{n}",
        intent=f"i{n}",
        lead=f"l{n}",
        step=1,
        automatic=True,
        phone=PHONE,
        to=f"+4072100000{n}",
        hash=sent(n).hash,
        token=n,
        armed_at=at - SECOND,
        armed_on=at - SECOND,
        outcome=Outcome.ACCEPTED,
        day=TODAY,
        holds=True,
    )
    return evolve(plain, **facts)


def later(n: int) -> datetime:
    return NOON + n * timedelta(minutes=2)


def whole(many: int = 2, limit: int = 5, **facts: Any) -> Record:
    """That many first messages, two minutes apart."""
    numbers = range(1, many + 1)
    record = Record(
        sent=[sent(n, later(n)) for n in numbers],
        attempts=[attempt(n, later(n)) for n in numbers],
        phones=[Phone(PHONE, ZONE, limit), Phone(OTHER, ZONE, limit)],
        windows={f"+4072100000{n}": Window((ZONE,)) for n in range(10)},
        used=[Used(PHONE, TODAY, frozenset(f"i{n}" for n in numbers))],
    )
    return evolve(record, **facts)


def found(record: Record) -> set[Invariant]:
    return {breach.invariant for breach in judge(record)}


def test_a_whole_record_has_no_breach() -> None:
    assert judge(whole()) == []


def test_the_same_text_twice() -> None:
    record = whole()

    twice = [*record.sent, sent(1, later(9), uid="m9")]

    assert found(evolve(record, sent=twice)) == {Invariant.ONE_SEND_PER_STEP}


def test_two_open_attempts_of_one_message() -> None:
    record = whole()

    second = attempt(1, later(9), id="a9", token=9, outcome=Outcome.UNKNOWN)
    attempts = [*record.attempts, second]

    assert found(evolve(record, attempts=attempts)) == {Invariant.ONE_SEND_PER_STEP}


def test_one_more_than_the_limit() -> None:
    assert found(whole(3, limit=2)) == {Invariant.LIMIT_PER_DAY}


def test_who_wrote_first_is_no_new_contact() -> None:
    known = [Heard(PHONE, "+40721000001", NOON)]

    assert judge(whole(3, limit=2, known=known)) == []


def test_a_call_under_way_at_midnight_counts_on_the_day_it_was_armed() -> None:
    midnight = datetime(2026, 3, 2, 10, tzinfo=UTC)
    there = "Pacific/Kiritimati"
    record = whole(2, limit=1, phones=[Phone(PHONE, there, 1)], used=[])
    armed = [attempt(1, midnight - SECOND), attempt(2, midnight + 2 * SECOND)]
    under_way = evolve(
        record,
        sent=[sent(1, midnight + 40 * SECOND), sent(2, midnight + 80 * SECOND)],
        attempts=armed,
        under_way=timedelta(seconds=90),
    )

    late = evolve(under_way, under_way=timedelta(seconds=10))

    assert judge(under_way) == []
    assert found(late) == {Invariant.LIMIT_PER_DAY}


def test_too_soon_after_another() -> None:
    record = whole()

    close = [record.sent[0], evolve(record.sent[1], on=later(1) + 29 * SECOND)]

    assert Invariant.GAP in found(evolve(record, sent=close))


@pytest.mark.parametrize("hour", [5, 17])
def test_outside_the_window(hour: int) -> None:
    night = NOON.replace(hour=hour)
    record = whole(1)

    early = [evolve(record.sent[0], on=night, at=night)]
    armed = [attempt(1, night)]

    assert found(evolve(record, sent=early, attempts=armed)) == {Invariant.WINDOW}


def test_a_person_may_allow_the_night() -> None:
    night = NOON.replace(hour=20)
    record = whole(1)

    early = [evolve(record.sent[0], on=night, at=night)]
    armed = [attempt(1, night, permitted=True)]

    assert judge(evolve(record, sent=early, attempts=armed)) == []


def test_armed_after_an_opt_out() -> None:
    stop = [OptOut("+40721000002", later(1))]

    assert found(whole(opt_outs=stop)) == {Invariant.OPT_OUT}


def test_a_call_under_way_at_an_opt_out_may_end() -> None:
    stop = [OptOut("+40721000002", later(2))]

    assert judge(whole(opt_outs=stop)) == []


def test_accepted_without_an_attempt() -> None:
    record = whole()

    one = [record.attempts[0]]
    used = [Used(PHONE, TODAY, frozenset({"i1"}))]

    assert found(evolve(record, attempts=one, used=used)) == {Invariant.ATTEMPT_FIRST}


def test_accepted_and_the_ledger_says_not() -> None:
    record = whole()

    released = [record.attempts[0], attempt(2, later(2), outcome=Outcome.RELEASED)]
    used = [Used(PHONE, TODAY, frozenset({"i1"}))]

    broken = evolve(record, attempts=released, used=used)
    assert found(broken) == {Invariant.ATTEMPT_FIRST}


def test_a_unit_that_nobody_holds() -> None:
    used = [Used(PHONE, TODAY, frozenset({"i1", "i2", "i3"}))]

    assert found(whole(used=used)) == {Invariant.UNITS_AGREE}


def test_a_unit_that_was_given_back_too_soon() -> None:
    record = whole()

    armed = [record.attempts[0], attempt(2, later(2), holds=False)]
    used = [Used(PHONE, TODAY, frozenset({"i1"}))]

    broken = evolve(record, attempts=armed, used=used)
    assert found(broken) == {Invariant.UNITS_AGREE}


def test_a_guard_that_differs() -> None:
    both = frozenset({"i1", "i2"})
    used = [Used(PHONE, TODAY, both, reserved=frozenset({"i1"}))]

    assert found(whole(used=used)) == {Invariant.UNITS_AGREE}


def test_an_old_token() -> None:
    record = whole()

    old = [record.attempts[0], attempt(2, later(2), token=0)]

    assert found(evolve(record, attempts=old)) == {Invariant.TOKENS_GROW}


def test_another_phone() -> None:
    record = whole(1)

    second = sent(1, later(3), uid="m3", phone=OTHER, text="text 3")
    armed = attempt(
        1, later(3), id="a3", intent="i3", phone=OTHER, hash=second.hash, day=None
    )
    moved = evolve(
        record,
        sent=[*record.sent, second],
        attempts=[*record.attempts, armed],
    )

    assert found(moved) == {Invariant.STICKY_SENDER}
    assert judge(evolve(moved, moved=frozenset({("l1", OTHER)}))) == []
