"""The fixtures that give tests their servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import redis

if TYPE_CHECKING:
    from tests.servers import NewDatabase


def test_a_database_of_ones_own_sees_nothing_of_another(
    fresh_postgres_url: str, new_database: NewDatabase, migrated_template: str
) -> None:
    with psycopg.connect(fresh_postgres_url) as connection:
        connection.execute("CREATE TABLE public.mine ()")

    other = new_database(migrated_template)

    with psycopg.connect(other) as connection:
        row = connection.execute("SELECT to_regclass('public.mine')").fetchone()
    assert other != fresh_postgres_url
    assert row == (None,)


def test_the_shared_database_is_one_for_the_whole_process(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT current_database()").fetchone()

    assert row is not None
    assert postgres_url.partition("?")[0].endswith(f"/{row[0]}")


def test_the_emptied_server_is_empty(redis_url: str, empty_redis_url: str) -> None:
    with redis.Redis.from_url(empty_redis_url) as client:
        keys = client.dbsize()

    assert redis_url == empty_redis_url
    assert keys == 0
