"""P10: how fast worlds are simulated, which is how many of them a night can try.

Seeds: worlds of 5 days, 4 phones, 60 leads with 3 steps each and 3 workers, with the
faults that their seeds draw. CPU time of this process, user and system, per seed; a
round plays other seeds than the one before. The first seed of each round is played
twice, and its trace must come out byte for byte the same.

A quiet world: 20 phones that send all day long, three steps, no fault. It is played for
DAYS working days, and told for 40 of them and 290,000 sends by its cost per send.
"""

from __future__ import annotations

import time
from hashlib import sha256
from typing import Final

from tests.benchmarks.rows import Row

from outreach.testing.simulation import Weather, World, drawn

__all__ = ["BARS", "rows"]

BARS: Final = ("P10",)

SEEDS_PER_MINUTE: Final = 2_000
SENDS: Final = 290_000
SECONDS: Final = 60.0
PHONES: Final = 20
DAYS: Final = 3
LEADS_PER_DAY: Final = 4_000
_SENT: Final = "step ACCEPTED"


def rows(*, quick: bool, only: frozenset[str]) -> list[Row]:
    """P10."""
    del only  # there is one bar
    rounds, seeds = (3, 10) if quick else (5, 100)
    played = [_seeds(round_ * seeds, seeds) for round_ in range(rounds)]
    quiet = [_quiet(seed) for seed in range(1 if quick else 3)]
    return [
        Row(
            "P10",
            "simulation: a seed with faults, CPU",
            "ms",
            tuple(played),
            (),
            sense="at most",
            limit=60_000 / SEEDS_PER_MINUTE,
        ),
        Row(
            "P10",
            f"simulation: {SENDS:,} quiet sends, told from {DAYS} days, CPU",
            "s",
            tuple(quiet),
            (),
            sense="at most",
            limit=SECONDS,
        ),
    ]


def _seeds(first: int, seeds: int) -> float:
    """CPU milliseconds of a seed."""
    began = time.process_time()
    for seed in range(first, first + seeds):
        World(drawn(seed)).run()
    took = time.process_time() - began
    once, again = _trace(first), _trace(first)
    if once != again:
        message = f"seed {first} does not play twice the same"
        raise AssertionError(message)
    return took / seeds * 1e3


def _trace(seed: int) -> str:
    """Names everything that happened in a world, in its order."""
    digest = sha256()

    def happened(*what: object) -> None:
        digest.update(f"{what}\n".encode())

    World(drawn(seed), trace=happened).run()
    return digest.hexdigest()


def _quiet(seed: int) -> float:
    """CPU seconds of SENDS sends."""
    world = World(
        Weather(
            seed,
            days=DAYS,
            phones=PHONES,
            leads=LEADS_PER_DAY * DAYS,
            limit=200,
            echoed=0.0,
            late=0.0,
            repeated=0.0,
            answering=0.0,
            leaving=0.0,
            absent=0.0,
        )
    )
    began = time.process_time()
    world.run()
    took, sent = time.process_time() - began, world.seen[_SENT]
    if sent < PHONES * 200:
        message = f"{sent} messages were sent in {DAYS} days"
        raise AssertionError(message)
    return took / sent * SENDS
