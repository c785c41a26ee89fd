"""A run on real PostgreSQL and Valkey keeps every promise, whatever strikes it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from tests.faults.chaos.campaign import Plan
from tests.faults.chaos.nursery import Nursery
from tests.faults.chaos.servers import Stores
from tests.faults.chaos.stage import BEGIN, Stage, World
from tests.faults.chaos.trial import Blows, tell, trial

ENOUGH: Final = {
    "kill": 16,
    "stop": 6,
    "flush": 3,
    "half": 1,
    "backends": 1,
    "opt-out": 4,
    "web": 1,
}
RESTARTS: Final = {"postgres": 1, "redis": 1}
ACCEPTED: Final = 30
AT_MOST_S: Final = 120.0
"""Blows end when there were enough; a loaded machine takes longer."""
pytestmark = pytest.mark.timeout(1200)

SEND: Final = tuple(
    f"{verb}.{moment}"
    for verb in ("CLAIM", "RESERVE", "T1", "CALL", "T2")
    for moment in ("before", "during", "after")
)
"""Before, in and after each await of a send."""
RULES: Final = tuple(f"{point}:2:{how}" for point in SEND for how in ("kill", "stop"))


def struck_everywhere(stage: Stage, share: float) -> bool:
    struck = {name.partition(":")[0] for name in stage.struck}
    return len(struck & set(SEND)) >= share * len(SEND)


def had_enough(stage: Stage, share: float) -> bool:
    return (
        all(stage.counts[name] >= share * least for name, least in ENOUGH.items())
        and len(stage.box.accepted()) >= share * ACCEPTED
    )


def test_blows_of_every_kind_break_nothing(
    stores: Stores, nursery: Nursery, short_path: Path
) -> None:
    world = World(seed=11)

    verdict = trial(
        stores,
        nursery,
        short_path,
        world,
        Blows(AT_MOST_S, restarts=1, enough=had_enough),
    )

    tell(verdict)
    assert verdict.breaches == [], str(verdict)
    wanted = ENOUGH | RESTARTS
    missed = {n for n, least in wanted.items() if verdict.injected.get(n, 0) < least}
    assert missed == set(), str(verdict)
    assert verdict.accepted >= ACCEPTED
    assert verdict.events >= ACCEPTED / 2


def test_a_crash_at_any_await_of_a_send_breaks_nothing(
    stores: Stores, nursery: Nursery, short_path: Path
) -> None:
    mix = {"tend": 3.0, "bells": 0.5, "flush": 0.2}

    verdict = trial(
        stores,
        nursery,
        short_path,
        World(seed=12, workers=4),
        Blows(
            AT_MOST_S,
            enough=struck_everywhere,
            mix=mix,
            rules=RULES,
            pause_s=0.2,
        ),
    )

    tell(verdict)
    assert verdict.breaches == [], str(verdict)
    struck = {name.partition(":")[0] for name in verdict.struck}
    assert set(SEND) - struck == set(), str(verdict)
    assert verdict.accepted > 10


def test_bad_lines_and_a_closing_window_break_nothing(
    stores: Stores, nursery: Nursery, short_path: Path
) -> None:
    """Stores and provider are reached through lines that tear; at 18:00 in Bucharest,
    eight of the blows' thirteen minutes after the begin, nothing may leave any more.
    """
    world = World(
        seed=13,
        plan=Plan(leads=120, phones=24),
        begin=BEGIN + timedelta(hours=5, minutes=12),
        lines=True,
    )
    mix = {"kill": 2.0, "stop": 1.0, "flush": 1.0, "opt-out": 1.0, "switch": 0.5}

    verdict = trial(
        stores, nursery, short_path, world, Blows(20.0, mix=mix, pause_s=0.8)
    )

    tell(verdict)
    assert verdict.breaches == [], str(verdict)
    assert verdict.accepted > 10
    torn = sum(verdict.injected.get(f"line {name}", 0) for name in ("cut", "silence"))
    assert torn > 3
