"""P7: a claim costs the same however many leads wait, and log rows go in groups.

Claims: two databases on one server, one with few and one with many leads waiting in
the same number of lanes; claims of 100 lanes in turns (ABAB), wall time. The plans of
a claim are asserted as they were carried out, under row security.

Log rows: written as a worker writes them, one per commit against groups, in turns.

    python -m tests.benchmarks.bench_claims [--leads 100000] [--rounds 5]

The bar is for 1,000,000 leads (a minute to fill), as ``python -m tests.benchmarks``
runs it. The exit status is 0 if every bar is reached, 1 if one is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import uuid4

import psycopg
from tests.adapters.postgres_load import TENANT, as_admin, fill
from tests.adapters.postgres_plans import nodes, watched
from tests.benchmarks.rows import Row, table
from tests.benchmarks.stage import Stage, open_stage

__all__ = ["BARS", "main", "rows"]

BARS: Final = ("P7",)

GROWTH_BAR: Final = 1.25
GROUPED_BAR: Final = 5.0
FEW: Final = 10_000
LANES: Final = 2_000
CLAIMED: Final = 100
GROUP: Final = 100
ROWS: Final = 5_000

_CLAIM: Final = "SELECT claim_lanes('bench', '{}', 100, '60 s', '65 s')"
_LOG: Final = """
    INSERT INTO gold_communication_log (id, created_at, tenant_id, lead_journey_id,
      channel, direction, content_rendered, status)
    SELECT id, '2026-03-02T10:00Z', %s, id, 'WHATSAPP', 'OUTBOUND', text, 'QUEUED'
      FROM unnest(%s::uuid[], %s::text[]) AS row (id, text)
"""
_TEXT: Final = "Bună ziua! " * 20


def main() -> int:
    """Run from the command line; answers the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with open_stage() as stage:
        found = _measured(stage, leads=given.leads, rounds=given.rounds)
    sys.stdout.write(table(found))
    return 0 if all(row.passed for row in found) else 1


def rows(*, quick: bool, only: frozenset[str]) -> list[Row]:
    """P7."""
    del only  # there is one bar
    with open_stage() as stage:
        if quick:
            return _measured(stage, leads=100_000, rounds=3)
        return _measured(stage, leads=1_000_000, rounds=5)


def _measured(stage: Stage, *, leads: int, rounds: int) -> list[Row]:
    few, many = _filled(stage, FEW), _filled(stage, leads)
    rounds_of = [_claims(few, many) for _ in range(rounds)]
    _assert_plans(many)
    costs: dict[int, list[float]] = {1: [], GROUP: []}
    for _ in range(rounds):
        for size, found in costs.items():
            found.append(_written(few, size))
    return [
        Row(
            "P7",
            f"claim of {CLAIMED} lanes: at {leads:,} leads over {FEW:,}",
            "ms",
            ours=tuple([many_ms for _, many_ms in rounds_of]),
            peer=tuple([few_ms for few_ms, _ in rounds_of]),
            sense="at most",
            limit=GROWTH_BAR,
        ),
        Row(
            "P7",
            f"log row: alone in its commit over groups of {GROUP}",
            "us",
            ours=tuple(costs[GROUP]),
            peer=tuple(costs[1]),
            sense="at least",
            limit=GROUPED_BAR,
        ),
    ]


def _filled(stage: Stage, leads: int) -> str:
    url = stage.new_database()
    fill(url, leads=leads, lanes=LANES)
    return url


@contextmanager
def _worker(url: str) -> Iterator[psycopg.Connection]:
    with as_admin(url) as connection:
        connection.execute("SET ROLE outreach_worker; SET jit = off")
        connection.execute("SELECT set_config('app.tenant', %s, false)", (str(TENANT),))
        yield connection


def _due(url: str) -> None:
    """Have every lane wait for a claim."""
    with as_admin(url) as admin:
        admin.execute(
            "UPDATE lanes SET owner = NULL, lease_until = NULL, wake_at = '2026-03-02'"
        )
        admin.execute("VACUUM lanes")


def _claims(few: str, many: str) -> tuple[float, float]:
    """Median milliseconds of a claim in each of two databases.

    Every lane is claimed once; claim by claim in turns, so that whatever else the
    machine does falls on both.
    """
    _due(few)
    _due(many)
    times: tuple[list[float], list[float]] = ([], [])
    with _worker(few) as one, _worker(many) as other:
        for _ in range(LANES // CLAIMED):
            for worker, found in zip((one, other), times, strict=True):
                began = time.perf_counter()
                claims = worker.execute(_CLAIM).fetchall()
                found.append((time.perf_counter() - began) * 1e3)
                if len(claims) != CLAIMED:
                    message = f"{len(claims)} lanes were claimed, not {CLAIMED}"
                    raise AssertionError(message)
    # The first one of a session plans its statements.
    return statistics.median(times[0][1:]), statistics.median(times[1][1:])


def _assert_plans(url: str) -> None:
    """Lanes and candidates come from the heads of indexes, without a sort."""
    _due(url)
    with watched(url) as plans:
        plans.run(_CLAIM)
        lanes = plans.of("l.account_id, l.wake_at LIMIT least(")
        heads = plans.of("FROM lane_windows w CROSS JOIN generate_series(0, 3)")
    found = [node for plan in (lanes, heads) for node in nodes(plan)]
    used = {node.get("Index Name") for node in found}
    missing = {"lanes_turn", "intents_lane"} - used
    slow = {"Incremental Sort", "Seq Scan", "Sort"}
    wrong = slow & {node["Node Type"] for node in found}
    if wrong or missing:
        message = f"a claim has {sorted(wrong)} and lacks {sorted(missing)}"
        raise AssertionError(message)


def _written(url: str, size: int) -> float:
    """Microseconds of a log row with *size* of them in each commit."""
    with _worker(url) as worker:
        began = time.perf_counter()
        for _ in range(ROWS // size):
            ids = [uuid4() for _ in range(size)]
            worker.execute(_LOG, (TENANT, ids, [_TEXT] * size))
        return (time.perf_counter() - began) / ROWS * 1e6


if __name__ == "__main__":
    sys.exit(main())
