"""Phone states: who moves a phone, what it may send, what lies beneath a trouble."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cases import NOON, a_sender

from outreach.domain.budget import WarmUp
from outreach.domain.new_sender import NewSender
from outreach.domain.sender import (
    ALERTS,
    REACHOUT_LOCK,
    RECONNECT_WITHIN,
    SendClass,
    Sender,
    SenderMove,
    SenderSignal,
    SenderState,
    may_send,
    signalled,
    timed_out,
)

MINUTE = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)
EVERYTHING = frozenset(SendClass)
NO_STRANGERS = EVERYTHING - {SendClass.NEW}
AT_WORK = (SenderState.WARMING, SenderState.ACTIVE)
GONE = (SenderState.BANNED, SenderState.RETIRED)
RAMP = WarmUp(date(2026, 3, 1), days=10)


def on(sender: Sender, signal: SenderSignal, why: str = "test") -> SenderMove:
    return signalled(sender, signal, NOON, why=why)


def after(sender: Sender, *signals: SenderSignal) -> Sender:
    for signal in signals:
        sender = on(sender, signal).sender
    return sender


@pytest.mark.parametrize(
    ("state", "classes"),
    [
        (SenderState.WARMING, EVERYTHING),
        (SenderState.ACTIVE, EVERYTHING),
        (SenderState.REACHOUT_LOCKED, NO_STRANGERS),
        (SenderState.QUARANTINE, NO_STRANGERS),
        (SenderState.PAUSED, frozenset[SendClass]()),
        (SenderState.OFFLINE, frozenset[SendClass]()),
        (SenderState.RECONNECTING, frozenset[SendClass]()),
        (SenderState.BANNED, frozenset[SendClass]()),
        (SenderState.RETIRED, frozenset[SendClass]()),
    ],
)
def test_what_a_phone_may_send_in_each_state(
    state: SenderState, classes: frozenset[SendClass]
) -> None:
    assert {one for one in SendClass if may_send(state, one)} == classes


def test_a_disabled_phone_sends_nothing_in_any_state() -> None:
    for state, kind in product(SenderState, SendClass):
        assert not a_sender(state=state, enabled=False).may(kind)


# --- one signal at a time: where it leads, for a phone that was ACTIVE before

KEPT = None
LEADS_TO: dict[SenderSignal, dict[SenderState, SenderState | None]] = {
    SenderSignal.PAUSE: dict.fromkeys(
        [
            *AT_WORK,
            SenderState.QUARANTINE,
            SenderState.REACHOUT_LOCKED,
        ],
        SenderState.PAUSED,
    ),
    SenderSignal.AUTH_FAILED: dict.fromkeys(
        [
            *AT_WORK,
            SenderState.QUARANTINE,
            SenderState.REACHOUT_LOCKED,
            SenderState.PAUSED,
            SenderState.RECONNECTING,
        ],
        SenderState.OFFLINE,
    ),
    SenderSignal.RECONNECTING: dict.fromkeys(
        [*AT_WORK, SenderState.QUARANTINE, SenderState.REACHOUT_LOCKED],
        SenderState.RECONNECTING,
    ),
    SenderSignal.CONNECTED: dict.fromkeys(
        [SenderState.OFFLINE, SenderState.RECONNECTING], SenderState.ACTIVE
    ),
    SenderSignal.LOCKED: dict.fromkeys(
        [*AT_WORK, SenderState.QUARANTINE], SenderState.REACHOUT_LOCKED
    ),
    SenderSignal.SILENT: dict.fromkeys(AT_WORK, SenderState.QUARANTINE),
    SenderSignal.BANNED: dict.fromkeys(
        set(SenderState) - {SenderState.RETIRED}, SenderState.BANNED
    ),
    SenderSignal.RETIRE: dict.fromkeys(SenderState, SenderState.RETIRED),
    SenderSignal.RESUME: dict.fromkeys(
        set(SenderState) - {SenderState.WARMING}, SenderState.ACTIVE
    ),
    SenderSignal.RAMPED: {SenderState.WARMING: SenderState.ACTIVE},
    SenderSignal.HEARD: {SenderState.QUARANTINE: SenderState.ACTIVE},
}
LEADS_TO[SenderSignal.DISCONNECTED] = LEADS_TO[SenderSignal.AUTH_FAILED]
LEADS_TO[SenderSignal.MISMATCH] = LEADS_TO[SenderSignal.PAUSE]
LEADS_TO[SenderSignal.DOUBTFUL] = LEADS_TO[SenderSignal.PAUSE]
LEADS_TO[SenderSignal.BREACH] = LEADS_TO[SenderSignal.PAUSE]
LEADS_TO[SenderSignal.DOUBTFUL_AGAIN] = LEADS_TO[SenderSignal.PAUSE]


@pytest.mark.parametrize("state", SenderState)
@pytest.mark.parametrize("signal", SenderSignal)
def test_where_each_signal_leads_from_each_state(
    signal: SenderSignal, state: SenderState
) -> None:
    move = on(a_sender(state=state), signal)

    assert move.sender.state is LEADS_TO[signal].get(state, state)


@pytest.mark.parametrize("state", SenderState)
@pytest.mark.parametrize("signal", SenderSignal)
def test_what_does_not_move_changes_nothing_and_alerts_nobody(
    signal: SenderSignal, state: SenderState
) -> None:
    before = a_sender(state=state)

    move = on(before, signal)

    assert move.moved == (move.sender != before)
    if not move.moved:
        assert move.alert == ""


@pytest.mark.parametrize("signal", ALERTS)
def test_one_incident_is_one_alert(signal: SenderSignal) -> None:
    first = on(a_sender(), signal)
    again = on(first.sender, signal)

    assert first.alert == ALERTS[signal]
    assert again.alert == ""


def test_a_phone_that_people_should_hear_of_alerts_and_a_pause_does_not() -> None:
    quiet = set(SenderSignal) - set(ALERTS)

    assert quiet == {
        SenderSignal.PAUSE,
        SenderSignal.RESUME,
        SenderSignal.RETIRE,
        SenderSignal.RAMPED,
        SenderSignal.CONNECTED,
        SenderSignal.RECONNECTING,
        SenderSignal.HEARD,
    }


# --- how long


def test_strangers_stay_off_limits_for_a_day_or_as_long_as_was_said() -> None:
    unsaid = on(a_sender(), SenderSignal.LOCKED).sender
    stated = signalled(
        a_sender(), SenderSignal.LOCKED, NOON, why="463", until=NOON + 3 * REACHOUT_LOCK
    ).sender

    assert unsaid.until == NOON + REACHOUT_LOCK
    assert stated.until == NOON + 3 * REACHOUT_LOCK


def test_a_second_refusal_never_shortens_a_lock() -> None:
    locked = a_sender(state=SenderState.REACHOUT_LOCKED, until=NOON + 3 * REACHOUT_LOCK)

    assert not on(locked, SenderSignal.LOCKED).moved


def test_a_second_refusal_prolongs_a_lock_without_another_alert() -> None:
    locked = a_sender(state=SenderState.REACHOUT_LOCKED, until=NOON + MINUTE)

    move = on(locked, SenderSignal.LOCKED)

    assert move.moved
    assert move.sender.until == NOON + REACHOUT_LOCK
    assert move.alert == ""


def test_a_lock_ends_at_its_time_and_not_before() -> None:
    locked = on(a_sender(), SenderSignal.LOCKED).sender
    ends = NOON + REACHOUT_LOCK

    assert not timed_out(locked, ends - timedelta(seconds=1)).moved
    freed = timed_out(locked, ends)
    assert freed.moved
    assert freed.sender.state is SenderState.ACTIVE
    assert freed.sender.until is None


def test_ten_minutes_of_reconnecting_are_an_outage() -> None:
    away = on(a_sender(), SenderSignal.RECONNECTING).sender

    assert away.until == NOON + RECONNECT_WITHIN
    gone = timed_out(away, NOON + RECONNECT_WITHIN)
    assert gone.sender.state is SenderState.OFFLINE
    assert gone.alert == "phone.offline"
    assert after(gone.sender, SenderSignal.CONNECTED).state is SenderState.ACTIVE


def test_too_many_unknown_calls_pause_a_phone_for_a_quarter_of_an_hour() -> None:
    paused = on(a_sender(), SenderSignal.DOUBTFUL).sender

    assert paused.until == NOON + QUARTER
    assert timed_out(paused, NOON + QUARTER).sender.state is SenderState.ACTIVE


def test_a_persons_pause_outlasts_one_that_would_end_by_itself() -> None:
    paused = after(a_sender(), SenderSignal.DOUBTFUL, SenderSignal.PAUSE)

    assert paused.until is None
    assert not timed_out(paused, NOON + 2 * QUARTER).moved


def test_a_phone_that_nothing_ends_by_itself_is_not_timed_out() -> None:
    for state in SenderState:
        assert not timed_out(a_sender(state=state), NOON + REACHOUT_LOCK).moved


# --- a trouble over a trouble


@pytest.mark.parametrize(
    "trouble", [SenderSignal.LOCKED, SenderSignal.SILENT, SenderSignal.PAUSE]
)
@pytest.mark.parametrize("away", [SenderSignal.DISCONNECTED, SenderSignal.AUTH_FAILED])
def test_a_connection_that_comes_back_ends_no_other_trouble(
    trouble: SenderSignal, away: SenderSignal
) -> None:
    troubled = after(a_sender(), trouble)

    back = after(troubled, away, SenderSignal.CONNECTED)

    assert back.state is troubled.state
    assert back.until == troubled.until
    assert after(back, SenderSignal.RESUME).state is SenderState.ACTIVE


def test_the_unknown_rule_does_not_end_a_lock_early() -> None:
    paused = after(a_sender(), SenderSignal.LOCKED, SenderSignal.DOUBTFUL)

    back = timed_out(paused, NOON + QUARTER).sender

    assert back.state is SenderState.REACHOUT_LOCKED
    assert back.until is not None
    assert back.until >= NOON + REACHOUT_LOCK


def test_a_lock_runs_out_while_a_phone_is_offline() -> None:
    away = after(a_sender(), SenderSignal.LOCKED, SenderSignal.DISCONNECTED)

    move = timed_out(away, NOON + REACHOUT_LOCK)

    assert move.sender.state is SenderState.OFFLINE
    assert move.alert == ""
    assert after(move.sender, SenderSignal.CONNECTED).state is SenderState.ACTIVE


@pytest.mark.parametrize("cover", [SenderSignal.DISCONNECTED, SenderSignal.PAUSE])
def test_a_refusal_that_comes_in_late_shows_when_the_phone_is_back(
    cover: SenderSignal,
) -> None:
    covered = after(a_sender(), cover)

    move = on(covered, SenderSignal.LOCKED)

    assert move.sender.state is covered.state
    assert move.alert == "phone.reachout_locked"
    back = after(move.sender, SenderSignal.RESUME)
    assert back.state is SenderState.REACHOUT_LOCKED


def test_silence_during_a_lock_outlasts_the_lock() -> None:
    locked = after(a_sender(), SenderSignal.LOCKED, SenderSignal.SILENT)

    assert locked.state is SenderState.REACHOUT_LOCKED
    freed = timed_out(locked, NOON + REACHOUT_LOCK).sender
    assert freed.state is SenderState.QUARANTINE


@pytest.mark.parametrize(
    "cover", [SenderSignal.LOCKED, SenderSignal.PAUSE, SenderSignal.DISCONNECTED]
)
def test_an_answer_ends_a_silence_beneath_another_trouble(cover: SenderSignal) -> None:
    covered = after(a_sender(), SenderSignal.SILENT, cover)

    heard = on(covered, SenderSignal.HEARD)

    assert heard.moved
    assert heard.alert == ""
    assert heard.sender == evolve(covered, state_before=SenderState.ACTIVE)
    assert after(heard.sender, SenderSignal.RESUME).state is SenderState.ACTIVE


def test_an_answer_sends_a_warming_phone_back_to_warming() -> None:
    warming = a_sender(state=SenderState.WARMING, warm_up=RAMP)

    heard = after(warming, SenderSignal.SILENT, SenderSignal.HEARD)

    assert heard.state is SenderState.WARMING


def test_the_third_pause_of_a_day_ends_by_no_time() -> None:
    paused = on(a_sender(), SenderSignal.DOUBTFUL_AGAIN)

    assert (paused.sender.state, paused.sender.until) == (SenderState.PAUSED, None)
    assert paused.alert == "unknown.high"
    assert not timed_out(paused.sender, NOON + REACHOUT_LOCK).moved
    assert after(paused.sender, SenderSignal.RESUME).state is SenderState.ACTIVE


def test_a_message_from_the_wrong_phone_holds_a_phone_that_was_paused_by_itself() -> (
    None
):
    paused = after(a_sender(), SenderSignal.DOUBTFUL)

    move = on(paused, SenderSignal.MISMATCH, why="left from another number")

    assert move.alert == "sender.mismatch"
    assert move.sender.until is None
    assert (
        on(move.sender, SenderSignal.MISMATCH, why="left from another number").alert
        == ""
    )


def test_a_warming_phone_warms_on_after_any_trouble() -> None:
    warming = a_sender(state=SenderState.WARMING, warm_up=RAMP)

    back = after(
        warming,
        SenderSignal.LOCKED,
        SenderSignal.PAUSE,
        SenderSignal.DISCONNECTED,
        SenderSignal.CONNECTED,
        SenderSignal.RESUME,
    )

    assert back.state is SenderState.WARMING


# --- any run of signals and times


STEPS = st.lists(
    st.one_of(
        st.sampled_from(SenderSignal),
        st.integers(1, 3_000).map(lambda minutes: minutes * MINUTE),
    ),
    max_size=25,
)


@given(STEPS)
def test_a_person_can_always_bring_a_phone_back(
    steps: list[SenderSignal | timedelta],
) -> None:
    sender, now = a_sender(), NOON
    for step in steps:
        if isinstance(step, timedelta):
            now += step
            sender = timed_out(sender, now).sender
        else:
            sender = signalled(sender, step, now, why="test").sender

    for _ in range(3):
        sender = signalled(sender, SenderSignal.RESUME, now, why="a person").sender

    assert sender.state in AT_WORK
    assert sender.until is None


@given(STEPS)
def test_nothing_but_a_person_brings_back_a_phone_that_is_gone_or_paused_by_one(
    steps: list[SenderSignal | timedelta],
) -> None:
    acts = {SenderSignal.RESUME, SenderSignal.RETIRE, SenderSignal.BANNED}
    paused, now = after(a_sender(), SenderSignal.PAUSE), NOON
    banned = after(a_sender(), SenderSignal.BANNED)
    for step in steps:
        if isinstance(step, timedelta):
            now += step
            paused, banned = (
                timed_out(paused, now).sender,
                timed_out(banned, now).sender,
            )
        elif step not in acts:
            paused = signalled(paused, step, now, why="test").sender
            banned = signalled(banned, step, now, why="test").sender

        assert not any(paused.may(kind) for kind in SendClass)
        assert banned.state is SenderState.BANNED


@given(STEPS)
def test_strangers_are_left_alone_for_as_long_as_a_lock_lasts(
    steps: list[SenderSignal | timedelta],
) -> None:
    sender, now = after(a_sender(), SenderSignal.LOCKED), NOON
    for step in steps:
        if isinstance(step, timedelta):
            now += step
            sender = timed_out(sender, now).sender
        elif step is not SenderSignal.RESUME:
            sender = signalled(sender, step, now, why="test").sender
        if now < NOON + REACHOUT_LOCK:
            assert not sender.may(SendClass.NEW)


# --- what a sender can be


@pytest.mark.parametrize("limit", [-1, 201])
def test_no_phone_has_a_limit_beyond_the_hard_one(limit: int) -> None:
    with pytest.raises(ValueError, match="daily_limit"):
        a_sender(daily_limit=limit)
    with pytest.raises(ValueError, match="daily_limit"):
        NewSender("+40722000001", "timelinesai", "UTC", daily_limit=limit)


def test_a_phone_may_have_the_hard_limit_or_none() -> None:
    assert a_sender(daily_limit=200).daily_limit == 200
    assert evolve(a_sender(), daily_limit=0).daily_limit == 0
