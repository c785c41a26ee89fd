"""Two thousand worlds of five days: four phones, sixty leads, three workers, faults.

In chunks, so that all cores take part; whichever chunk ends last judges the whole run.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from outreach.testing.simulation import Summary, drawn, play, play_many
from outreach.testing.simulation.watch import REACHED

SEEDS: Final = 2_000
CHUNKS: Final = 20
SENDS: Final = 300_000
KEPT: Final = Path(__file__).with_name("seeds.txt")


def kept() -> list[int]:
    lines = KEPT.read_text("utf-8").splitlines()
    return [int(line.split()[0]) for line in lines if line and line[0] != "#"]


@pytest.fixture
def notes(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> Path:
    """Where the chunks of this one run leave what they saw, in whichever process."""
    place = tmp_path_factory.getbasetemp().parent / f"worlds-{testrun_uid}"
    place.mkdir(exist_ok=True)
    return place


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_nothing_breaks_in_any_world(chunk: int, notes: Path) -> None:
    summary = play_many(range(chunk, SEEDS, CHUNKS))

    assert not summary.failed, f"{summary}\nadd the seeds to {KEPT.name}"
    (notes / str(chunk)).write_text(json.dumps([summary.sends, summary.seen]))
    judge_the_run(notes)


def judge_the_run(notes: Path) -> None:
    done = sorted(notes.iterdir())
    if len(done) < CHUNKS:
        return
    sends, seen = 0, Counter[str]()
    for note in done:
        some, saw = json.loads(note.read_text())
        sends += some
        seen.update(saw)
    missed = [what for what in REACHED if not seen[what]]
    assert missed == [], f"not once in {SEEDS} worlds; seen: {seen}"
    assert sends >= SENDS


def test_worlds_that_failed_once_are_whole() -> None:
    failed = [played for seed in kept() if (played := play(drawn(seed))).breaches]

    assert failed == []


def test_a_run_that_reached_too_little_says_so() -> None:
    summary = Summary(1, 5, 100, 1_000, 1.0, (), Counter({REACHED[0]: 1}))

    assert summary.missed == REACHED[1:]
