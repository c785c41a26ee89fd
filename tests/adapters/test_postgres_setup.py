"""Tenants, partitions made ahead, kept secrets, epochs, and a scaled run's clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

import psycopg
import pytest
from tests.adapters.postgres_load import as_admin
from tests.contract.postgres_world import TENANT, empty, world_over

from outreach.adapters.postgres.clock import PostgresClock
from outreach.adapters.postgres.intents import PostgresIntents
from outreach.adapters.postgres.pool import Database
from outreach.adapters.postgres.secrets import KeptSecrets
from outreach.adapters.postgres.setup import (
    default_partition_used,
    ensure_partitions,
    tenant,
)
from outreach.domain.errors import AnswerLost, Misconfigured, Unavailable
from outreach.testing.invented import START, arrival
from outreach.testing.world import HOUR, World


@pytest.fixture
async def database(fresh_postgres_url: str) -> AsyncIterator[Database]:
    empty(fresh_postgres_url)
    database = Database(fresh_postgres_url, size=4)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def world(database: Database) -> World:
    return world_over(database)


# --- tenants


async def test_a_tenant_is_made_once_and_kept_current(database: Database) -> None:
    first, *others = await asyncio.gather(
        *(
            tenant(
                database,
                "agri",
                time_zone="Europe/Bucharest",
                country="RO",
                language=language,
                ids=uuid4,
            )
            for language in ("ro", "ro", "en")
        )
    )

    rows = await database.rows("SELECT id, country FROM tenants WHERE name = 'agri'")
    assert set(others) == {first}
    assert rows == [{"id": first, "country": "RO"}]


# --- partitions


async def test_partitions_are_made_ahead_of_engine_time_and_only_once(
    database: Database, fresh_postgres_url: str
) -> None:
    first = await ensure_partitions(database, 2)
    again = await ensure_partitions(database, 2)
    await database.rows("UPDATE engine_clock SET position = %s", (START + HOUR * 800,))
    later = await ensure_partitions(database, 2)

    with as_admin(fresh_postgres_url) as admin:
        rows = admin.execute(
            """
            SELECT relname, relrowsecurity AND relforcerowsecurity, pg_get_userbyid(
                     relowner) FROM pg_class WHERE relispartition AND relkind = 'r'
               AND relname ~ '_2026' ORDER BY relname
            """
        ).fetchall()
    assert (first, again, later) == (6, 0, 2)
    assert [name for name, _, _ in rows] == [
        f"{table}_2026{month:02d}"
        for table in ("gold_communication_log", "raw_events")
        for month in (3, 4, 5, 6)
    ]
    assert {(secured, owner) for _, secured, owner in rows} == {
        (True, "outreach_owner")
    }


async def test_rows_go_to_their_month_and_a_default_that_is_used_is_told(
    world: World, database: Database, fresh_postgres_url: str
) -> None:
    await ensure_partitions(database, 0)
    await world.phone_with(2)
    await world.inbox.put(arrival("in March"))
    await world.quiet()
    used = [await default_partition_used(database)]
    await database.rows("UPDATE engine_clock SET position = %s", (START + HOUR * 900,))
    await world.inbox.put(arrival("in April"))
    used.append(await default_partition_used(database))

    made = await ensure_partitions(database, 1)

    with as_admin(fresh_postgres_url) as admin:
        rows = admin.execute(
            "SELECT tableoid::regclass::text FROM raw_events ORDER BY 1"
        )
        tables = [name for (name,) in rows.fetchall()]
    assert tables == ["raw_events_202603", "raw_events_default"]
    assert used == [False, True]
    assert made == 3  # April of raw events stays where its first row lies
    assert await world.inbox.put(arrival("still in April"))


async def test_partitions_are_made_within_bounds(database: Database) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="at most 24"):
        await ensure_partitions(database, 25)
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        await database.rows("SELECT ensure_partitions('infinity', 1)")


async def test_nobody_s_temporary_table_stands_in_for_ours(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("CREATE TEMPORARY TABLE raw_events_202603 (id int)")
        made = await connection.execute("SELECT ensure_partitions(engine_now(), 0)")
        rows = await made.fetchall()

    assert rows == [(2,)]


# --- secrets


async def test_a_secret_is_drawn_once_and_is_not_stored_in_plain(
    database: Database, fresh_postgres_url: str
) -> None:
    drawn = count(1)
    kept = KeptSecrets(database, ["a key"])

    made = await asyncio.gather(
        *(kept.make("webhook", lambda: f"token-{next(drawn)}") for _ in range(4))
    )

    with as_admin(fresh_postgres_url) as admin:
        (sealed,) = admin.execute("SELECT sealed FROM kept_secrets").fetchall()
    assert len(set(made)) == 1
    assert await kept.get("webhook") == made[0]
    assert await kept.get("other") is None
    assert made[0].encode() not in bytes(sealed[0])
    assert "a key" not in repr(kept)


async def test_keys_are_rotated_newest_first(database: Database) -> None:
    await KeptSecrets(database, ["old"]).make("webhook", lambda: "token")

    both = KeptSecrets(database, ["new", "old"])
    before = await both.get("webhook")
    resealed = await both.reseal()
    after = await KeptSecrets(database, ["new"]).get("webhook")

    assert (before, resealed, after) == ("token", 1, "token")


async def test_a_secret_under_a_lost_key_names_the_way_out(database: Database) -> None:
    await KeptSecrets(database, ["old"]).make("webhook", lambda: "token")
    lost = KeptSecrets(database, ["new"])

    with pytest.raises(Misconfigured, match="OUTREACH_SECRET_KEYS"):
        await lost.get("webhook")
    with pytest.raises(Misconfigured, match="OUTREACH_SECRET_KEYS"):
        KeptSecrets(database, [])


# --- the ledger's epoch


async def test_another_guard_store_begins_a_new_epoch_once(database: Database) -> None:
    intents = PostgresIntents(database)

    first = await intents.epoch("store-1")
    same = await asyncio.gather(*(intents.epoch("store-1") for _ in range(4)))
    emptied = await asyncio.gather(*(intents.epoch("store-2") for _ in range(4)))

    assert same == [first] * 4
    assert emptied == [first + 1] * 4


# --- time


async def test_a_scaled_run_goes_on_from_where_it_was(database: Database) -> None:
    clock = PostgresClock(database)
    begin = datetime(2026, 5, 4, 6, tzinfo=UTC)
    await database.rows("UPDATE engine_clock SET position = NULL")

    real = await clock.position()
    first = await clock.scale(speed=1_000, begin=begin)
    await asyncio.sleep(0.02)
    due = await clock.tick(timedelta(seconds=1), timedelta(), None)
    again = await clock.scale(speed=10, begin=begin)

    assert real is None
    assert first == begin
    assert not due
    assert again - begin >= timedelta(seconds=15)


async def test_a_scaled_run_does_not_pass_work_that_is_undone(
    world: World, database: Database
) -> None:
    clock = PostgresClock(database)
    await world.phone_with()
    await world.quiet()
    await clock.scale(speed=1_000_000, begin=START)

    ticks = [await clock.tick(timedelta(seconds=1), HOUR, None)]
    claim = await world.claim()
    await asyncio.sleep(0.02)
    ticks.append(await clock.tick(timedelta(seconds=1), HOUR, None))
    await world.arm(claim)
    await asyncio.sleep(0.02)
    ticks.append(await clock.tick(timedelta(seconds=1), HOUR, None))

    assert ticks == [True] * 3
    assert await clock.position() == START


async def test_time_moves_to_the_next_thing_that_is_due_and_no_further(
    world: World, database: Database
) -> None:
    clock = PostgresClock(database)
    (phone,) = await world.phones()
    await world.line(phone, within=HOUR)
    await world.quiet()
    await clock.scale(speed=1_000_000, begin=START)
    await asyncio.sleep(0.02)

    due = await clock.tick(timedelta(seconds=1), timedelta(seconds=5), None)

    assert due
    assert await clock.position() == START + HOUR


async def test_a_stride_and_an_end_bound_what_one_tick_takes(
    database: Database,
) -> None:
    clock = PostgresClock(database)
    await clock.scale(speed=100, begin=START)
    await asyncio.sleep(0.05)

    await clock.tick(timedelta(milliseconds=10), timedelta(), None)
    strode = await clock.position()
    await asyncio.sleep(0.05)
    end = START + timedelta(seconds=2)
    await clock.tick(timedelta(seconds=9), timedelta(), end)

    assert strode == START + timedelta(seconds=1)
    assert await clock.position() == end


# --- errors in our words


async def test_a_server_that_goes_away_in_a_statement_loses_the_answer(
    database: Database, fresh_postgres_url: str
) -> None:
    async def kill() -> None:
        await asyncio.sleep(0.1)
        with as_admin(fresh_postgres_url) as admin:
            admin.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE query LIKE '%pg_sleep(9)%' AND pid <> pg_backend_pid()
                   AND datname = current_database()
                """
            )

    killing = asyncio.create_task(kill())
    with pytest.raises(AnswerLost):
        await database.rows("SELECT pg_sleep(9)", tenant=TENANT)
    await killing

    assert await database.value("SELECT 1") == 1


async def test_a_lock_that_is_not_given_is_unavailable(
    database: Database, fresh_postgres_url: str
) -> None:
    await database.rows("SET lock_timeout = '50 ms'")
    with as_admin(fresh_postgres_url) as admin, admin.transaction():
        admin.execute("LOCK TABLE tenants IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(Unavailable):
            await database.rows("SELECT * FROM tenants")


async def test_a_closed_pool_is_unavailable(database: Database) -> None:
    await database.close()

    with pytest.raises(Unavailable):
        await database.rows("SELECT 1")


async def test_a_wrong_url_says_what_to_do_and_no_password() -> None:
    database = Database("postgresql://someone:secret@127.0.0.1:1/nothing", size=1)

    assert "secret" not in repr(database)
    with pytest.raises(Unavailable, match="OUTREACH_DATABASE_URL"):
        await database.open()
