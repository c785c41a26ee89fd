"""The engine of one command: stores found or started, opened, and closed again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from outreach.adapters.postgres.migrate import migrate
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.screen import patience
from outreach.entrypoints.embedded import start
from outreach.entrypoints.engine import Engine, Urls, open_engine
from outreach.entrypoints.logs import set_up_logs

__all__ = ["stores", "with_engine"]

_T = TypeVar("_T")


@contextmanager
def stores(given: Given) -> Iterator[Urls]:
    """Where PostgreSQL and Redis are: as set, else our own, started and migrated.

    Raises:
        Misconfigured: a setting is wrong, or our own servers do not start.
    """
    settings = given.settings
    if not settings.embedded:
        yield Urls(settings.database_url.reveal, settings.redis_url.reveal)
        return
    data_dir = given.data_dir
    with patience(f"starting PostgreSQL and Valkey in {data_dir}"):
        servers = start(data_dir / "servers", durable=True)
    try:
        with patience("migrating the database"):
            migrate(servers.postgres_url, schema=settings.database_schema)
        yield Urls(servers.postgres_url, servers.redis_url)
    finally:
        servers.stop()


def with_engine(
    given: Given,
    work: Callable[[Engine], Awaitable[_T]],
    *,
    ask_model: bool = False,
    only_reads: bool = False,
) -> _T:
    """What *work* answers, given an open engine that reaches no provider.

    Args:
        ask_model: whether it may ask the model, if there is one.
        only_reads: PostgreSQL itself refuses every write.

    Raises:
        Misconfigured, NotMigrated, Unavailable: see `open_engine`.
    """
    set_up_logs(level=logging.WARNING, plain=True)
    with stores(given) as urls:
        return asyncio.run(
            _opened(given, urls, work, ask_model=ask_model, only_reads=only_reads)
        )


async def _opened(
    given: Given,
    urls: Urls,
    work: Callable[[Engine], Awaitable[_T]],
    *,
    ask_model: bool,
    only_reads: bool,
) -> _T:
    async with open_engine(
        given.settings, urls, ask_model=ask_model, only_reads=only_reads
    ) as engine:
        return await work(engine)
