"""P7: a claim costs the same however many leads wait, and log rows go in groups.

Two databases on one server, one with few and one with many leads waiting in the same
number of lanes; claims of 100 lanes in turns (ABAB), wall time, medians. The plans of
a claim are asserted as they were carried out, under row security. Rows of the message
log are written as a worker does, one per commit against groups.

    python -m tests.benchmarks.bench_claims [--leads 100000] [--rounds 5] [--json FILE]

The bar is for ``--leads 1000000`` (some two minutes to fill). The exit status is 0 if
every bar is reached, 1 if one is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg
from attrs import asdict, frozen
from psycopg import sql
from tests.adapters.postgres_load import TENANT, as_admin, fill
from tests.adapters.postgres_plans import nodes, watched
from tests.benchmarks.rows import Row
from tests.servers import SCHEMA, open_folder, run, url_of

from outreach.adapters.postgres.migrate import migrate
from outreach.entrypoints.embedded import start

__all__ = ["BARS", "Grouped", "Growth", "main", "rows"]

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


@frozen
class Growth:
    """Milliseconds of a claim of 100 lanes with few and with many leads waiting."""

    leads: int
    few: tuple[float, ...]
    many: tuple[float, ...]
    plan: str

    @property
    def ratio(self) -> float:
        return statistics.median(self.many) / statistics.median(self.few)

    @property
    def passed(self) -> bool:
        return self.ratio <= GROWTH_BAR and not self.plan

    def __str__(self) -> str:
        lines = [
            f"claim of {CLAIMED} at {count:>9,} leads "
            f"{statistics.median(times):7.1f} ms (spread {_spread(times):4.0%})"
            for count, times in ((FEW, self.few), (self.leads, self.many))
        ]
        verdict = "pass" if self.passed else "MISS"
        plan = self.plan or "indexes, no sort, no scan"
        lines.append(f"ratio {self.ratio:.2f}, bar {GROWTH_BAR}; {plan}: {verdict}")
        return "\n".join(lines)


@frozen
class Grouped:
    """Log rows a second, one per commit and in groups."""

    single: tuple[float, ...]
    grouped: tuple[float, ...]

    @property
    def ratio(self) -> float:
        return statistics.median(self.grouped) / statistics.median(self.single)

    @property
    def passed(self) -> bool:
        return self.ratio >= GROUPED_BAR

    def __str__(self) -> str:
        lines = [
            f"log rows, {name:13} {statistics.median(rates):9,.0f} a second "
            f"(spread {_spread(rates):4.0%})"
            for name, rates in (
                ("one by one", self.single),
                (f"groups of {GROUP}", self.grouped),
            )
        ]
        verdict = "pass" if self.passed else "MISS"
        lines.append(f"ratio {self.ratio:.1f}, bar {GROUPED_BAR}: {verdict}")
        return "\n".join(lines)


def rows(*, quick: bool, only: frozenset[str]) -> list[Row]:
    """P7."""
    del only  # there is one bar
    leads, rounds = (100_000, 3) if quick else (1_000_000, 5)
    with _server() as url:
        growth = measure_growth(url, leads=leads, rounds=rounds)
        grouped = measure_grouped(url, rounds=rounds)
    if growth.plan:
        raise AssertionError(growth.plan)
    return [
        Row(
            "P7",
            f"claim of {CLAIMED} lanes, planned as told: {leads:,} leads over {FEW:,}",
            "ms",
            ours=growth.many,
            peer=growth.few,
            sense="at most",
            limit=GROWTH_BAR,
        ),
        Row(
            "P7",
            f"log row: a commit each over groups of {GROUP}",
            "us",
            ours=tuple(1e6 / rate for rate in grouped.grouped),
            peer=tuple(1e6 / rate for rate in grouped.single),
            sense="at least",
            limit=GROUPED_BAR,
        ),
    ]


def main() -> int:
    """Run from the command line; answers the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with _server() as url:
        growth = measure_growth(url, leads=given.leads, rounds=given.rounds)
        grouped = measure_grouped(url, rounds=given.rounds)
    sys.stdout.write(f"{growth}\n{grouped}\n")
    if given.json:
        document = {
            "bench": "P7 claims and log rows",
            "growth": _document(growth),
            "grouped": _document(grouped),
        }
        given.json.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    return 0 if growth.passed and grouped.passed else 1


