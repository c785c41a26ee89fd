"""The lead's journey: every cell decided, whatever the order of what happens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cases import NOON, uid

from outreach.domain.channel import COLD_STATES, WARM_STATES, Channel, State
from outreach.domain.errors import IllegalTransition
from outreach.domain.ids import LeadId
from outreach.domain.journey import (
    TABLE,
    Command,
    DeadCause,
    Fact,
    Journey,
    Moved,
    commanded,
    happened,
)

LEAD = LeadId(uid(6))
SOFT = (DeadCause.NO_ANSWER, DeadCause.UNREACHABLE)
LATER = timedelta(hours=1)


def a_journey(state: State = State.COLD, **facts: Any) -> Journey:
    return evolve(Journey(LEAD, state=state, version=3), **facts)


def starts() -> Iterator[Journey]:
    """Every state a journey can be found in, with every cause and pause."""
    for state in (
        *sorted(COLD_STATES),
        State.WARM_REPLY,
        State.NEGOTIATION,
        State.CONVERTED,
    ):
        yield a_journey(state)
    yield a_journey(State.CONVERTED, opted_out=True, opted_out_at=NOON)
    for before in (*sorted(COLD_STATES), State.WARM_REPLY, State.NEGOTIATION):
        yield a_journey(State.PAUSED, state_before=before)
    for cause in DeadCause:
        out = cause is DeadCause.OPTED_OUT
        yield a_journey(
            State.DEAD,
            dead_cause=cause,
            opted_out=out,
            opted_out_at=NOON if out else None,
        )
    yield a_journey(
        State.DEAD, dead_cause=DeadCause.ERASED, opted_out=True, opted_out_at=NOON
    )


STARTS = tuple(starts())


def name(journey: Journey) -> str:
    cause = f"-{journey.dead_cause}" if journey.dead_cause else ""
    before = f"-from-{journey.state_before}" if journey.state_before else ""
    return f"{journey.state}{cause}{before}{'-out' if journey.opted_out else ''}"


from_every_start = pytest.mark.parametrize("start", STARTS, ids=name)


def told(journey: Journey, fact: Fact) -> Moved:
    return happened(journey, fact, NOON, by="test")


def said(journey: Journey, command: Command, why: str = "on the phone") -> Moved:
    return commanded(journey, command, NOON, by="ana", why=why)


# --- the table


def test_the_table_is_that_of_the_specification() -> None:
    ends = {State.DEAD, State.PAUSED}

    table = {
        State.COLD: {State.CONTACTED_WA, State.CONTACTED_EMAIL, State.WARM_REPLY}
        | ends,
        State.CONTACTED_WA: {
            State.CONTACTED_EMAIL,
            State.WARM_REPLY,
            State.CONVERTED,
        }
        | ends,
        State.CONTACTED_EMAIL: {
            State.CONTACTED_WA,
            State.WARM_REPLY,
            State.CONVERTED,
        }
        | ends,
        State.WARM_REPLY: {State.NEGOTIATION, State.CONVERTED} | ends,
        State.NEGOTIATION: {State.WARM_REPLY, State.CONVERTED} | ends,
        State.PAUSED: {*COLD_STATES, State.WARM_REPLY, State.NEGOTIATION, State.DEAD},
        State.DEAD: {State.COLD, State.WARM_REPLY},
        State.CONVERTED: set[State](),
    }

    assert table == TABLE


# --- facts: (state, fact) -> state, where it is not the state itself

MOVES = {
    (State.COLD, Fact.SENT_WHATSAPP): State.CONTACTED_WA,
    (State.COLD, Fact.SENT_EMAIL): State.CONTACTED_EMAIL,
    (State.COLD, Fact.REPLIED): State.WARM_REPLY,
    (State.COLD, Fact.UNREACHABLE): State.DEAD,
    (State.CONTACTED_WA, Fact.SENT_EMAIL): State.CONTACTED_EMAIL,
    (State.CONTACTED_WA, Fact.REPLIED): State.WARM_REPLY,
    (State.CONTACTED_WA, Fact.SILENT): State.DEAD,
    (State.CONTACTED_WA, Fact.UNREACHABLE): State.DEAD,
    (State.CONTACTED_EMAIL, Fact.SENT_WHATSAPP): State.CONTACTED_WA,
    (State.CONTACTED_EMAIL, Fact.REPLIED): State.WARM_REPLY,
    (State.CONTACTED_EMAIL, Fact.SILENT): State.DEAD,
    (State.CONTACTED_EMAIL, Fact.UNREACHABLE): State.DEAD,
    (State.PAUSED, Fact.REPLIED): State.WARM_REPLY,
}


def expected(start: Journey, fact: Fact) -> tuple[State, DeadCause | None]:
    if fact is Fact.OPTED_OUT:
        if start.state is State.CONVERTED:
            return State.CONVERTED, None
        erased = start.dead_cause is DeadCause.ERASED
        return State.DEAD, DeadCause.ERASED if erased else DeadCause.OPTED_OUT
    if start.state is State.DEAD:
        if fact is Fact.REPLIED and start.dead_cause in SOFT:
            return State.WARM_REPLY, None
        if fact is Fact.UNREACHABLE and start.dead_cause is DeadCause.NO_ANSWER:
            return State.DEAD, DeadCause.UNREACHABLE
        return State.DEAD, start.dead_cause
    to = MOVES.get((start.state, fact), start.state)
    causes = {Fact.SILENT: DeadCause.NO_ANSWER, Fact.UNREACHABLE: DeadCause.UNREACHABLE}
    return to, causes[fact] if to is State.DEAD else None


@from_every_start
@pytest.mark.parametrize("fact", Fact)
def test_what_each_fact_makes_of_each_state(start: Journey, fact: Fact) -> None:
    after = told(start, fact)

    assert (after.journey.state, after.journey.dead_cause) == expected(start, fact)


@from_every_start
@pytest.mark.parametrize("fact", Fact)
def test_a_move_is_recorded_exactly_when_the_state_or_its_cause_changed(
    start: Journey, fact: Fact
) -> None:
    after = told(start, fact)

    if after.journey.state is not start.state:
        assert after.move is not None
    if after.move is not None:
        assert (after.move.before, after.move.after) == (
            start.state,
            after.journey.state,
        )
        assert (after.move.lead, after.move.at, after.move.by) == (LEAD, NOON, "test")
        assert after.move.why
        assert after.journey.changed_at == NOON
        assert after.journey.state_before is start.state


@from_every_start
@pytest.mark.parametrize("fact", Fact)
def test_a_fact_keeps_to_the_table(start: Journey, fact: Fact) -> None:
    after = told(start, fact).journey.state

    assert after is start.state or after in TABLE[start.state]


def test_silence_after_nothing_was_sent_is_an_anomaly_and_moves_nothing() -> None:
    cold = a_journey()

    after = told(cold, Fact.SILENT)

    assert after.anomaly
    assert after.journey == cold
    assert after.move is None


def test_a_person_who_writes_takes_over_and_moves_nothing() -> None:
    after = told(a_journey(State.CONTACTED_WA), Fact.PERSON_WROTE)

    assert after.journey.human_controlled
    assert after.journey.state is State.CONTACTED_WA


def test_a_late_reply_revives_who_was_silent_or_out_of_reach_and_nobody_else() -> None:
    revived = {
        cause: told(a_journey(State.DEAD, dead_cause=cause), Fact.REPLIED).journey.state
        for cause in DeadCause
    }

    assert revived == {
        DeadCause.NO_ANSWER: State.WARM_REPLY,
        DeadCause.UNREACHABLE: State.WARM_REPLY,
        DeadCause.LOST: State.DEAD,
        DeadCause.OPTED_OUT: State.DEAD,
        DeadCause.ERASED: State.DEAD,
    }


def test_a_reply_that_overtook_our_receipt_leaves_a_contacted_lead_warm() -> None:
    warm = told(a_journey(), Fact.REPLIED).journey

    after = told(warm, Fact.SENT_WHATSAPP).journey

    assert after.state is State.WARM_REPLY
    assert after.state_before is State.CONTACTED_WA


def test_a_send_that_was_under_way_when_the_lead_was_paused_shows_after_it() -> None:
    paused = said(a_journey(), Command.PAUSE).journey

    sent = told(paused, Fact.SENT_WHATSAPP).journey

    assert sent.state is State.PAUSED
    assert said(sent, Command.RESUME).journey.state is State.CONTACTED_WA


def test_a_converted_lead_that_opts_out_stays_converted_and_gets_nothing() -> None:
    after = told(a_journey(State.CONVERTED), Fact.OPTED_OUT).journey

    assert after.state is State.CONVERTED
    assert after.opted_out


# --- sequences of facts


def walk(start: Journey, depth: int) -> Iterator[tuple[Journey, Journey]]:
    """Every journey that can be reached, with the one it was reached from.

    Journeys that no further fact can tell apart are walked on from once.
    """
    level = {start}
    for _ in range(depth):
        following = set[Journey]()
        for journey in level:
            for fact in Fact:
                after = happened(journey, fact, NOON, by="test").journey
                yield journey, after
                following.add(evolve(after, reply_count=min(after.reply_count, 1)))
        level = following


@from_every_start
def test_no_sequence_of_facts_raises_or_leads_out_of_what_is_final(
    start: Journey,
) -> None:
    for before, after in walk(start, depth=5):
        if before.opted_out:
            assert after.opted_out
            assert after.state in {State.DEAD, State.CONVERTED}
        if before.state is State.CONVERTED:
            assert after.state is State.CONVERTED
        if before.dead_cause in {DeadCause.LOST, DeadCause.ERASED}:
            assert after.state is State.DEAD
        if before.dead_cause is DeadCause.ERASED:
            assert after.dead_cause is DeadCause.ERASED
        if before.human_controlled:
            assert after.human_controlled
        assert (after.state is State.DEAD) == (after.dead_cause is not None)
        if after.reply_count > start.reply_count:
            warm = after.state in WARM_STATES
            assert warm or after.dead_cause in set(DeadCause) - set(SOFT)


def test_every_sequence_of_four_facts_from_cold_ends_as_its_facts_say() -> None:
    for facts in product(Fact, repeat=4):
        journey = a_journey()
        for hours, fact in enumerate(facts):
            at = NOON + hours * LATER
            journey = happened(journey, fact, at, by="test").journey

        assert journey.opted_out == (Fact.OPTED_OUT in facts)
        assert journey.human_controlled == (Fact.PERSON_WROTE in facts)
        assert journey.reply_count == facts.count(Fact.REPLIED)
        if journey.opted_out:
            assert journey.dead_cause is DeadCause.OPTED_OUT
        elif Fact.REPLIED in facts:
            assert journey.state is State.WARM_REPLY


# --- any order (INV-12; the event's key has dropped repetitions before)

NOT_SILENT: list[Fact] = [fact for fact in Fact if fact is not Fact.SILENT]


@st.composite
def histories(draw: st.DrawFn) -> tuple[Journey, list[tuple[Fact, int]]]:
    start = draw(st.sampled_from(STARTS))
    kinds: st.SearchStrategy[Fact] = st.sampled_from(NOT_SILENT)
    many = draw(st.lists(st.tuples(kinds, st.integers(1, 40)), max_size=30))
    return start, many


def told_all(start: Journey, facts: list[tuple[Fact, int]]) -> Journey:
    journey = start
    for fact, hours in facts:
        at = NOON + hours * LATER
        journey = happened(journey, fact, at, by="test").journey
    return journey


def without_log(journey: Journey) -> Journey:
    """Without what repeats the last line of the log, which is kept in our order."""
    before = journey.state_before if journey.state is State.PAUSED else None
    return evolve(journey, changed_at=None, reason="", state_before=before)


@given(histories(), st.data())
def test_facts_in_any_order_leave_the_same_journey(
    history: tuple[Journey, list[tuple[Fact, int]]], data: st.DataObject
) -> None:
    start, facts = history
    shuffled = data.draw(st.permutations(facts))

    assert without_log(told_all(start, facts)) == without_log(told_all(start, shuffled))


@given(histories(), st.data())
def test_silence_may_come_anywhere_after_the_send_it_waited_for(
    history: tuple[Journey, list[tuple[Fact, int]]], data: st.DataObject
) -> None:
    start, facts = history
    sent = happened(start, Fact.SENT_WHATSAPP, NOON, by="test").journey
    facts = [*facts, (Fact.SILENT, 41)]
    shuffled = data.draw(st.permutations(facts))

    assert without_log(told_all(sent, facts)) == without_log(told_all(sent, shuffled))


def test_times_and_counts_are_those_of_all_facts_whatever_came_first() -> None:
    facts = [
        (Fact.SENT_EMAIL, 7),
        (Fact.SENT_WHATSAPP, 2),
        (Fact.REPLIED, 9),
        (Fact.REPLIED, 4),
        (Fact.OPTED_OUT, 8),
        (Fact.OPTED_OUT, 5),
    ]

    for order in (facts, facts[::-1]):
        journey = told_all(a_journey(), order)

        assert journey.first_contact_at == NOON + 2 * LATER
        assert journey.last_contact_at == NOON + 7 * LATER
        assert journey.last_channel is Channel.EMAIL_COLD
        assert journey.last_reply_at == NOON + 9 * LATER
        assert journey.opted_out_at == NOON + 5 * LATER
        assert journey.reply_count == 2


# --- commands

ALWAYS = {Command.TAKE_OVER, Command.END_TAKEOVER, Command.NEW_CONSENT, Command.ERASE}
WANTED = {
    (State.COLD, Command.WARM): State.WARM_REPLY,
    (State.CONTACTED_WA, Command.WARM): State.WARM_REPLY,
    (State.CONTACTED_EMAIL, Command.WARM): State.WARM_REPLY,
    (State.NEGOTIATION, Command.WARM): State.WARM_REPLY,
    (State.WARM_REPLY, Command.NEGOTIATE): State.NEGOTIATION,
    (State.CONTACTED_WA, Command.CONVERT): State.CONVERTED,
    (State.CONTACTED_EMAIL, Command.CONVERT): State.CONVERTED,
    (State.WARM_REPLY, Command.CONVERT): State.CONVERTED,
    (State.NEGOTIATION, Command.CONVERT): State.CONVERTED,
    **{
        (state, Command.LOSE): State.DEAD
        for state in set(State) - {State.DEAD, State.CONVERTED}
    },
    **{
        (state, Command.PAUSE): State.PAUSED
        for state in set(State) - {State.DEAD, State.CONVERTED, State.PAUSED}
    },
}


def wanted(start: Journey, command: Command) -> State | None:
    """Where a command leads; None: it is refused."""
    if command is Command.ERASE:
        return State.DEAD
    if command in ALWAYS:
        return start.state
    if start.state is State.PAUSED:
        back = {
            Command.RESUME: start.state_before,
            Command.LOSE: State.DEAD,
            # Wanting the very state it was paused in is resuming it.
            Command.WARM: State.WARM_REPLY
            if start.state_before is State.WARM_REPLY
            else None,
            Command.NEGOTIATE: State.NEGOTIATION
            if start.state_before is State.NEGOTIATION
            else None,
        }
        return back.get(command)
    if command is Command.REOPEN:
        reopens = start.dead_cause in {*SOFT, DeadCause.LOST}
        return State.COLD if reopens and not start.opted_out else None
    return WANTED.get((start.state, command))


@from_every_start
@pytest.mark.parametrize("command", Command)
def test_what_each_command_makes_of_each_state(
    start: Journey, command: Command
) -> None:
    to = wanted(start, command)

    if to is None:
        with pytest.raises(IllegalTransition, match=str(LEAD)) as refused:
            said(start, command)
        assert str(command) in str(refused.value)
        assert str(start.state) in str(refused.value)
        return
    after = said(start, command)
    assert after.journey.state is to
    assert after.anomaly == ""
    assert (after.move is not None) == (
        (start.state, start.dead_cause)
        != (after.journey.state, after.journey.dead_cause)
    )


@from_every_start
@pytest.mark.parametrize(
    "command", [one for one in Command if one is not Command.NEW_CONSENT]
)
def test_no_command_but_a_new_consent_ends_an_opt_out(
    start: Journey, command: Command
) -> None:
    out = told(start, Fact.OPTED_OUT).journey

    try:
        after = said(out, command).journey
    except IllegalTransition:
        return

    assert after.opted_out
    assert after.state in {State.DEAD, State.CONVERTED}


def test_who_opted_out_can_be_reopened_after_a_recorded_consent() -> None:
    out = told(a_journey(State.WARM_REPLY), Fact.OPTED_OUT).journey

    consents = said(out, Command.NEW_CONSENT, why="mail of 3 March").journey

    assert not consents.opted_out
    assert consents.state is State.DEAD
    assert said(consents, Command.REOPEN).journey.state is State.COLD


def test_who_was_erased_is_never_reopened_consent_or_not() -> None:
    erased = said(a_journey(State.WARM_REPLY), Command.ERASE).journey
    consents = said(erased, Command.NEW_CONSENT).journey

    with pytest.raises(IllegalTransition):
        said(consents, Command.REOPEN)


@pytest.mark.parametrize("command", [Command.CONVERT, Command.NEW_CONSENT])
def test_what_must_be_proven_later_is_refused_without_a_reason(
    command: Command,
) -> None:
    with pytest.raises(IllegalTransition, match="kept"):
        said(a_journey(State.CONTACTED_WA), command, why="")


def test_a_conversion_keeps_its_time() -> None:
    after = said(a_journey(State.NEGOTIATION), Command.CONVERT).journey

    assert after.converted_at == NOON


def test_a_takeover_lasts_until_a_person_ends_it() -> None:
    taken = said(a_journey(State.WARM_REPLY), Command.TAKE_OVER).journey
    replied = told(taken, Fact.REPLIED).journey

    assert replied.human_controlled
    assert not said(replied, Command.END_TAKEOVER).journey.human_controlled


@pytest.mark.parametrize(
    ("state", "way_out"),
    [(State.DEAD, "reopen it first"), (State.PAUSED, "resume it first")],
)
def test_a_refusal_names_the_way_out(state: State, way_out: str) -> None:
    journey = a_journey(state, state_before=State.COLD, dead_cause=None)

    with pytest.raises(IllegalTransition, match=way_out):
        said(journey, Command.NEGOTIATE)
