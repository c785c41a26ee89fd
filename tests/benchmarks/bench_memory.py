"""P8: what a lane costs a worker, and what a worker costs.

`outreach worker` itself, over PostgreSQL, Valkey and a provider on loopback. Before it
is looked at, every phone has sent MESSAGES messages, so that everything a send needs
is loaded. Sizes are the kernel's (/proc/PID/smaps_rollup). One worker alone is counted
with all it shares (RSS), many are counted by their shares (PSS): the harder way for
us. MB are 1,000,000 bytes.

Further lanes are phones outside their hours, each with a message that waits: the
worker has looked at every one of them and put it off. What one of them costs is told
between two sizes that both fill the worker's hands: the first thousands add some MB
once, garbage of the claims under way. These stand in a row of their own.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import psycopg
from tests.adapters.postgres_load import as_admin
from tests.benchmarks.rows import Row
from tests.benchmarks.stage import open_stage
from tests.benchmarks.theatre import Theatre, open_provider

__all__ = ["BARS", "rows"]

BARS: Final = ("P8",)

LANES: Final = 20
PROCESSES: Final = 20
SOME: Final = 2_500
MANY: Final = 5_000
MESSAGES: Final = 5
PATIENCE_S: Final = 240
NIGHT: Final = datetime(2026, 3, 2, 1, tzinfo=UTC)
SPEED: Final = 600
MB: Final = 1_000_000

_SENT: Final = "SELECT NOT EXISTS (SELECT FROM intents WHERE status <> 'DONE')"
_PUT_OFF: Final = """
SELECT NOT EXISTS (SELECT FROM lanes WHERE owner IS NOT NULL
                       OR wake_at IS NULL OR wake_at <= engine_now())
"""
Size = Literal["Rss", "Pss"]


def rows(*, quick: bool, only: frozenset[str]) -> list[Row]:
    """P8."""
    del only  # there is one bar
    rounds = 2 if quick else 5
    one: list[float] = []
    twenty: list[float] = []
    waiting: dict[int, list[float]] = {LANES: [], SOME: [], MANY: []}
    crowd: list[float] = []
    with open_stage() as stage, open_provider(lanes=LANES, speed=SPEED) as provider:
        theatre = _Seats(stage, provider)
        for _ in range(rounds):
            one.append(theatre.sending(lanes=1, workers=1, size="Rss"))
            twenty.append(theatre.sending(lanes=LANES, workers=1, size="Rss"))
        for _ in range(1 if quick else 3):
            crowd.append(theatre.sending(LANES, workers=PROCESSES, size="Pss"))
            for lanes, found in waiting.items():
                found.append(theatre.waiting(lanes))
    added = zip(waiting[SOME], waiting[MANY], strict=True)
    per_lane = [(many - some) / (MANY - SOME) for some, many in added]
    mb, few, many = (
        [size / MB for size in sizes]
        for sizes in (twenty, waiting[LANES], waiting[MANY])
    )
    return [
        _row("worker with 20 lanes over one with 1", mb, [o / MB for o in one], 1.1),
        _row("worker with 20 lanes over 20 workers", mb, [c / MB for c in crowd], 0.12),
        _row("further lane", per_lane, [], 1_000, unit="B"),
        _row(f"worker with {MANY:,} waiting lanes over one with 20", many, few, 1.1),
        _row("outreach worker with 20 lanes", mb, [], 100),
    ]


def _row(
    what: str,
    ours: Sequence[float],
    peer: Sequence[float],
    limit: float,
    *,
    unit: str = "MB",
) -> Row:
    what = f"memory: {what}"
    return Row("P8", what, unit, (*ours,), (*peer,), sense="at most", limit=limit)


class _Seats(Theatre):
    """From where the memory of workers is looked at."""

    def sending(self, lanes: int, *, workers: int, size: Size) -> float:
        """Bytes of all workers after every phone has sent its messages."""
        with self.world(lanes, messages=MESSAGES) as url, as_admin(url) as admin:
            admin.execute("UPDATE engine_clock SET speed = %s", (SPEED,))
            with self.workers(url, workers) as processes:
                _until(processes, lambda: _moved_on(admin) and _told(admin, _SENT))
                return _size(processes, size)

    def waiting(self, lanes: int) -> float:
        """Bytes of one worker that has put every phone's message off."""
        with self.world(lanes, messages=1) as url, as_admin(url) as admin:
            admin.execute("UPDATE engine_clock SET position = %s", (NIGHT,))
            admin.execute("UPDATE lanes SET wake_at = %s", (NIGHT,))
            admin.execute("UPDATE intents SET due_at = %s", (NIGHT,))
            with self.workers(url, 1) as processes:
                _until(processes, lambda: _told(admin, _PUT_OFF))
                return _size(processes, "Rss")


def _until(
    processes: Sequence[subprocess.Popen[bytes]], done: Callable[[], bool]
) -> None:
    """Wait for *done*, and until every worker has been up for a while.

    Raises:
        RuntimeError: a worker ended, or it takes too long.
    """
    end = time.monotonic() + PATIENCE_S
    while not done():
        if any(process.poll() is not None for process in processes):
            message = "a worker ended by itself"
            raise RuntimeError(message)
        if time.monotonic() > end:
            message = f"the workers did not get done within {PATIENCE_S} s"
            raise RuntimeError(message)
        time.sleep(0.02)
    _settle(processes)


def _settle(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait until the workers' memory stands still: the last of them may just start."""
    before = -1.0
    while (now := _size(processes, "Pss")) != before:
        before = now
        time.sleep(0.5)


def _moved_on(admin: psycopg.Connection) -> bool:
    """Let engine time go on, as a scaled run does."""
    admin.execute("SELECT tick('1 s', '1 s', 'infinity')")
    return True


def _told(admin: psycopg.Connection, question: str) -> bool:
    row = admin.execute(question.encode()).fetchone()
    return row is not None and bool(row[0])


def _size(processes: Sequence[subprocess.Popen[bytes]], size: Size) -> float:
    """Bytes of all of them together."""
    return sum(_bytes(process.pid, size) for process in processes)


def _bytes(pid: int, size: Size) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8")
    kib = next(line.split()[1] for line in text.splitlines() if line.startswith(size))
    return int(kib) * 1024.0
