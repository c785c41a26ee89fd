"""Which channel a step goes out on, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cases import uid

from outreach.domain.channel import Channel, State, permitted
from outreach.domain.ids import LeadId, SequenceId, StepId
from outreach.domain.journey import Journey
from outreach.domain.routing import Reach, Route, Ways, choose_channel, route_step
from outreach.domain.sequence import Sequence, Step

WA, COLD, WARM = Channel.WHATSAPP, Channel.EMAIL_COLD, Channel.EMAIL_WARM
WON = State.WARM_REPLY


def route(
    wanted: Channel | None = None,
    *,
    open_: tuple[Channel, ...] = (WA, COLD),
    state: State = State.COLD,
    last: Channel | None = None,
    preferred: Channel | None = None,
) -> Route:
    reaches = tuple(
        Reach(channel, "" if channel in open_ else "NO_CHANNEL")
        for channel in (WA, COLD, WARM)
    )
    return choose_channel(wanted, reaches, state=state, last=last, preferred=preferred)


def test_a_steps_own_channel_is_used_if_it_is_possible() -> None:
    chosen = route(COLD, last=WA, preferred=WA)

    assert chosen.channel is COLD
    assert chosen.why == "the step's own channel"


def test_the_best_score_is_used_where_the_step_leaves_it_open() -> None:
    assert route(None).channel is WA
    assert route(None, open_=(COLD,)).channel is COLD
    assert route(None, open_=(WARM,), state=WON).channel is WARM


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
    chosen = route(None, open_=(WA, WARM), state=WON, last=WARM)

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
    st.sampled_from(State),
    st.one_of(st.none(), CHANNELS),
    st.one_of(st.none(), CHANNELS),
)
def test_only_a_possible_channel_is_ever_chosen_and_one_is_if_there_is_any(
    wanted: Channel | None,
    open_: set[Channel],
    state: State,
    last: Channel | None,
    preferred: Channel | None,
) -> None:
    reaches = tuple(Reach(one, "" if one in open_ else "x") for one in Channel)

    chosen = choose_channel(
        wanted, reaches, state=state, last=last, preferred=preferred
    )

    possible = {one for one in open_ if state in permitted(one)}
    assert (chosen.channel in possible) == bool(possible)
    assert {channel for channel, _ in chosen.scores} == possible


# --- the wall between cold and warm, with all reaches wide open


@pytest.mark.parametrize("state", State)
def test_no_lead_is_offered_what_is_not_for_it(state: State) -> None:
    for wanted in (None, WARM, COLD):
        for preferred in (None, WARM, COLD):
            chosen = route(
                wanted,
                open_=(WA, COLD, WARM),
                state=state,
                last=WARM,
                preferred=preferred,
            )

            assert chosen.channel is None or state in permitted(chosen.channel)


# --- a step of a sequence


LEAD = LeadId(uid(5))
EVERYWHERE = Ways("+40722000001", "ion@agro.ro", frozenset({WA, COLD, WARM}))


def a_plan(channel: Channel | None = WA, *, falls_back: bool = True) -> Sequence:
    step = Step(
        StepId(uid(7)),
        1,
        channel,
        timedelta(),
        "own",
        fallback_template="other" if falls_back else None,
    )
    return Sequence(SequenceId(uid(6)), "agri", WA, (step,), COLD)


def stepped(plan: Sequence, ways: Ways = EVERYWHERE, **facts: Any) -> Route:
    return route_step(plan, plan.steps[0], ways, Journey(LEAD, **facts))


def test_a_lead_without_a_number_gets_the_step_by_mail() -> None:
    chosen = stepped(a_plan(), evolve(EVERYWHERE, phone=""))

    assert (chosen.channel, chosen.why) == (COLD, "best score 70")


def test_a_channel_without_senders_is_not_possible() -> None:
    mail_only = evolve(EVERYWHERE, channels=frozenset({COLD}))
    nobody = evolve(EVERYWHERE, channels=frozenset())

    assert stepped(a_plan(), mail_only).channel is COLD
    assert stepped(a_plan(), nobody).channel is None


def test_a_channel_that_a_person_closed_is_not_possible() -> None:
    chosen = stepped(a_plan(), closed_channels=frozenset({WA}))

    assert chosen.channel is COLD
    assert Reach(WA, "NO_CHANNEL") in chosen.blocked


def test_a_step_without_a_text_for_the_fall_back_says_so() -> None:
    plan = a_plan(falls_back=False)

    chosen = stepped(plan, evolve(EVERYWHERE, phone=""))

    assert chosen.channel is None
    assert Reach(COLD, "NO_TEMPLATE") in chosen.blocked


def test_a_step_that_leaves_it_open_goes_by_score_preference_and_last() -> None:
    auto = a_plan(None)

    assert stepped(auto).channel is WA
    assert stepped(auto, preferred_channel=COLD).channel is COLD
    assert stepped(auto, last_channel=COLD).channel is WA


def test_what_led_nowhere_is_no_way() -> None:
    senders = frozenset(Channel)
    ways = Ways.of("+40722000001", "invalid", "ion@agro.ro", "bounced", senders)

    assert (ways.to(WA), ways.to(COLD)) == ("", "")
    assert EVERYWHERE.without(COLD).to(WARM) == ""
    assert EVERYWHERE.without(COLD).to(WA) == EVERYWHERE.phone
