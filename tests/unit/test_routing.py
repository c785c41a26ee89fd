"""Which channel a step goes out on, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.channel import Channel
from outreach.domain.routing import Reach, Route, choose_channel

WA, COLD, WARM = Channel.WHATSAPP, Channel.EMAIL_COLD, Channel.EMAIL_WARM


def route(
    wanted: Channel | None = None,
    *,
    open_: tuple[Channel, ...] = (WA, COLD),
    last: Channel | None = None,
    preferred: Channel | None = None,
) -> Route:
    reaches = tuple(
        Reach(channel, "" if channel in open_ else "NO_CHANNEL")
        for channel in (WA, COLD, WARM)
    )
    return choose_channel(wanted, reaches, last=last, preferred=preferred)


def test_a_steps_own_channel_is_used_if_it_is_possible() -> None:
    chosen = route(COLD, last=WA, preferred=WA)

    assert chosen.channel is COLD
    assert chosen.why == "the step's own channel"


def test_the_best_score_is_used_where_the_step_leaves_it_open() -> None:
    assert route(None).channel is WA
    assert route(None, open_=(COLD, WARM)).channel is WARM


def test_the_best_score_is_used_where_the_steps_channel_is_impossible() -> None:
    chosen = route(WA, open_=(COLD,))

    assert chosen.channel is COLD
    assert Reach(WA, "NO_CHANNEL") in chosen.blocked


@pytest.mark.parametrize("wanted", [None, WARM])
def test_a_preference_wins_over_any_score_if_it_is_possible(
    wanted: Channel | None,
) -> None:
    assert route(wanted, last=WA, preferred=COLD).channel is COLD
    assert route(wanted, preferred=WARM).channel is WA


def test_the_last_channel_gains_twenty_and_wins_a_tie() -> None:
    chosen = route(None, open_=(WA, WARM), last=WARM)

    assert dict(chosen.scores) == {WA: 100, WARM: 100}
    assert chosen.channel is WARM


def test_the_last_channel_alone_does_not_outweigh_a_better_one() -> None:
    assert route(None, last=COLD).channel is WA


def test_without_a_possible_channel_there_is_none_and_all_reasons_are_kept() -> None:
    chosen = route(WA, open_=(), preferred=WA)

    assert chosen.channel is None
    assert {reach.channel for reach in chosen.blocked} == {WA, COLD, WARM}


CHANNELS = st.sampled_from(Channel)


@given(
    st.one_of(st.none(), CHANNELS),
    st.sets(CHANNELS),
    st.one_of(st.none(), CHANNELS),
    st.one_of(st.none(), CHANNELS),
)
def test_only_a_possible_channel_is_ever_chosen_and_one_is_if_there_is_any(
    wanted: Channel | None,
    open_: set[Channel],
    last: Channel | None,
    preferred: Channel | None,
) -> None:
    reaches = tuple(Reach(one, "" if one in open_ else "x") for one in Channel)

    chosen = choose_channel(wanted, reaches, last=last, preferred=preferred)

    assert (chosen.channel in open_) == bool(open_)
    assert {channel for channel, _ in chosen.scores} == open_
