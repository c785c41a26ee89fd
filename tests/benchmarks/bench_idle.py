"""P4: a worker with nothing to do costs the same however many lanes wait.

Two `outreach worker` processes over databases of their own, one with 20 and one with
5,000 lanes that wait for the morning. Both are looked at in the same stretches of
time, so that whatever else the machine does falls on both: the CPU time the kernel
counts for each (/proc/PID/task/*/schedstat), the commands of its connections to
Valkey, and the transactions in its database, over all stores together.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import redis
from attrs import frozen
from tests.adapters.postgres_load import as_admin
from tests.benchmarks.rows import Row
from tests.benchmarks.stage import Stage, open_stage
from tests.benchmarks.theatre import Theatre, open_provider

__all__ = ["BARS", "rows"]

BARS: Final = ("P4",)

FEW: Final = 20
MANY: Final = 5_000
NIGHT: Final = datetime(2026, 3, 2, 1, tzinfo=UTC)
MORNING: Final = NIGHT + timedelta(hours=6)
SETTLED_S: Final = 20.0
"""After this long a worker has started, and PostgreSQL counted what it did till then:
an idle connection tells its numbers after 10 s."""
LASTS_S: Final = 60.0
"""All stretches together: arq's clock rings once a minute."""

_ASLEEP: Final = (
    "UPDATE engine_clock SET position = %(night)s",
    "UPDATE intents SET due_at = %(night)s",
    "UPDATE lane_windows SET opens_at = %(morning)s",
    "UPDATE lanes SET wake_at = %(morning)s",
)
_COMMITS: Final = "SELECT xact_commit FROM pg_stat_database WHERE datname = %s"


def rows(*, quick: bool, only: frozenset[str]) -> list[Row]:
    """P4."""
    del only  # there is one bar
    with open_stage() as stage, open_provider(lanes=FEW, speed=1) as provider:
        with as_admin(stage.postgres_url) as admin:
            # Its transactions would be taken for the worker's.
            admin.execute("ALTER SYSTEM SET autovacuum = off")
            admin.execute("SELECT pg_reload_conf()")
        theatre = Theatre(stage, provider)
        with ExitStack() as stack:
            few, many = [
                _open(stack, theatre, lanes, place)
                for place, lanes in enumerate((FEW, MANY))
            ]
            time.sleep(SETTLED_S)
            return _watched(few, many, stretches=3 if quick else 6)


@frozen
class _Sleeper:
    """One worker, and where its commands are counted."""

    pid: int
    stage: Stage
    url: str
    place: int

    def cpu_s(self) -> float:
        """All threads, user and system."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(
            int((task / "schedstat").read_text("utf-8").split()[0]) / 1e9
            for task in tasks
        )

    def redis_commands(self) -> int:
        """Of its connections, each of which it keeps."""
        with redis.Redis.from_url(_redis(self.stage, 9)) as client:
            clients: list[Mapping[str, Any]] = client.client_list()
        mine = [one for one in clients if int(one["db"]) == self.place]
        return sum(int(one["tot-cmds"]) for one in mine)

    def commits(self) -> int:
        with as_admin(self.stage.postgres_url) as admin:
            name = urlsplit(self.url).path.lstrip("/")
            found = admin.execute(_COMMITS, (name,)).fetchone()
        assert found is not None
        return int(found[0])


def _open(stack: ExitStack, theatre: Theatre, lanes: int, place: int) -> _Sleeper:
    url = stack.enter_context(theatre.world(lanes, messages=1))
    with as_admin(url) as admin:
        for statement in _ASLEEP:
            admin.execute(statement.encode(), {"night": NIGHT, "morning": MORNING})
        admin.execute("VACUUM ANALYZE")
    (process,) = stack.enter_context(
        theatre.workers(url, 1, redis_url=_redis(theatre.stage, place))
    )
    return _Sleeper(process.pid, theatre.stage, url, place)


def _redis(stage: Stage, place: int) -> str:
    """The URL of one of the server's databases."""
    url = stage.redis_url
    return f"{url}?db={place}" if url.startswith("unix:") else f"{url}/{place}"


def _watched(few: _Sleeper, many: _Sleeper, *, stretches: int) -> list[Row]:
    both, stretch_s = (few, many), LASTS_S / stretches
    cpu: dict[_Sleeper, list[float]] = {one: [] for one in both}
    before = {one: one.redis_commands() + one.commits() for one in both}
    began = time.monotonic()
    for _ in range(stretches):
        at = {one: one.cpu_s() for one in both}
        time.sleep(stretch_s)
        for one in both:
            cpu[one].append((one.cpu_s() - at[one]) / stretch_s * 1e6)
    lasted = time.monotonic() - began
    rate = {
        one: (one.redis_commands() + one.commits() - before[one]) / lasted
        for one in both
    }
    what = f"idle: {MANY:,} lanes over {FEW}"
    return [
        Row(
            "P4",
            f"{what}, CPU",
            "us/s",
            (*cpu[many],),
            (*cpu[few],),
            sense="at most",
            limit=1.2,
        ),
        Row(
            "P4",
            f"{what}, commands to all stores",
            "/s",
            (rate[many],),
            (rate[few],),
            sense="at most",
            limit=1.2,
        ),
        Row(
            "P4",
            f"idle: commands to all stores with {MANY:,} lanes",
            "/s",
            (rate[many],),
            (),
            sense="at most",
            limit=1.0,
        ),
    ]
