"""How well an account serves: thresholds, the way back, and that nothing flaps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cases import a_sender

from outreach.domain.channel import Channel
from outreach.domain.health import (
    AILS_AT,
    AWAY_AT,
    LONG,
    PATIENCE,
    PROBE_AT_MOST,
    PROBE_FIRST,
    WELL,
    Health,
    HealthState,
    after_call,
    goes_on,
    heard,
    may_call,
    probed,
    takes_one,
    unused,
)
from outreach.domain.heard import Heard
from outreach.domain.ids import SenderId
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal

NOW: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
LANE: Final = SenderId(UUID(int=7))
WARM: Final = Channel.EMAIL_WARM
HEALTHY, AILING, AWAY = HealthState
FAILED: Final = (Heard.REFUSED, Heard.LOST)

words = st.lists(st.sampled_from(Heard), max_size=60)


def after(*said: Heard, health: Health = WELL) -> Health:
    """Each long after the one before."""
    for word in said:
        health = evolve(after_call(health, word, NOW), refused_at=None)
    return health


def away() -> Health:
    return after(*[Heard.REFUSED] * 4)


@pytest.mark.parametrize("word", FAILED)
def test_two_failed_calls_in_a_row_make_it_ail_and_four_send_it_away(
    word: Heard,
) -> None:
    states = [after(*[word] * n).state for n in range(6)]

    assert states == [HEALTHY, HEALTHY, AILING, AILING, AWAY, AWAY]


def test_refusals_at_once_count_once() -> None:
    health = once = WELL
    for n in range(20):
        health = after_call(health, Heard.REFUSED, NOW + n * SECOND)
    for n in range(5):
        once = after_call(once, Heard.REFUSED, NOW + n * SECOND)

    assert (health.state, health.score) == (AWAY, 4 * 2)
    assert once.score == 2


@given(st.integers(1, 60))
def test_a_rate_that_is_exceeded_is_no_illness(refused: int) -> None:
    """Of calls that come all at once a provider takes two a second."""
    health = WELL
    for second in range(60):
        now = NOW + second * SECOND
        for said in [Heard.SERVED] * 2 + [Heard.REFUSED] * refused:
            health = after_call(health, said, now)

    assert health.state is HEALTHY


def test_a_key_that_is_not_accepted_sends_it_away_at_once() -> None:
    one = after(Heard.SHUT)

    assert (one.state, one.until) == (AWAY, NOW + PROBE_FIRST)


def test_it_is_healthy_again_when_nothing_of_its_score_is_left() -> None:
    ails = after(Heard.REFUSED, Heard.REFUSED)

    states = [after(*[Heard.SERVED] * n, health=ails).state for n in range(6)]

    assert states == [AILING] * AILS_AT + [HEALTHY] * 2


def test_one_failed_call_in_three_leaves_it_as_it_is() -> None:
    third = (Heard.LOST, Heard.SERVED, Heard.SERVED)

    assert after(*third * 100).state is HEALTHY
    assert after(*(Heard.LOST, Heard.SERVED) * 6, Heard.LOST).state is AWAY


@given(words)
def test_what_it_says_of_nothing_changes_nothing(said: list[Heard]) -> None:
    known = after(*said)

    assert after(Heard.NOTHING, Heard.OF_SENDER, health=known) == known


@given(words)
def test_a_score_is_within_its_bounds_and_a_state_within_its_score(
    said: list[Heard],
) -> None:
    known = after(*said)

    assert 0 <= known.score <= AWAY_AT
    assert (known.state is AWAY) == (known.until is not None)
    assert known.state is not AWAY or known.score == AWAY_AT
    assert known.state is not HEALTHY or known.score < AILS_AT
    assert known.state is not AILING or known.score > 0


@given(words)
def test_no_call_takes_it_from_one_end_to_the_other_but_a_wrong_key(
    said: list[Heard],
) -> None:
    health = WELL
    for word in said:
        before, health = health, after(word, health=health)
        if {before.state, health.state} == {HEALTHY, AWAY}:
            assert word is Heard.SHUT


@given(words)
def test_states_change_seldom_whatever_comes(said: list[Heard]) -> None:
    """To move on, and on again, takes two calls; to be well again, four served ones."""
    since = 0
    health = WELL
    for word in said:
        before, health = health, after(word, health=health)
        since += 1
        if health.state is before.state:
            continue
        if health.state is HEALTHY:
            assert since >= AILS_AT
        elif word is not Heard.SHUT and health.state is AWAY:
            assert since >= 2
        since = 0


def test_the_first_try_comes_after_five_minutes_and_the_next_ever_later() -> None:
    health, now, waits = away(), NOW, []
    for _ in range(7):
        assert health.until is not None
        waits.append(health.until - now)
        now = health.until
        health = probed(health, LANE, 1, now)
        health = after_call(health, Heard.REFUSED, now, probe=True)

    assert waits[:4] == [PROBE_FIRST * n for n in (1, 2, 4, 8)]
    assert waits[4:] == [PROBE_AT_MOST] * 3


def test_it_is_left_alone_as_long_as_it_asks() -> None:
    day = timedelta(days=1)

    one = after_call(WELL, Heard.SHUT, NOW, asked=day)
    late = after_call(away(), Heard.REFUSED, NOW, asked=day)

    assert (one.until, late.until) == (NOW + day, NOW + day)
    assert late.tries == 0


def test_one_claim_tries_it_at_a_time() -> None:
    due = NOW + PROBE_FIRST
    gone = away()

    trying = probed(gone, LANE, 3, due)

    assert not takes_one(gone, due - SECOND)
    assert takes_one(gone, due)
    assert not takes_one(trying, due)
    assert may_call(trying, LANE, 3)
    assert not may_call(trying, LANE, 2)
    assert not may_call(gone, LANE, 3)
    assert may_call(WELL, LANE, 0)


def test_a_try_without_a_call_or_without_a_word_is_made_again() -> None:
    due = NOW + PROBE_FIRST
    trying = probed(away(), LANE, 3, due)

    again = [
        unused(trying, due),
        after_call(trying, Heard.NOTHING, due, probe=True),
    ]

    assert all(takes_one(one, due) for one in again)


def test_nobody_waits_for_ever_for_a_try_that_is_never_heard_of() -> None:
    due = NOW + PROBE_FIRST
    trying = probed(away(), LANE, 3, due)

    assert takes_one(trying, due + PROBE_FIRST)


def test_a_served_try_makes_it_ail_and_remembers_how_often_it_failed() -> None:
    back = after_call(away(), Heard.SERVED, NOW, probe=True)
    again = after(Heard.LOST, Heard.LOST, health=back)
    well = after(*[Heard.SERVED] * AILS_AT, health=back)

    assert (back.state, back.score, back.lane) == (AILING, AILS_AT, None)
    assert (again.state, again.until) == (AWAY, NOW + 2 * PROBE_FIRST)
    assert (well.state, well.tries) == (HEALTHY, 0)


@pytest.mark.parametrize(
    ("state", "said", "talks", "wait", "expected"),
    [
        (AWAY, Heard.REFUSED, True, timedelta(), True),
        (AWAY, Heard.SHUT, False, timedelta(), True),
        (AILING, Heard.REFUSED, False, timedelta(), True),
        (AILING, Heard.REFUSED, True, timedelta(), False),
        (HEALTHY, Heard.REFUSED, False, PATIENCE, False),
        (HEALTHY, Heard.REFUSED, False, PATIENCE + SECOND, True),
        (HEALTHY, Heard.REFUSED, True, timedelta(days=1), False),
        (HEALTHY, Heard.OF_SENDER, False, timedelta(), True),
        (HEALTHY, Heard.OF_SENDER, True, timedelta(), False),
    ],
)
def test_what_goes_on_to_another_account(
    state: HealthState, said: Heard, *, talks: bool, wait: timedelta, expected: bool
) -> None:
    assert goes_on(Health(state), said, talks=talks, wait=wait) is expected


@given(
    state=st.sampled_from(HealthState),
    talks=st.booleans(),
    wait=st.timedeltas(timedelta()),
)
def test_what_may_have_been_accepted_never_goes_on(
    *, state: HealthState, talks: bool, wait: timedelta
) -> None:
    for said in (Heard.LOST, Heard.SERVED, Heard.NOTHING):
        assert not goes_on(Health(state), said, talks=talks, wait=wait)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Accepted("m1"), Heard.SERVED),
        (UnknownOutcome("no answer"), Heard.LOST),
        (NotAccepted(lane=True), Heard.REFUSED),
        (NotAccepted(lane=True, retry_after=LONG - SECOND), Heard.REFUSED),
        (NotAccepted(lane=True, retry_after=LONG), Heard.SHUT),
        (NotAccepted(lane=True, ours=True), Heard.NOTHING),
        (NotAccepted(lane=False), Heard.NOTHING),
        (NotAccepted(lane=True, signal=SenderSignal.AUTH_FAILED), Heard.SHUT),
        (NotAccepted(lane=True, signal=SenderSignal.DISCONNECTED), Heard.OF_SENDER),
        (NotAccepted(lane=True, signal=SenderSignal.PAUSE), Heard.NOTHING),
        (Refused(Refusal.REJECTED), Heard.NOTHING),
        (Refused(Refusal.INVALID_RECIPIENT), Heard.NOTHING),
    ],
)
def test_what_an_answer_says_of_its_account(answer: Answer, expected: Heard) -> None:
    assert heard(answer, a_sender(channel=WARM), WARM) is expected


def test_only_senders_of_warm_mail_tell_of_their_account() -> None:
    cold = a_sender(channel=Channel.EMAIL_COLD)

    assert heard(Accepted("m1"), cold, WARM) is Heard.NOTHING
    assert heard(Accepted("m1"), cold, Channel.EMAIL_COLD) is Heard.NOTHING
