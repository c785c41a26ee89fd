"""Every planted defect is seen in the real run, within its budget."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.faults.chaos.mutants import MUTANTS, Mutant
from tests.faults.chaos.nursery import Nursery
from tests.faults.chaos.servers import Stores
from tests.faults.chaos.trial import hunt, tell

SEED = 1
pytestmark = pytest.mark.timeout(1200)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_defect_is_caught(
    mutant: Mutant, stores: Stores, nursery: Nursery, short_path: Path
) -> None:
    found, said = hunt(stores, nursery, short_path, mutant, seed=SEED)

    tell(said)
    assert found, said
