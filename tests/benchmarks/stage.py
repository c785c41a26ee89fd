"""Servers for a bench, and databases on them that start out alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

import redis
from attrs import frozen
from psycopg import sql
from tests.servers import SCHEMA, open_folder, run, url_of

from outreach.adapters.postgres.migrate import migrate
from outreach.entrypoints.embedded import start

__all__ = ["Stage", "open_stage"]

_TEMPLATE: Final = "bench_template"


@frozen
class Stage:
    """PostgreSQL and Valkey of our own that sync nothing to the disk."""

    postgres_url: str
    redis_url: str

    def new_database(self) -> str:
        """The URL of a migrated, empty database."""
        name = f"bench_{uuid4().hex}"
        order = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        run(self.postgres_url, order, name, _TEMPLATE)
        return url_of(self.postgres_url, name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        name = urlsplit(url).path.lstrip("/")
        order = sql.SQL("DROP DATABASE {} WITH (FORCE)")
        run(self.postgres_url, order, name)

    def empty_redis(self) -> None:
        """Forget all grants."""
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushall()


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Start both servers; they end with the block."""
    with open_folder() as folder, start(folder / "data", durable=False) as servers:
        run(servers.postgres_url, sql.SQL("CREATE DATABASE {}"), _TEMPLATE)
        migrate(url_of(servers.postgres_url, _TEMPLATE), schema=SCHEMA)
        yield Stage(servers.postgres_url, servers.redis_url)
