"""The lanes of a dead worker go on within lease and grace, and not before."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import pytest
from tests.faults.chaos.campaign import Plan
from tests.faults.chaos.nemesis import Nemesis
from tests.faults.chaos.nursery import Nursery
from tests.faults.chaos.servers import Stores
from tests.faults.chaos.stage import Stage, World, opened_stage
from tests.faults.chaos.trial import CALM, tell

PATIENCE_S: Final = 60.0
SLACK_S: Final = 5.0
"""For the successor to be scheduled: the longest sleep of a worker is 60 s, so that a
lane that nobody looks for would come far later.
"""

pytestmark = pytest.mark.timeout(1200)


def held_by_the_dead(stage: Stage) -> dict[str, dict[str, Any]]:
    """Lanes that somebody holds, with their token and when they may go on."""
    query = """
        SELECT id::text, token, calling IS NOT NULL,
               extract(epoch FROM coalesce(call_deadline, lease_until + %s)
                 - clock_timestamp())
          FROM lanes WHERE owner IS NOT NULL
    """
    with stage.connect() as connection:
        rows = connection.execute(query, (stage.scale.timing.grace,)).fetchall()
    return {
        lane: {"token": token, "calling": calling, "free_in": float(free_in)}
        for lane, token, calling, free_in in rows
    }


def tokens(stage: Stage) -> dict[str, int]:
    with stage.connect() as connection:
        return dict(connection.execute("SELECT id::text, token FROM lanes").fetchall())


@pytest.mark.parametrize("point", ["CLAIM.after", "RESERVE.after", "CALL.after"])
def test_lanes_of_a_killed_worker_go_on_in_time(
    point: str, stores: Stores, nursery: Nursery, short_path: Path
) -> None:
    world = World(seed=31, workers=1, plan=Plan(leads=60, phones=4), knobs=CALM)
    with opened_stage(stores, nursery, short_path, world) as stage:
        nemesis = Nemesis(stage, armed=0.0)
        rule = f"{point}:3:kill"
        end = time.monotonic() + PATIENCE_S
        while not stage.struck:
            stage.look_after()
            if not stage.workers and not stage.struck:
                stage.bear_worker(rule)
            assert time.monotonic() < end, "the worker does not come to its point"
            time.sleep(0.005)
        held, died = held_by_the_dead(stage), time.monotonic()

        gone_on: dict[str, float] = {}
        end = time.monotonic() + PATIENCE_S
        while len(gone_on) < len(held) and time.monotonic() < end:
            nemesis.tend()
            for lane, token in tokens(stage).items():
                if lane in held and token > held[lane]["token"]:
                    gone_on.setdefault(lane, time.monotonic() - died)
            time.sleep(0.01)
        rest = stage.scale.timing.rest.total_seconds() / world.times

    tell(point, held, gone_on)
    assert held
    assert gone_on.keys() == held.keys()
    for lane, took in gone_on.items():
        free_in = held[lane]["free_in"]
        if held[lane]["calling"]:
            assert free_in <= stage.scale.timing.doubtful.total_seconds()
            free_in += rest
        else:
            assert free_in <= stage.scale.recovery.total_seconds()
        assert free_in - 0.05 <= took <= free_in + SLACK_S
