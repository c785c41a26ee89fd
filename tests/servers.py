"""Real servers for the tests, as fixtures: PostgreSQL and Valkey of our own.

Each pytest process (each worker of pytest-xdist) starts a pair when a test first asks,
so that FLUSHALL or a server setting in one worker disturbs no other. They end with the
process, however it ends. OUTREACH_TEST_DATABASE_URL (of a user who may create
databases and roles) and OUTREACH_TEST_REDIS_URL name other servers to use.
"""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
import redis
from psycopg import sql

from outreach.entrypoints.embedded import Servers, discard, start

__all__ = [
    "NewDatabase",
    "data_dir",
    "empty_postgres_url",
    "empty_redis_url",
    "fresh_postgres_url",
    "migrated_template",
    "new_database",
    "own_servers",
    "postgres_server_url",
    "postgres_url",
    "redis_url",
]

SCHEMA = "outreach"
NewDatabase = Callable[[str], str]


@contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder that the servers' account can enter (pytest's is closed)."""
    parent = Path(tempfile.mkdtemp(prefix="outreach-tests-", dir="/tmp"))
    parent.chmod(0o711)
    try:
        yield parent
    finally:
        shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder of one test's own: not made yet, emptied and stopped after."""
    with open_folder() as parent:
        yield parent / "data"
        discard(parent / "data")


@pytest.fixture(scope="session")
def own_servers() -> Iterator[Servers]:
    """This process's own pair, of throw-away data."""
    with open_folder() as folder, start(folder / "data", durable=False) as servers:
        yield servers


@pytest.fixture(scope="session")
def postgres_server_url(request: pytest.FixtureRequest) -> str:
    """A superuser's URL of the server's own database; create yours beside it."""
    given = os.environ.get("OUTREACH_TEST_DATABASE_URL")
    if given:
        return given
    servers: Servers = request.getfixturevalue("own_servers")
    return servers.postgres_url


@pytest.fixture(scope="session")
def new_database(postgres_server_url: str) -> Iterator[NewDatabase]:
    """Makes a database from a template, answers its URL; it goes with its server.

    On a server that was named to us it is dropped in the end.
    """
    made: list[str] = []

    def make(template: str) -> str:
        made.append(f"outreach_test_{uuid4().hex}")
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        run(postgres_server_url, create, made[-1], template)
        return url_of(postgres_server_url, made[-1])

    yield make
    if not os.environ.get("OUTREACH_TEST_DATABASE_URL"):
        return  # hundreds of drops take a minute, and the folder is removed as it is
    for name in reversed(made):
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
        run(postgres_server_url, drop, name)


@pytest.fixture(scope="session")
def migrated_template(new_database: NewDatabase) -> str:
    """The name of a migrated database that nobody is connected to."""
    url = new_database("template0")
    # late, so that a test without a database does not load the migrations' library
    migration = importlib.import_module("outreach.adapters.postgres.migrate")
    migration.migrate(url, schema=SCHEMA)
    return urlsplit(url).path.lstrip("/")


@pytest.fixture(scope="session")
def postgres_url(new_database: NewDatabase, migrated_template: str) -> str:
    """A migrated database that all tests of this process share."""
    return new_database(migrated_template)


@pytest.fixture
def fresh_postgres_url(new_database: NewDatabase, migrated_template: str) -> str:
    """A migrated database for one test alone (about 50 ms)."""
    return new_database(migrated_template)


@pytest.fixture
def empty_postgres_url(new_database: NewDatabase) -> str:
    """A database for one test alone, not migrated."""
    return new_database("template0")


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> str:
    """A server that all tests of this process share; no other process uses it."""
    given = os.environ.get("OUTREACH_TEST_REDIS_URL")
    if not given:
        servers: Servers = request.getfixturevalue("own_servers")
        return servers.redis_url
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return urlunsplit(urlsplit(given)._replace(path=f"/{worker}"))


@pytest.fixture
def empty_redis_url(redis_url: str) -> str:
    """The shared server, emptied before the test."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    return redis_url


def url_of(server_url: str, database: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{database}"))


def run(server_url: str, statement: sql.SQL, *names: str) -> None:
    """Run one statement outside a transaction, as CREATE DATABASE wants it."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement.format(*map(sql.Identifier, names)))
