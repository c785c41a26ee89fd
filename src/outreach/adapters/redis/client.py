"""Opens a client by URL, with the settings that survive a server's restart."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import redis
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from outreach.domain.errors import Misconfigured, Unavailable

__all__ = ["TIMEOUT", "check", "connect"]

TIMEOUT: Final = timedelta(seconds=2)
"""How long a call, or making a connection, may take."""
RETRIES: Final = 100  # up to 1 s apart: a restart, a failover
_UNREADABLE: Final = (
    "the Redis URL cannot be read: it must look like "
    "redis://user:password@host:6379/0, rediss://... or unix:///path/to/socket"
    ", with %-escapes in user and password"
)


def connect(url: str, *, timeout: timedelta = TIMEOUT) -> Redis:
    """Make a client of ``redis://``, ``rediss://`` or ``unix://``; opens nothing yet.

    Its commands are tried again for over a minute while the server is away. Whoever
    calls this closes it.

    Raises:
        Misconfigured: the URL cannot be read. The message does not repeat it.
    """
    seconds = timeout.total_seconds()
    retry = Retry(ExponentialBackoff(cap=1, base=0.05), RETRIES)
    retry.update_supported_errors([OSError])  # beside connection errors, time-outs
    try:
        client: Redis = Redis.from_url(
            url,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=retry,
            retry_on_error=[OSError],
            retry_on_timeout=True,
        )
    except ValueError:  # its words may hold a part of the password
        raise Misconfigured(_UNREADABLE) from None
    return client


def check(url: str, *, timeout: timedelta = TIMEOUT) -> None:
    """Ask once, before anything is started.

    Raises:
        Unavailable: the server does not answer; names the way out.
        Misconfigured: the URL cannot be read.
    """
    seconds = timeout.total_seconds()
    try:
        client = redis.Redis.from_url(
            url, socket_timeout=seconds, socket_connect_timeout=seconds
        )
        with client:
            client.ping()
    except ValueError:
        raise Misconfigured(_UNREADABLE) from None
    except (redis.RedisError, OSError) as error:
        msg = (
            "Redis does not answer at OUTREACH_REDIS_URL "
            f"({type(error).__name__}): start it, or correct the URL"
        )
        raise Unavailable(msg) from error
