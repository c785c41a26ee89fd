"""What a sender's calls say of it: when it is doubtful, silent, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cases import NOON

from outreach.domain.message import Outcome
from outreach.domain.sender import SenderState
from outreach.domain.signs import (
    CALLS,
    LEAST_UNANSWERED,
    SILENCE,
    UNHEALTHY,
    Called,
    Signs,
    after_call,
    after_move,
    answered,
    is_silent,
    too_doubtful,
)

TODAY = date(2026, 3, 3)
MINUTE = timedelta(minutes=1)
UNKNOWN, ACCEPTED = Outcome.UNKNOWN, Outcome.ACCEPTED

outcomes = st.sampled_from([UNKNOWN, ACCEPTED, Outcome.REFUSED, Outcome.RELEASED])


def call(
    signs: Signs, outcome: Outcome, *, at: datetime = NOON, **facts: Any
) -> Called:
    known: dict[str, Any] = {"state": SenderState.ACTIVE, "day": TODAY, **facts}
    return after_call(signs, outcome, now=at, **known)


def after(*ends: Outcome, day: date = TODAY, signs: Signs | None = None) -> Signs:
    signs = signs or Signs()
    for end in ends:
        signs = call(signs, end, day=day).signs
    return signs


# --- doubt


@given(st.lists(outcomes, max_size=200))
def test_a_pause_follows_5_unknown_in_more_than_a_tenth_of_the_last_50_since_the_last(
    ends: Sequence[Outcome],
) -> None:
    signs, since = Signs(), 0

    for number, end in enumerate(ends, 1):
        called = call(signs, end)
        signs = called.signs
        last = ends[max(since, number - CALLS) : number]
        unknown = sum(one is UNKNOWN for one in last)
        is_too_much = end is UNKNOWN and unknown >= 5 and unknown / len(last) > 0.1
        assert (called.doubt_at is not None) is is_too_much
        if is_too_much:
            since = number


@given(st.lists(outcomes, max_size=200))
def test_every_pause_has_5_unknown_of_its_own(ends: Sequence[Outcome]) -> None:
    assert after(*ends).pauses <= sum(end is UNKNOWN for end in ends) // 5


@given(st.lists(outcomes, max_size=120))
def test_the_record_stays_small(ends: Sequence[Outcome]) -> None:
    assert len(after(*ends).calls) <= CALLS


@pytest.mark.parametrize(
    ("calls", "doubtful"),
    [
        ("UUUU", False),
        ("UUUUU", True),
        ("UUUUU" + "." * 44, True),
        ("UUUUU" + "." * 45, False),
        ("UUUUUU" + "." * 44, True),
        ("", False),
    ],
)
def test_more_than_a_tenth_is_more_than_a_tenth(calls: str, *, doubtful: bool) -> None:
    assert too_doubtful(calls) is doubtful


@given(
    st.lists(
        st.lists(st.sampled_from([UNKNOWN, ACCEPTED]), min_size=1, max_size=30),
        max_size=20,
    )
)
def test_many_messages_of_one_call_are_one_call_and_lost_if_any_is(
    calls: Sequence[Sequence[Outcome]],
) -> None:
    signs, asked = Signs(), 0
    for token, ends in enumerate(calls, 1):
        for end in ends:
            called = call(signs, end, token=token)
            signs, asked = called.signs, asked + (called.doubt_at is not None)

    lost = [UNKNOWN if UNKNOWN in ends else ACCEPTED for ends in calls]
    one_by_one = after(*lost)
    assert (signs.calls, signs.pauses) == (one_by_one.calls, one_by_one.pauses)
    assert asked == one_by_one.pauses


def test_a_thousand_unknown_messages_of_four_calls_ask_for_no_pause() -> None:
    signs = Signs()

    for token in range(1, 5):
        for _ in range(250):
            called = call(signs, UNKNOWN, token=token)
            signs = called.signs
            assert called.doubt_at is None

    assert signs.calls == "UUUU"
    assert call(signs, UNKNOWN, token=5).doubt_at is not None


def test_what_a_pause_was_made_for_counts_no_more_after_it() -> None:
    paused = after(*[UNKNOWN] * 5)

    again = after(*[UNKNOWN] * 4, signs=paused)

    assert (paused.pauses, again.pauses) == (1, 1)
    assert after(UNKNOWN, signs=again).pauses == 2


def test_pauses_are_counted_by_the_phones_own_day() -> None:
    twice = after(*[UNKNOWN] * 10)

    next_day = after(*[UNKNOWN] * 5, day=TODAY + timedelta(days=1), signs=twice)

    assert twice.pauses == 2
    assert next_day.pauses == 1


@pytest.mark.parametrize(
    "state",
    [
        SenderState.PAUSED,
        SenderState.OFFLINE,
        SenderState.RECONNECTING,
        SenderState.BANNED,
        SenderState.RETIRED,
    ],
)
def test_a_phone_that_sends_nothing_is_not_paused_and_nothing_is_forgotten(
    state: SenderState,
) -> None:
    four = after(*[UNKNOWN] * 4)

    called = call(four, UNKNOWN, state=state)

    assert called.doubt_at is None
    assert called.signs.calls == "UUUUU"
    assert call(called.signs, ACCEPTED).doubt_at is None
    assert call(called.signs, UNKNOWN).doubt_at == NOON


# --- silence


def test_silence_is_30_minutes_without_an_answer_to_several_sends() -> None:
    signs = after(*[ACCEPTED] * LEAST_UNANSWERED)

    assert not is_silent(signs, NOON + SILENCE - MINUTE)
    assert is_silent(signs, NOON + SILENCE)
    assert not is_silent(answered(signs), NOON + SILENCE)


def test_one_event_that_was_lost_is_no_silence() -> None:
    few = after(*[ACCEPTED] * (LEAST_UNANSWERED - 1))

    assert not is_silent(few, NOON + 10 * SILENCE)


@pytest.mark.parametrize("end", [UNKNOWN, Outcome.REFUSED, Outcome.RELEASED])
def test_only_an_accepted_send_waits_for_an_answer(end: Outcome) -> None:
    called = call(Signs(), end)

    assert called.silence_at is None
    assert called.signs.unanswered == 0


def test_the_first_unanswered_send_starts_the_time() -> None:
    signs, looks = Signs(), []
    for minute in (0, 1, 2, 3, 40):
        called = call(signs, ACCEPTED, at=NOON + minute * MINUTE)
        signs = called.signs
        looks.append(called.silence_at)

    ends = NOON + SILENCE
    assert looks == [None, None, ends, ends, NOON + 40 * MINUTE]
    assert signs.unanswered_since == NOON


# --- refusals


def refused(signs: Signs, *, at: datetime, wait: timedelta) -> Called:
    return call(signs, Outcome.RELEASED, at=at, refused_until=at + wait)


def test_an_hour_of_refusals_is_told_at_its_end() -> None:
    first = refused(Signs(), at=NOON, wait=30 * MINUTE)
    second = refused(first.signs, at=NOON + 30 * MINUTE, wait=40 * MINUTE)
    third = refused(second.signs, at=NOON + 70 * MINUTE, wait=MINUTE)

    assert first.refusal_at is None
    assert second.refusal_at == NOON + UNHEALTHY
    assert third.refusal_at == NOON + 70 * MINUTE


def test_a_wait_of_two_hours_is_known_to_be_longer_than_one() -> None:
    assert refused(Signs(), at=NOON, wait=2 * UNHEALTHY).refusal_at == NOON + UNHEALTHY


def test_one_that_is_served_again_is_told_of_only_if_its_refusal_was() -> None:
    signs = refused(Signs(), at=NOON, wait=MINUTE).signs

    soon = call(signs, ACCEPTED, at=NOON + MINUTE)
    late = call(signs, ACCEPTED, at=NOON + UNHEALTHY)

    assert (soon.refusal_at, late.refusal_at) == (None, NOON + UNHEALTHY)
    assert soon.signs.refused_since is late.signs.refused_since is None


def test_a_call_without_an_outcome_says_nothing_of_refusals() -> None:
    signs = refused(Signs(), at=NOON, wait=MINUTE).signs

    assert call(signs, UNKNOWN, at=NOON + MINUTE).signs.refused_since == NOON


# --- moves


def test_a_phone_at_work_again_starts_anew_and_remembers_its_pauses() -> None:
    busy = evolve(after(*[UNKNOWN] * 5), unanswered=3, unanswered_since=NOON)

    back = after_move(busy, SenderState.PAUSED, SenderState.ACTIVE)

    assert back == evolve(busy, doubtful_at=None, unanswered=0, unanswered_since=None)
    assert back.pauses == 1


def test_another_trouble_is_no_new_beginning() -> None:
    waiting = after(ACCEPTED)

    for to in set(SenderState) - {SenderState.ACTIVE, SenderState.WARMING}:
        assert after_move(waiting, SenderState.QUARANTINE, to) == waiting
