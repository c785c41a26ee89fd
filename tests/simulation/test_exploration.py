"""Two workers, one phone, two leads: every interleaving up to a bound."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from tests.simulation.exploration import Bound, explore
from tests.simulation.mutants import MUTANTS, unfenced

from outreach.adapters.memory import lanes
from outreach.domain.invariants import Invariant

WHOLE = Bound(faults=2, switches=2)
"""Two faults and two switches beside those that a fault brings about."""
CAUGHT = ("retry-after-crash", "unknown-gives-back")
NO_LEASES = patch.object(lanes, "_reclaimable", lambda *_: True)
"""A lane is claimed whoever has it; then only the fencing token tells who may send."""


def test_no_interleaving_with_two_faults_breaks_anything() -> None:
    explored = explore(WHOLE)

    assert explored.breaches == ()
    assert explored.runs > 1_000
    assert explored.outcomes["ACCEPTED"] > 0
    assert explored.outcomes["UNKNOWN"] > 0


@pytest.mark.parametrize("name", CAUGHT)
def test_a_planted_defect_is_found_by_exploring(name: str) -> None:
    mutant = MUTANTS[name]

    with mutant.planted() as change:
        explored = explore(Bound(faults=2, switches=0), change)

    found = {breach.invariant for _, breach in explored.breaches}
    assert found & {*mutant.breaks, Invariant.NOTHING_LOST}


def test_the_fence_alone_keeps_two_claims_of_a_lane_apart() -> None:
    with NO_LEASES:
        explored = explore(Bound(faults=1, switches=1))

    assert explored.breaches == ()
    assert explored.runs > 100


def test_without_lease_and_fence_two_claims_of_a_lane_meet() -> None:
    with NO_LEASES:
        explored = explore(Bound(faults=0, switches=2), unfenced)

    assert {breach.invariant for _, breach in explored.breaches} & {
        Invariant.GAP,
        Invariant.TOKENS_GROW,
    }


def test_the_same_exploration_finds_the_same() -> None:
    first = explore(Bound(faults=1, switches=1))
    again = explore(Bound(faults=1, switches=1))

    assert first == again
