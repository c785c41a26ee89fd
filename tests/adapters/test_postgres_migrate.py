"""Migrations: again, at the same time, cut off, elsewhere, and without rights."""

from __future__ import annotations

import subprocess
import sys
import time
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql
from tests.servers import NewDatabase, url_of

from outreach.adapters.postgres import migrate as migrations
from outreach.adapters.postgres.migrate import check, migrate, pending
from outreach.adapters.postgres.pool import Database
from outreach.domain.errors import Misconfigured, NotMigrated, Unavailable

MIGRATE = """
import sys
from outreach.adapters.postgres.migrate import migrate
print(migrate(sys.argv[1]))
"""


def start_migrator(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MIGRATE, url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def noted(url: str) -> int:
    """How many migrations are noted as applied by now, the functions as one."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT to_regclass('outreach._yoyo_migration')"
        ).fetchone()
        if found is None or found[0] is None:
            return 0
        row = connection.execute(
            "SELECT count(*) FROM outreach._yoyo_migration"
        ).fetchone()
        made = connection.execute(
            "SELECT to_regclass('outreach.function_set') IS NOT NULL"
        ).fetchone()
        has_functions = made == (True,) and connection.execute(
            "SELECT EXISTS (SELECT FROM outreach.function_set)"
        ).fetchone() == (True,)
    return (0 if row is None else row[0]) + has_functions


def test_migrating_again_does_nothing(empty_postgres_url: str) -> None:
    before = pending(empty_postgres_url)

    first = migrate(empty_postgres_url)
    again = migrate(empty_postgres_url)

    assert (first, again) == (before, 0)
    assert pending(empty_postgres_url) == 0
    check(empty_postgres_url)


def test_two_processes_at_the_same_time_apply_each_migration_once(
    empty_postgres_url: str,
) -> None:
    both = [start_migrator(empty_postgres_url) for _ in range(2)]

    ended = [one.communicate(timeout=60) for one in both]

    assert [one.returncode for one in both] == [0, 0], ended
    assert sorted(int(out) for out, _ in ended) == [0, noted(empty_postgres_url)]


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_killed_migrator_does_not_block_the_next(
    empty_postgres_url: str, after: int
) -> None:
    wanted = pending(empty_postgres_url)
    victim = start_migrator(empty_postgres_url)
    deadline = time.monotonic() + 60
    while noted(empty_postgres_url) < after and time.monotonic() < deadline:
        time.sleep(0.005)
    if after == 0:
        time.sleep(0.4)  # somewhere between its start and its first commit
    victim.kill()
    victim.communicate(timeout=60)
    left = wanted - noted(empty_postgres_url)

    done = migrate(empty_postgres_url)

    # What its server process still committed after we counted is not ours.
    assert 0 < done <= left or left == 0
    assert pending(empty_postgres_url) == 0


def test_a_lock_of_the_library_that_a_killed_migrator_left_is_in_nobodys_way(
    empty_postgres_url: str, postgres_url: str
) -> None:
    assert postgres_url  # the roles are there
    with psycopg.connect(empty_postgres_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA outreach AUTHORIZATION outreach_owner")
        connection.execute("SET ROLE outreach_owner")
        connection.execute(
            """
            CREATE TABLE outreach.yoyo_lock
              (locked int DEFAULT 1, ctime timestamp, pid int NOT NULL,
               PRIMARY KEY (locked))
            """
        )
        connection.execute("INSERT INTO outreach.yoyo_lock VALUES (1, now(), 4711)")
    wanted = pending(empty_postgres_url)

    done = migrate(empty_postgres_url)

    assert done == wanted
    assert pending(empty_postgres_url) == 0


def test_functions_that_changed_are_replaced_and_what_was_dropped_is_gone(
    fresh_postgres_url: str,
) -> None:
    migrate(fresh_postgres_url)
    with psycopg.connect(fresh_postgres_url, autocommit=True) as connection:
        connection.execute("SET search_path = outreach")
        connection.execute("UPDATE function_set SET digest = 'an older one'")
        connection.execute("CREATE FUNCTION of_old() RETURNS int RETURN 1")
        connection.execute("DROP FUNCTION engine_now()")

    with pytest.raises(NotMigrated, match="run outreach migrate"):
        check(fresh_postgres_url)
    done = migrate(fresh_postgres_url)

    assert done == 1
    check(fresh_postgres_url)
    with psycopg.connect(fresh_postgres_url, autocommit=True) as connection:
        found = connection.execute(
            """
            SELECT proname FROM pg_proc WHERE pronamespace = 'outreach'::regnamespace
               AND proname IN ('of_old', 'engine_now', 'current_tenant')
             ORDER BY proname
            """
        ).fetchall()
    assert found == [("current_tenant",), ("engine_now",)]


async def test_another_schema_holds_an_installation_of_its_own(
    fresh_postgres_url: str,
) -> None:
    made = migrate(fresh_postgres_url, schema="other house")

    database = Database(fresh_postgres_url, schema="other house", size=1)
    await database.open()
    found = await database.value("SELECT 'tenants'::regclass::text")
    now = await database.value("SELECT engine_now() IS NOT NULL")
    await database.close()
    assert made == noted(fresh_postgres_url)
    assert (found, now) == ("tenants", True)


def test_an_old_server_is_refused_with_the_way_out(
    empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "OLDEST", 99)

    with pytest.raises(Misconfigured, match=r"PostgreSQL \d+ is too old: use 99"):
        migrate(empty_postgres_url)

    assert noted(empty_postgres_url) == 0


def test_a_database_that_was_not_migrated_says_what_to_do(
    empty_postgres_url: str,
) -> None:
    with pytest.raises(NotMigrated, match="run outreach migrate"):
        check(empty_postgres_url)


def test_a_server_that_does_not_answer_is_unavailable_and_no_password_is_shown() -> (
    None
):
    url = "postgresql://someone:secret@127.0.0.1:1/nothing"

    with pytest.raises(Unavailable) as caught:
        migrate(url)

    assert "OUTREACH_DATABASE_URL" in str(caught.value)
    assert "secret" not in str(caught.value)


def as_user(url: str, name: str) -> str:
    """The URL of another user without a password, as far as the server trusts."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{name}:none@{host}"))