def measure_growth(url: str, *, leads: int, rounds: int) -> Growth:
    """Claim from both databases in turns, every lane once a round."""
    urls = {count: _filled(url, count) for count in (FEW, leads)}
    times: Mapping[int, list[float]] = {count: [] for count in urls}
    for _ in range(rounds):
        for count, one in urls.items():
            times[count] += _claims(one)
    return Growth(leads, tuple(times[FEW]), tuple(times[leads]), _flaw(urls[leads]))


def measure_grouped(url: str, *, rounds: int) -> Grouped:
    """Write log rows both ways in turns."""
    rates: Mapping[int, list[float]] = {1: [], GROUP: []}
    target = _filled(url, 1)
    for _ in range(rounds):
        for size, found in rates.items():
            found.append(_written(target, size))
    return Grouped(tuple(rates[1]), tuple(rates[GROUP]))


def _document(result: Growth | Grouped) -> dict[str, Any]:
    return {"ratio": result.ratio, "passed": result.passed, **asdict(result)}


def _spread(values: tuple[float, ...]) -> float:
    return (max(values) - min(values)) / statistics.median(values)


@contextmanager
def _server() -> Iterator[str]:
    with open_folder() as folder, start(folder / "data", durable=False) as servers:
        yield servers.postgres_url


def _filled(server_url: str, leads: int) -> str:
    """A migrated database with so many leads in the lanes."""
    name = f"bench_{leads}"
    run(server_url, sql.SQL("CREATE DATABASE {}"), name)
    url = url_of(server_url, name)
    migrate(url, schema=SCHEMA)
    fill(url, leads=leads, lanes=LANES)
    return url


@contextmanager
def _worker(url: str) -> Iterator[psycopg.Connection]:
    with as_admin(url) as connection:
        connection.execute("SET ROLE outreach_worker; SET jit = off")
        connection.execute("SELECT set_config('app.tenant', %s, false)", (str(TENANT),))
        yield connection


def _claims(url: str) -> list[float]:
    """Milliseconds of each claim of one round over all lanes."""
    with as_admin(url) as admin:
        admin.execute(
            "UPDATE lanes SET owner = NULL, lease_until = NULL, wake_at = '2026-03-02'"
        )
        admin.execute("VACUUM lanes")
    times = []
    with _worker(url) as worker:
        for _ in range(LANES // CLAIMED):
            began = time.perf_counter()
            claims = worker.execute(_CLAIM).fetchall()
            times.append((time.perf_counter() - began) * 1_000)
            if len(claims) != CLAIMED:
                message = f"{len(claims)} lanes were claimed, not {CLAIMED}"
                raise RuntimeError(message)
    # The first one of a session plans all statements.
    return times[1:]


def _flaw(url: str) -> str:
    """What is wrong with the plans of a claim; empty if nothing is."""
    with as_admin(url) as admin:
        admin.execute("UPDATE lanes SET owner = NULL, wake_at = '2026-03-02'")
    with watched(url) as plans:
        plans.run(_CLAIM)
        lanes = plans.of("ORDER BY l.wake_at LIMIT p_limit FOR UPDATE SKIP LOCKED")
        heads = plans.of("FROM lane_windows w CROSS JOIN generate_series(0, 3)")
    found = [node for plan in (lanes, heads) for node in nodes(plan)]
    bad = {"Sort", "Incremental Sort", "Seq Scan"}
    wrong = sorted({node["Node Type"] for node in found} & bad)
    used = {node.get("Index Name") for node in found}
    missing = sorted({"lanes_wake", "intents_lane"} - used)
    return ", ".join([*wrong, *(f"without {name}" for name in missing)])


def _written(url: str, size: int) -> float:
    """Log rows a second with *size* of them in each commit."""
    with _worker(url) as worker:
        began = time.perf_counter()
        for _ in range(ROWS // size):
            ids = [uuid4() for _ in range(size)]
            worker.execute(_LOG, (TENANT, ids, [_TEXT] * size))
        return ROWS / (time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit(main())
