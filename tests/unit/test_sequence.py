"""Sequences: what follows a step and when, and what no sequence may say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from tests.unit.cases import NOON, a_sequence

from outreach.domain.channel import COLD_STATES, Channel, State
from outreach.domain.errors import Misconfigured
from outreach.domain.sequence import LONGEST, SILENCE, Sequence, Step, follow

HOUR = timedelta(hours=1)


def with_steps(*changes: dict[str, Any]) -> Sequence:
    plain = a_sequence(len(changes))
    steps = tuple(
        evolve(step, **change)
        for step, change in zip(plain.steps, changes, strict=True)
    )
    return evolve(plain, steps=steps)


def number(step: Step | None) -> int | None:
    return None if step is None else step.number


def test_the_next_step_is_due_its_delay_after_the_last_was_sent() -> None:
    sequence = with_steps({}, {"delay": 30 * HOUR})

    step, due = follow(sequence, sequence.steps[0], NOON, State.CONTACTED_WA)

    assert number(step) == 2
    assert due == NOON + 30 * HOUR


def test_after_the_last_step_silence_ends_the_journey() -> None:
    sequence = a_sequence(2)

    step, due = follow(sequence, sequence.steps[1], NOON, State.CONTACTED_WA)

    assert step is None
    assert due == NOON + SILENCE
    assert timedelta(days=7) == SILENCE


@pytest.mark.parametrize("state", sorted(set(State) - COLD_STATES))
def test_a_step_is_skipped_once_the_lead_has_replied(state: State) -> None:
    sequence = with_steps(
        {}, {"delay": 10 * HOUR}, {"delay": HOUR, "skip_if_replied": False}
    )

    step, due = follow(sequence, sequence.steps[0], NOON, state)

    assert number(step) == 3
    # It keeps its place in time: after the step that is passed over.
    assert due == NOON + 11 * HOUR


def test_a_lead_that_replied_has_nothing_left_if_every_step_is_skipped() -> None:
    sequence = a_sequence(4)

    step, due = follow(sequence, sequence.steps[0], NOON, State.WARM_REPLY)

    assert step is None
    assert due == NOON + SILENCE


@pytest.mark.parametrize("state", sorted(COLD_STATES))
def test_nothing_is_skipped_before_a_reply(state: State) -> None:
    sequence = a_sequence(3)

    step, _ = follow(sequence, sequence.steps[0], NOON, state)

    assert number(step) == 2


def test_steps_are_found_by_number_and_past_the_end_there_is_none() -> None:
    sequence = a_sequence(2)

    assert [number(sequence.step(n)) for n in range(-1, 4)] == [
        None,
        None,
        1,
        2,
        None,
    ]


def test_a_sequence_has_one_to_ten_steps() -> None:
    assert len(a_sequence(LONGEST).steps) == 10
    for many in (0, LONGEST + 1):
        with pytest.raises(Misconfigured, match=f"'intro' has {many} steps"):
            a_sequence(many)


def test_steps_are_numbered_from_one_in_order() -> None:
    with pytest.raises(Misconfigured, match=r"\[2, 1\]"):
        with_steps({"number": 2}, {"number": 1})


def test_a_step_cannot_be_due_before_the_one_before_it() -> None:
    with pytest.raises(Misconfigured, match="step 2"):
        with_steps({}, {"delay": -HOUR})


@pytest.mark.parametrize("name", ["respect_hours", "stop_on_reply"])
@pytest.mark.parametrize(
    ("primary", "fallback", "step"),
    [
        (Channel.WHATSAPP, None, Channel.WHATSAPP),
        (Channel.EMAIL_COLD, None, Channel.EMAIL_COLD),
        (Channel.EMAIL_WARM, Channel.WHATSAPP, Channel.EMAIL_WARM),
        (Channel.EMAIL_WARM, None, Channel.EMAIL_COLD),
        (Channel.EMAIL_WARM, None, None),
    ],
)
def test_what_protects_people_cannot_be_turned_off_where_a_cold_message_may_go(
    name: str, primary: Channel, fallback: Channel | None, step: Channel | None
) -> None:
    plain = a_sequence(1)
    changes: dict[str, Any] = {
        "primary_channel": primary,
        "fallback_channel": fallback,
        "steps": (evolve(plain.steps[0], channel=step),),
        name: False,
    }

    with pytest.raises(Misconfigured, match=name):
        evolve(plain, **changes)


def test_a_sequence_of_warm_mail_may_write_at_any_hour() -> None:
    plain = a_sequence(1)
    warm = (evolve(plain.steps[0], channel=Channel.EMAIL_WARM),)

    sequence = evolve(
        plain, primary_channel=Channel.EMAIL_WARM, steps=warm, respect_hours=False
    )

    assert not sequence.respect_hours


def test_a_message_is_tried_at_least_once() -> None:
    with pytest.raises(ValueError, match="max_attempts"):
        evolve(a_sequence(1), max_attempts=0)


def test_follow_ups_are_the_whatsapp_messages_after_the_first() -> None:
    mail, phone = {"channel": Channel.EMAIL_COLD}, {"channel": Channel.WHATSAPP}
    by_mail = evolve(
        with_steps(mail, mail | {"fallback_template": "x"}, mail, phone),
        primary_channel=Channel.EMAIL_COLD,
    )

    assert with_steps({}, {}, {}).followups == 2
    assert with_steps({}, mail, {"channel": None}).followups == 1
    assert with_steps(mail).followups == 0
    assert by_mail.followups == 0
    assert evolve(by_mail, fallback_channel=Channel.WHATSAPP).followups == 1
