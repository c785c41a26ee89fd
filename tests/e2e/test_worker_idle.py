"""What a worker costs that has nothing to do: the same with any number of lanes."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg
import pytest
import redis
from tests.adapters.postgres_load import as_admin, fill
from tests.e2e.running import outreach, until

from outreach.entrypoints.embedded import Servers

WATCHED_S: Final = 10.0
SETTLED_S: Final = 4
OUR_OWN: Final = 3
"""Commands of Redis that the question costs."""
FEW: Final = 20
MANY: Final = 5_000
LEADS: Final = 10_000


def asked_redis(servers: Servers) -> int:
    with redis.Redis.from_url(servers.redis_url) as client:
        count: int = client.info("stats")["total_commands_processed"]
        return count


def asked_postgres(url: str, since: datetime) -> int:
    """Sessions of workers that did anything since then."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state_change > %s",
            (since,),
        ).fetchone()
    assert row is not None
    count: int = row[0]
    return count


def cpu_s(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(") ", 1)[1]
    ticks = words.split()
    return (int(ticks[11]) + int(ticks[12])) / 100


def prepared(url: str, lanes: int) -> None:
    fill(url, leads=LEADS, lanes=lanes)
    with as_admin(url) as admin:
        admin.execute("UPDATE lanes SET wake_at = wake_at + interval '1 day'")


def let_a_minute_begin() -> None:
    """arq's cron rings with each: three seconds after, all is quiet for long."""
    second = datetime.now(UTC).second
    if not SETTLED_S <= second < 60 - WATCHED_S - 1:
        time.sleep((60 + SETTLED_S - second) % 60)


@pytest.mark.parametrize("lanes", [FEW, MANY])
def test_an_idle_worker_asks_for_bells_and_nothing_else(
    own_servers: Servers, fresh_postgres_url: str, tmp_path: Path, lanes: int
) -> None:
    prepared(fresh_postgres_url, lanes)
    env = {
        "OUTREACH_DATABASE_URL": fresh_postgres_url,
        "OUTREACH_REDIS_URL": own_servers.redis_url,
        "OUTREACH_DATA_DIR": str(tmp_path / "data"),
    }

    with outreach("worker", words=tmp_path, env=env) as worker:
        until(lambda: "working" in worker.err or not worker.runs)
        time.sleep(SETTLED_S)
        let_a_minute_begin()
        since, before = datetime.now(UTC), asked_redis(own_servers)
        cpu_before = cpu_s(worker.popen.pid)
        time.sleep(WATCHED_S)
        cpu = cpu_s(worker.popen.pid) - cpu_before
        after = asked_redis(own_servers)
        sessions = asked_postgres(fresh_postgres_url, since)
        assert worker.runs, worker.err

    assert sessions <= 1, "it says how far the database came, twice a minute at most"
    assert (after - before - OUR_OWN) / WATCHED_S <= 1
    assert cpu / WATCHED_S < 0.05
