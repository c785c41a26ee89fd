"""Two servers that may be killed and come back: PostgreSQL and Valkey of the chaos.

Nothing is synced to the disk, since no power fails here, but a commit that was answered
is in the operating system's hands: killed servers lose what they may lose, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import Signals
from typing import Any, Final
from uuid import uuid4

import psycopg
import redis
from attrs import define, field
from psycopg import sql
from psycopg.rows import dict_row
from tests.faults.chaos.mutants import Mutant, plant_in_sql
from tests.faults.chaos.scale import CLOCK
from tests.servers import SCHEMA, open_folder, url_of

from outreach.adapters.postgres import migrate
from outreach.entrypoints.embedded import Servers, discard, start
from outreach.entrypoints.embedded.postgres import Postgres
from outreach.entrypoints.embedded.redis import Redis

__all__ = ["Stores", "opened_stores", "rows"]

_NOT_SYNCED: Final = ("fsync = off", "full_page_writes = off", "max_connections = 200")
_TEMPLATE: Final = "chaos_template"


@define(eq=False)
class Stores:
    """A pair of servers, found at the same places after each restart."""

    servers: Servers = field(repr=False)
    folder: Path

    @property
    def redis_url(self) -> str:
        return self.servers.redis_url

    def new_database(self, mutant: Mutant | None) -> str:
        """A migrated database with the chaos clock; answers a superuser's URL."""
        name = f"chaos_{uuid4().hex[:12]}"
        with self.connect("postgres") as connection:
            made = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(
                made.format(sql.Identifier(name), sql.Identifier(_TEMPLATE))
            )
        if mutant is not None:
            with self.connect(name) as connection:
                connection.execute("SET ROLE outreach_owner")
                plant_in_sql(connection, mutant)
        return url_of(self.servers.postgres_url, name)

    def drop(self, url: str) -> None:
        with self.connect("postgres") as connection:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            name = url.partition("?")[0].rpartition("/")[2]
            connection.execute(drop.format(sql.Identifier(name)))

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """As the superuser, whom no policy binds."""
        return psycopg.connect(
            url_of(self.servers.postgres_url, database),
            autocommit=True,
            options=f"-c search_path={SCHEMA}",
        )

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.redis_url)

    def restart_postgres(self) -> None:
        """As ``pg_ctl -m immediate`` does: no farewell, then crash recovery."""
        server = Postgres.of(self.servers._folder)
        server.stop(orderly=False)
        self._spawn(server)

    def restart_redis(self) -> None:
        """Killed; what it had not written is gone."""
        server = Redis.of(self.servers._folder)
        server.process.stop((Signals.SIGKILL, 10.0))
        self._spawn(server)

    def _spawn(self, server: Postgres | Redis) -> None:
        state = self.servers._folder.state()
        assert state is not None
        assert state.sockets is not None
        server.spawn(state.sockets, durable=True)
        assert server.await_ready(state.sockets), server.failure()

    def prepare(self) -> None:
        """Settings, and the template all databases are made of."""
        with self.connect("postgres") as connection:
            for setting in _NOT_SYNCED:
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0")
        self.restart_postgres()
        migrate.migrate(url_of(self.servers.postgres_url, _TEMPLATE), schema=SCHEMA)
        with self.connect(_TEMPLATE) as connection:
            connection.execute("SET ROLE outreach_owner")
            connection.execute(CLOCK)


@contextmanager
def opened_stores() -> Iterator[Stores]:
    """A pair of its own, thrown away in the end."""
    with open_folder() as parent:
        folder = parent / "servers"
        try:
            with start(folder, durable=True) as servers:
                stores = Stores(servers, folder)
                stores.prepare()
                yield stores
        finally:
            discard(folder)


def rows(connection: psycopg.Connection[Any], query: str) -> list[dict[str, Any]]:
    """All rows of a query, by name."""
    return connection.cursor(row_factory=dict_row).execute(query.encode()).fetchall()
