"""A judge that finds nothing in mail proves nothing: it is shown each breach once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from tests.unit.test_judge import NOON, SECOND, ZONE

from outreach.domain.channel import Channel, State
from outreach.domain.invariants import Invariant
from outreach.domain.message import Outcome
from outreach.domain.window import Window
from outreach.testing.judge import (
    Attempted,
    OptOut,
    Phone,
    Record,
    Sent,
    armed_of,
    judge,
)
from outreach.testing.judge_mail import Asked, MailRecord, Opened, Passed, judge_mail

COLD, WARM = "instantly/default", "ana@agro.ro"
TO = "ion@firma1.ro"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CAMPAIGN = "c1"


def mail(n: int = 1, *, warm: bool = False, **facts: Any) -> Sent:
    channel = Channel.EMAIL_WARM if warm else Channel.EMAIL_COLD
    plain = Sent(
        uid=f"m{n}",
        phone=WARM if warm else COLD,
        to=TO,
        text=f"text {n}",
        on=NOON,
        at=NOON,
        channel=channel,
        subject="o întrebare",
    )
    return evolve(plain, **facts)


def attempt(sent: Sent, **facts: Any) -> Attempted:
    warm = sent.channel is Channel.EMAIL_WARM
    plain = Attempted(
        id=f"a {sent.uid}",
        intent=f"i {sent.uid}",
        lead="l1",
        step=1,
        automatic=not warm,
        phone=sent.phone,
        to=sent.to,
        hash=sent.hash,
        token=1,
        armed_at=NOON - SECOND,
        armed_on=NOON - SECOND,
        outcome=Outcome.ACCEPTED,
        day=None,
        holds=False,
        channel=sent.channel,
        state=State.WARM_REPLY if warm else State.COLD,
        campaign="" if warm else CAMPAIGN,
    )
    return evolve(plain, **facts)


def record(*sent: Sent, **facts: Any) -> Record:
    plain = Record(
        sent=sent,
        attempts=[attempt(one) for one in sent],
        phones=[Phone("+40740000000", ZONE, 5)],
        windows={TO: Window((ZONE,)), "+40721000001": Window((ZONE,))},
    )
    return evolve(plain, **facts)


def of(base: Record, **facts: Any) -> MailRecord:
    plain = MailRecord(
        record=base,
        armed=armed_of(base),
        warm=frozenset({WARM}),
        wrote={TO: NOON - HOUR},
        passed=[],
        opened=[],
        asked=[],
        told=frozenset(),
        now=NOON + 48 * HOUR,
    )
    return evolve(plain, **facts)


def found(record: MailRecord) -> set[Invariant]:
    return {breach.invariant for breach in judge_mail(record)}


def test_a_whole_record_has_no_breach() -> None:
    base = record(mail(1), mail(2, warm=True))

    left = [Passed("m1", TO, "k1", NOON + HOUR)]

    assert judge(base) == []
    assert found(of(base, passed=left)) == set()


@pytest.mark.parametrize("state", [State.COLD, State.CONTACTED_EMAIL, State.DEAD, None])
def test_warm_mail_for_a_lead_that_was_not_warm(state: State | None) -> None:
    sent = mail(warm=True)

    base = record(sent, attempts=[attempt(sent, state=state)])

    assert found(of(base)) == {Invariant.CHANNEL_GUARD}


def test_warm_mail_for_somebody_who_had_not_written() -> None:
    base = record(mail(warm=True))

    assert found(of(base, wrote={})) == {Invariant.CHANNEL_GUARD}
    assert found(of(base, wrote={TO: NOON})) == {Invariant.CHANNEL_GUARD}


def test_cold_mail_by_the_warm_account() -> None:
    assert found(of(record(mail(phone=WARM)))) == {Invariant.CHANNEL_GUARD}


def test_armed_while_its_breaker_was_open() -> None:
    base = record(mail())

    open_ = [Opened(CAMPAIGN, NOON - MINUTE, NOON + HOUR)]
    over = [Opened(CAMPAIGN, NOON - HOUR, NOON - MINUTE)]
    other = [Opened("c2", NOON - MINUTE)]

    assert found(of(base, opened=open_)) == {Invariant.BREAKER}
    assert found(of(base, opened=[*over, *other])) == set()


def test_a_breaker_that_mail_opened_lets_other_channels_go() -> None:
    sent = Sent("p1", "+40740000000", "+40721000001", "text", NOON, NOON)
    base = record(sent)

    by_mail = [Opened(CAMPAIGN, NOON - MINUTE, mail=True)]
    by_person = [Opened(CAMPAIGN, NOON - MINUTE)]

    assert found(of(base, opened=by_mail)) == set()
    assert found(of(base, opened=by_person)) == {Invariant.BREAKER}


def test_sent_on_in_the_night() -> None:
    base = record(mail())

    night = [Passed("m1", TO, "k1", NOON.replace(hour=20))]

    assert found(of(base, passed=night)) == {Invariant.WINDOW}


def asked(**facts: Any) -> Asked:
    plain = Asked(
        id="s1", kind="BLOCK", on=NOON, confirmed=True, heard=True, alerted=False
    )
    return evolve(plain, **facts)


def test_a_stop_is_confirmed_by_its_provider_or_alerted() -> None:
    base = record(mail())

    young = asked(confirmed=False, on=NOON + 48 * HOUR - MINUTE)
    alerted = asked(confirmed=False, alerted=True)
    forgotten = asked(confirmed=False)
    believed = asked(heard=False)

    assert found(of(base, asked=[asked(), young, alerted])) == set()
    assert found(of(base, asked=[forgotten])) == {Invariant.STOPS_CONFIRMED}
    assert found(of(base, asked=[believed])) == {Invariant.STOPS_CONFIRMED}


@pytest.mark.parametrize("minutes", [20, 22])
def test_what_leaves_long_after_an_opt_out(minutes: int) -> None:
    base = record(mail(), opt_outs=[OptOut(TO, NOON)])

    late = of(base, passed=[Passed("m1", TO, "k1", NOON + minutes * MINUTE)])

    broken = {Invariant.STOPS_CONFIRMED} if minutes > 21 else set()
    assert found(late) == broken
    assert found(evolve(late, told=frozenset({"a m1"}))) == set()


def test_what_leaves_long_after_its_breaker_opened() -> None:
    opened = [Opened(CAMPAIGN, NOON, NOON + 2 * HOUR)]
    left = [Passed("m1", TO, "k1", NOON + HOUR)]

    late = of(record(mail()), passed=left, opened=opened)

    assert found(late) == {Invariant.STOPS_CONFIRMED}
    assert found(evolve(late, told=frozenset({CAMPAIGN}))) == set()


# --- what the judge of all asks of mail


def test_the_same_step_by_two_channels() -> None:
    by_mail = mail()
    by_phone = Sent("p1", "+40740000000", "+40721000001", "text", NOON, NOON)
    both = [attempt(by_mail), attempt(by_phone, intent="i m1")]
    base = record(by_mail, by_phone, attempts=both)

    back = [attempt(by_mail, outcome=Outcome.REFUSED), both[1]]
    returned = evolve(base, attempts=back, returned=frozenset({"m1"}))

    assert {one.invariant for one in judge(base)} == {Invariant.ONE_SEND_PER_STEP}
    assert judge(returned) == []
    assert {one.invariant for one in judge(evolve(returned, returned=frozenset()))} == {
        Invariant.ONE_SEND_PER_STEP,
        Invariant.ATTEMPT_FIRST,
    }


def test_who_opted_out_by_mail_is_the_same_person_by_phone() -> None:
    sent = mail(to="ion+oferte@firma1.ro")
    windows = {sent.to: Window((ZONE,))}
    plain = record(sent, windows=windows)

    sub_address = evolve(plain, opt_outs=[OptOut(TO, NOON - MINUTE)])
    number = evolve(
        plain,
        opt_outs=[OptOut("+40721000001", NOON - MINUTE)],
        people={TO: "ion", "+40721000001": "ion"},
    )

    for one in (sub_address, number):
        assert {breach.invariant for breach in judge(one)} == {Invariant.OPT_OUT}
