"""INV-16: the same seed gives the same world, turn for turn, under any hash seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from outreach.testing.simulation import drawn, play, traced

SEEDS = (1, 2, 3, 10)
"""The last one has mail."""
BRUTAL = 7


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_seed_gives_the_same_trace(seed: int) -> None:
    first = traced(drawn(seed))
    again = traced(drawn(seed))

    assert first == again
    assert first.count(b"\n") > 1_000


def test_other_seeds_give_other_worlds() -> None:
    digests = {play(drawn(seed)).digest for seed in SEEDS}

    assert len(digests) == len(SEEDS)


@pytest.mark.parametrize("seed", [BRUTAL, SEEDS[-1]])
def test_two_processes_with_other_hash_seeds_give_the_same_trace(seed: int) -> None:
    traces = [printed(seed, hash_seed) for hash_seed in ("0", "1")]

    assert traces[0] == traces[1]
    assert traces[0].count(b"\n") > 1_000


def printed(seed: int, hash_seed: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "outreach.testing.simulation", str(seed), "--trace"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
