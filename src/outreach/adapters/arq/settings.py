"""What arq's worker is told, so that it looks, survives, and prints no password."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, timedelta
from typing import Any, Final

from arq.connections import ArqRedis, RedisSettings
from arq.cron import cron
from arq.worker import func
from redis.asyncio.connection import ConnectionPool, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError

from outreach.adapters.arq.jobs import CRON, LOOK, dump, load, queue_of
from outreach.domain.errors import Misconfigured

__all__ = ["POLL_DELAY", "checked", "patient_pool", "redis_settings", "worker_settings"]

POLL_DELAY: Final = timedelta(seconds=2)
"""How often arq reads its queue at most: half a command a second while idle."""
LOOK_TIMEOUT: Final = timedelta(seconds=10)
ENDING_S: Final = 2
"""After SIGTERM, for looks under way."""
CONNECT_S: Final = 2
RETRIES: Final = 100  # up to 1 s apart: a restart, a failover


class _Pool(ArqRedis):
    """arq's worker ends its client by a name that redis-py has given up, and before
    that wipes out its sign of life, which a server that is gone must not hold up.
    """

    async def close(self, close_connection_pool: Any = None) -> None:
        await self.aclose(close_connection_pool)

    async def delete(self, *names: Any) -> int:
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(ENDING_S):
                count: int = await super().delete(*names)
                return count
        return 0


class _Settings(RedisSettings):
    """arq's own prints the password, here and wherever it is logged."""

    def __repr__(self) -> str:
        place = self.unix_socket_path or f"{self.host}:{self.port}"
        return f"RedisSettings({place}, database={self.database})"


def redis_settings(url: str) -> RedisSettings:
    """Where arq's queue is, from the URL that all of us use.

    Its commands are tried again for over a minute while the server is away; with less
    than this, arq's worker ends with the first restart.

    Raises:
        Misconfigured: the URL cannot be read, or asks for what arq cannot be told.
    """
    parts = parse_url(checked(url))
    known = {"host", "port", "path", "db", "username", "password", "connection_class"}
    if unknown := sorted(parts.keys() - known):
        msg = f"the Redis URL has what arq cannot be told: {', '.join(unknown)}"
        raise Misconfigured(msg)
    return _Settings(
        host=parts.get("host", "localhost"),
        port=parts.get("port", 6379),
        unix_socket_path=parts.get("path"),
        database=parts.get("db", 0),
        username=parts.get("username"),
        password=parts.get("password"),
        ssl=parts.get("connection_class") is SSLConnection,
        conn_timeout=CONNECT_S,
        **_patience(),
    )


def patient_pool(url: str) -> ArqRedis:
    """Make the client of a worker, which outlives a restart of the server.

    It has no ``socket_timeout``: redis-py would send through ``asyncio.wait_for``,
    which loses a cancel now and then before Python 3.12, and with it the SIGTERM.

    Raises:
        Misconfigured: the URL cannot be read.
    """
    pool = ConnectionPool.from_url(
        checked(url), socket_connect_timeout=CONNECT_S, **_patience()
    )
    return _Pool(pool, job_serializer=dump, job_deserializer=load)


def worker_settings(
    on_look: Callable[[], Awaitable[None]],
    url: str,
    *,
    group: str = "default",
    handle_signals: bool = True,
    **more: Any,
) -> dict[str, Any]:
    """Keyword arguments for ``arq.worker.Worker``, and names for ``WorkerSettings``.

    ``look`` and a ring of the clock every minute call *on_look*, which returns at once
    (it wakes the process's own runner). Nothing of a job is kept.

    Args:
        group: as the bell's.
        handle_signals: False where arq is not alone in its process.
        more: ``on_startup``, ``on_shutdown`` and the like, as arq names them.

    Raises:
        Misconfigured: the URL cannot be read.
    """

    async def look(*_: object, **__: object) -> None:
        await on_look()

    return {
        "functions": [func(look, name=LOOK, keep_result=0, max_tries=1)],
        "cron_jobs": [cron(look, name=CRON, second=0, keep_result=0, max_tries=1)],
        "redis_pool": patient_pool(url),
        "redis_settings": redis_settings(url),  # for the arq command's --check
        "queue_name": queue_of(group),
        "handle_signals": handle_signals,
        "job_timeout": LOOK_TIMEOUT,
        "job_completion_wait": ENDING_S,
        "keep_result": 0,
        "poll_delay": POLL_DELAY,
        "job_serializer": dump,
        "job_deserializer": load,
        "timezone": UTC,
        "log_results": False,
        **more,
    }


def _patience() -> dict[str, Any]:
    retry = Retry(ExponentialBackoff(cap=1, base=0.05), RETRIES)
    retry.update_supported_errors([OSError])  # beside connection errors, time-outs
    return {"retry": retry, "retry_on_error": [OSError], "retry_on_timeout": True}


def checked(url: str) -> str:
    """The URL, if it can be read.

    Raises:
        Misconfigured: it cannot. The message does not repeat it.
    """
    try:
        parse_url(url)
    except ValueError:  # its words may hold a part of the password
        msg = (
            "the Redis URL cannot be read: it must look like "
            "redis://user:password@host:6379/0, rediss://... or unix:///path/to/socket"
            ", with %-escapes in user and password"
        )
        raise Misconfigured(msg) from None
    return url
