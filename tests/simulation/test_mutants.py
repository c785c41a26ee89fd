"""A suite that lets a planted defect pass proves nothing: each is caught.

The same worlds are judged without the defect, so that it is the defect that is caught.
"""

from __future__ import annotations

import pytest
from tests.simulation import mail_mutants
from tests.simulation.mutants import MUTANTS, Mutant

from outreach.domain.invariants import Breach, Invariant
from outreach.testing.simulation import play

ALL = MUTANTS | mail_mutants.MUTANTS
EACH = pytest.mark.parametrize("mutant", ALL.values(), ids=lambda one: one.name)
AT_LEAST = 30
OF_MAIL = {Invariant.CHANNEL_GUARD, Invariant.BREAKER, Invariant.STOPS_CONFIRMED}


def test_there_are_enough() -> None:
    assert len(ALL) >= AT_LEAST
    assert {one for mutant in ALL.values() for one in mutant.breaks} >= OF_MAIL


@EACH
def test_the_worlds_of_a_mutant_are_whole_without_it(mutant: Mutant) -> None:
    breaches: list[Breach] = []
    sends = 0

    for seed in range(mutant.worlds):
        with mutant.bare() as change:
            played = play(mutant.weather(seed), change)
        breaches += played.breaches
        sends += played.sends

    assert breaches == []
    assert sends > 0


@EACH
def test_a_mutant_is_caught(mutant: Mutant) -> None:
    assert any(caught(mutant, seed) for seed in range(mutant.worlds))


def caught(mutant: Mutant, seed: int) -> bool:
    with mutant.planted() as change:
        played = play(mutant.weather(seed), change)
    return any(breach.invariant in mutant.breaks for breach in played.breaches)
