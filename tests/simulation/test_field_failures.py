"""Failures that others had in the field, each shown to be caught here.

By the name of the failure: the planted defect that is the same mistake, or the small
world that shows it.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
from attrs import evolve
from tests.simulation.mutants import MUTANTS

from outreach.testing.simulation import Weather, play

MISTAKES: Final = {
    "REG-lost-after-fetch": "cursor-moved-at-fetch",
    "REG-resume-duplicates": "retry-after-crash",
    "REG-unknown-no-retry": "retry-on-unknown",
    "REG-timeout-retry": "retry-on-unknown",
    "REG-seen-before-stored": "seen-before-stored",
    "REG-two-dispatchers": "no-fence",
    "REG-lock-expiry": "no-grace",
}


@pytest.mark.parametrize(("name", "mistake"), MISTAKES.items(), ids=MISTAKES)
def test_the_mistake_of_a_field_failure_is_caught(name: str, mistake: str) -> None:
    mutant = MUTANTS[mistake]

    with mutant.planted() as change:
        worlds = [play(mutant.weather(seed), change) for seed in range(mutant.worlds)]

    found = {breach.invariant for world in worlds for breach in world.breaches}
    assert found & mutant.breaks, name


def test_reg_webhook_storm_every_webhook_many_times() -> None:
    played = play(small(seed=1, repeated=0.9, echoed=1.0, answering=0.3, late=0.5))

    assert played.breaches == ()
    assert played.seen["duplicate webhook dropped"] > 5 * played.sends


def test_reg_webhook_race_many_intakes_at_once() -> None:
    played = play(small(seed=2, repeated=0.9, echoed=1.0, answering=0.5, crash=0.01))

    assert played.breaches == ()
    assert played.seen["duplicate webhook dropped"] > played.sends


def test_reg_poison_in_batch_bad_numbers_stop_nobody_else() -> None:
    played = play(small(seed=3, bad=0.4))

    assert played.breaches == ()
    assert played.seen["step REFUSED"] > 0
    assert played.seen["step ACCEPTED"] > 2 * played.seen["step REFUSED"]


def test_reg_defer_loop_a_full_day_is_put_off_by_few_writes() -> None:
    played = play(small(seed=4, leads=40, limit=2))

    assert played.breaches == ()
    assert played.seen["step PUT_OFF"] < played.sends


def test_reg_late_start_what_an_outage_delayed_is_sent_in_the_window_or_not() -> None:
    played = play(small(seed=5, outages=20.0, phones=1))

    assert played.breaches == ()
    assert played.sends > 0


def test_reg_two_paths_many_workers_look_at_the_same_instant() -> None:
    played = play(small(seed=6, workers=8, crash=0.005, error=0.01))

    assert played.breaches == ()
    assert played.sends > 0


def small(**facts: Any) -> Weather:
    return evolve(SMALL, **facts)


SMALL: Final = Weather(seed=0, phones=2, leads=16, steps=2, days=3, limit=6)