@pytest.fixture
def plain_user(
    new_database: NewDatabase, postgres_server_url: str
) -> tuple[str, str, str]:
    """Name of a user who may do little, the URL of its database, and the admin's."""
    admin_url = new_database("template0")
    database = urlsplit(admin_url).path.lstrip("/")
    name = f"plain_{database[-12:]}"
    with psycopg.connect(postgres_server_url, autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'none'").format(sql.Identifier(name))
        )
        admin.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
                sql.Identifier(database), sql.Identifier(name)
            )
        )
    return name, url_of(as_user(postgres_server_url, name), database), admin_url


def test_a_user_without_rights_is_told_which_are_missing(
    plain_user: tuple[str, str, str], postgres_url: str
) -> None:
    assert postgres_url  # the roles are there

    with pytest.raises(Misconfigured, match="CREATEROLE"):
        migrate(plain_user[1])


async def test_an_owner_who_is_no_superuser_migrates_and_works(
    plain_user: tuple[str, str, str], postgres_url: str
) -> None:
    assert postgres_url  # the roles are there
    name, url, admin_url = plain_user
    with psycopg.connect(admin_url, autocommit=True) as admin:
        for role in migrations.ROLES:
            admin.execute(
                sql.SQL("GRANT {} TO {} WITH ADMIN OPTION").format(
                    sql.Identifier(role), sql.Identifier(name)
                )
            )

    made = migrate(url)

    database = Database(url, size=1)
    await database.open()
    who = await database.value("SELECT current_user::text")
    await database.close()
    assert made == noted(url)
    assert who == "outreach_worker"
