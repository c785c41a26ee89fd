"""What `doctor` looks at in PostgreSQL and Redis; it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
import redis

from outreach.adapters.postgres import migrate
from outreach.domain.errors import OutreachError
from outreach.entrypoints.cli.finding import Finding, Level

__all__ = ["of_postgres", "of_redis"]

_OLDEST_REDIS: Final = (6, 2)
_NEWEST_POSTGRES: Final = 18
_VERSION_SCALE: Final = 10_000
_CLOCK_WARN: Final = timedelta(seconds=2)
_CLOCK_FAIL: Final = timedelta(seconds=5)
_PATIENCE_S: Final = 3


def of_postgres(url: str, schema: str) -> Iterator[Finding]:
    """Whether it answers, its version, tables and roles, and its clock."""
    try:
        with psycopg.connect(
            url, autocommit=True, connect_timeout=_PATIENCE_S
        ) as connection:
            yield _version(connection.info.server_version)
            yield from _roles(connection, schema)
            yield _clock(connection)
        yield _migrated(url, schema)
    except psycopg.Error as error:
        yield Finding(
            "postgresql",
            Level.FAIL,
            f"does not answer ({type(error).__name__})",
            "start it, or correct OUTREACH_DATABASE_URL",
        )
    except OutreachError as error:
        yield Finding("postgresql", Level.FAIL, str(error), "see the message")


def _version(number: int) -> Finding:
    major = number // _VERSION_SCALE
    if major < migrate.OLDEST:
        return Finding(
            "postgresql",
            Level.FAIL,
            f"version {major} is too old",
            f"use {migrate.OLDEST} to {_NEWEST_POSTGRES}",
        )
    if major > _NEWEST_POSTGRES:
        says = f"version {major}, tried with {_NEWEST_POSTGRES} at most"
        return Finding("postgresql", Level.WARN, says)
    return Finding("postgresql", Level.OK, f"version {major}")


def _roles(connection: psycopg.Connection[Any], schema: str) -> Iterator[Finding]:
    """Whether the roles in force could get around row security."""
    rows = connection.execute(
        """
        SELECT r.rolname, r.rolsuper OR r.rolbypassrls,
               EXISTS (SELECT 1 FROM pg_class c
                        WHERE c.relnamespace = to_regnamespace(%s)
                          AND c.relowner = r.oid),
               pg_has_role(current_user, r.oid, 'MEMBER')
          FROM pg_roles r WHERE r.rolname = ANY (%s) ORDER BY r.rolname
        """,
        (schema, [role for role in migrate.ROLES if not role.endswith("owner")]),
    ).fetchall()
    for name, mighty, owns, ours in rows:
        check = f"role {name}"
        if mighty:
            way = f"ALTER ROLE {name} NOSUPERUSER NOBYPASSRLS"
            yield Finding(check, Level.FAIL, "gets around row security", way)
        elif owns:
            way = f"REASSIGN OWNED BY {name} TO {migrate.ROLES[0]}"
            yield Finding(check, Level.FAIL, "owns tables", way)
        elif not ours:
            yield Finding(
                check,
                Level.FAIL,
                "the user of OUTREACH_DATABASE_URL may not become it",
                f"GRANT {name} TO that user",
            )
        else:
            yield Finding(check, Level.OK, "no superuser, owns nothing")


def _clock(connection: psycopg.Connection[Any]) -> Finding:
    before = datetime.now(UTC)
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    after = datetime.now(UTC)
    theirs: datetime = before if row is None else row[0]
    off = max(timedelta(), theirs - after, before - theirs)
    level = Level.OK if off <= _CLOCK_WARN else Level.WARN
    level = Level.FAIL if off > _CLOCK_FAIL else level
    return Finding(
        "clock",
        level,
        f"{off.total_seconds():.1f} s off the database's",
        "" if level is Level.OK else "have both set by NTP",
    )


def _migrated(url: str, schema: str) -> Finding:
    missing = migrate.pending(url, schema=schema)
    if missing:
        says = f"{missing} are missing in schema {schema}"
        return Finding("migrations", Level.FAIL, says, "outreach migrate")
    return Finding("migrations", Level.OK, f"schema {schema} is up to date")


def of_redis(url: str, *, ours: bool) -> Iterator[Finding]:
    """Whether it answers, its version, and what it may forget.

    Args:
        url: where.
        ours: an embedded server, whose configuration is not the user's business.
    """
    try:
        with redis.Redis.from_url(
            url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S
        ) as client:
            info: dict[str, Any] = client.info()
    except (redis.RedisError, OSError, ValueError) as error:
        yield Finding(
            "redis",
            Level.FAIL,
            f"does not answer ({type(error).__name__})",
            "start it, or correct OUTREACH_REDIS_URL",
        )
        return
    name = info.get("server_name", "redis")
    version = str(info.get(f"{name}_version", info["redis_version"]))
    old = tuple(map(int, str(info["redis_version"]).split(".")[:2])) < _OLDEST_REDIS
    yield Finding(
        "redis",
        Level.FAIL if old else Level.OK,
        f"{name} {version}",
        "use Redis 6.2 to 8, or Valkey" if old else "",
    )
    if ours:
        return
    policy = str(info.get("maxmemory_policy", ""))
    may_evict = int(info.get("maxmemory", 0)) > 0 and policy != "noeviction"
    yield Finding(
        "redis memory",
        Level.WARN if may_evict else Level.OK,
        f"eviction {policy}" if may_evict else "nothing is evicted",
        "set maxmemory-policy noeviction: a guard that forgets is rebuilt over and over"
        if may_evict
        else "",
    )
    kept = bool(info.get("aof_enabled")) or bool(info.get("rdb_saves"))
    yield Finding(
        "redis persistence",
        Level.OK,
        "kept over a restart"
        if kept
        else "not kept over a restart, after which the guard is rebuilt",
    )
