"""Brings a database to the tables this version needs.

Roles are made first (they are global to a server: another run may be making them
too), then the schema, then plain SQL files in order, then the functions, under an
advisory lock on a connection of our own: a killed migrator loses its connection and
with it the lock.
"""

from __future__ import annotations

import re
from contextlib import nullcontext, suppress
from importlib import import_module, resources
from importlib.resources.abc import Traversable
from typing import Any, Final
from urllib.parse import quote

import psycopg
from psycopg import sql

from outreach.adapters.postgres import functions
from outreach.domain.errors import Misconfigured, NotMigrated, Unavailable

__all__ = ["OLDEST", "ROLES", "check", "migrate", "pending"]

ROLES: Final = ("outreach_owner", "outreach_worker", "outreach_web")
OLDEST: Final = 15
"""Oldest PostgreSQL that is supported."""

_LOCK: Final = 7_610_021
_VERSION_SCALE: Final = 10_000


def migrate(url: str, *, schema: str = "outreach") -> int:
    """Apply what is missing; answers how many migrations that were.

    The functions, which are replaced as a whole if one has changed, count as one.

    Raises:
        Unavailable: the server does not answer.
        Misconfigured: it is too old, or the user may not make roles or the schema.
    """
    with _connect(url) as connection:
        _old_enough(connection)
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        try:
            _prepare(connection, schema)
            done = _apply(url, schema)
            return done + functions.replace(connection, schema, ROLES[0])
        except psycopg.errors.InsufficientPrivilege as error:
            message = (
                f"the database user may not migrate ({error.diag.message_primary}): "
                "run outreach migrate as a user with CREATEROLE who owns the database"
            )
            raise Misconfigured(message) from error


def pending(url: str, *, schema: str = "outreach") -> int:
    """How many migrations are missing; all of them if there is no schema.

    Functions of another version count as one.
    """
    files = {file.name.removesuffix(".sql") for file in _files()}
    with _connect(url) as connection:
        _old_enough(connection)
        table = sql.Identifier(schema, "_yoyo_migration")
        try:
            rows = connection.execute(
                sql.SQL("SELECT migration_id FROM {}").format(table),
            ).fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return len(files) + 1
        except psycopg.errors.InsufficientPrivilege:
            return 0
        missing = len(files - {row[0] for row in rows})
        return missing + (missing > 0 or functions.stale(connection, schema))


def check(url: str, *, schema: str = "outreach") -> None:
    """Raises NotMigrated, naming the way out, unless the database is up to date."""
    missing = pending(url, schema=schema)
    if missing:
        message = (
            f"the database lacks {missing} migration(s) in schema {schema!r}: "
            "run outreach migrate"
        )
        raise NotMigrated(message)


def _connect(url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        message = (
            "PostgreSQL does not answer at OUTREACH_DATABASE_URL "
            f"({_first_line(error)}): start it, or correct the URL"
        )
        raise Unavailable(message) from error


def _first_line(error: Exception) -> str:
    return re.sub(r"password=\S+", "password=***", str(error).splitlines()[0])


def _old_enough(connection: psycopg.Connection) -> None:
    major = connection.info.server_version // _VERSION_SCALE
    if major < OLDEST:
        message = f"PostgreSQL {major} is too old: use {OLDEST} or newer"
        raise Misconfigured(message)


def _prepare(connection: psycopg.Connection, schema: str) -> None:
    for role in ROLES:
        _make_role(connection, role)
    owner = sql.Identifier(ROLES[0])
    connection.execute(
        sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(
            sql.Identifier(schema), owner
        ),
    )
    connection.execute(
        sql.SQL("GRANT USAGE ON SCHEMA {} TO {}, {}").format(
            sql.Identifier(schema), *map(sql.Identifier, ROLES[1:])
        ),
    )


def _make_role(connection: psycopg.Connection, role: str) -> None:
    """Make a role that is not there, and let this user take it."""
    name = sql.Identifier(role)
    known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,))
    if known.fetchone() is None:
        # Another database of this server may be migrated at this very moment.
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(name))
    row = connection.execute(
        "SELECT pg_has_role(current_user, %s, 'SET')"
        if connection.info.server_version >= 16 * _VERSION_SCALE
        else "SELECT pg_has_role(current_user, %s, 'MEMBER')",
        (role,),
    ).fetchone()
    if row is None or not row[0]:
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(name))


def _apply(url: str, schema: str) -> int:
    path = re.sub(r"([\\ ])", r"\\\1", '"{}"'.format(schema.replace('"', '""')))
    options = quote(f"-c search_path={path} -c role={ROLES[0]}")
    joint = "&" if "?" in url else "?"
    # Late: every worker asks for what is pending, and few processes migrate.
    yoyo = import_module("yoyo")
    backend = yoyo.get_backend(
        re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)
        + f"{joint}options={options}",
    )
    # A row in a table, which a killed migrator would leave behind for ever. Ours, on
    # the other connection, goes with it.
    backend.lock = nullcontext
    try:
        todo = backend.to_apply(yoyo.read_migrations(str(_folder())))
        count = len(todo)
        for migration in todo:
            _apply_one(backend, migration)
    finally:
        backend.connection.close()
    return count


def _apply_one(backend: Any, migration: Any) -> None:
    """Apply a file and note it in one transaction: a kill leaves both or neither.

    The library's own way notes it in a second one.
    """
    migration.load()
    with backend.transaction():
        for step in migration.steps:
            step.apply(backend)
        backend.mark_one(migration, log=False)


def _files() -> list[Traversable]:
    return [file for file in _folder().iterdir() if file.name.endswith(".sql")]


def _folder() -> Traversable:
    return resources.files(__package__) / "migrations"
