"""A bell that workers on any machine hear."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from arq.connections import ArqRedis
from arq.jobs import SerializationError
from attrs import define, field
from redis.asyncio.connection import ConnectionPool
from redis.exceptions import RedisError

from outreach.adapters.arq.jobs import LOOK, channel_of, dump, load, queue_of
from outreach.adapters.arq.settings import checked

__all__ = ["ArqBell", "connect_bell"]

TIMEOUT: Final = timedelta(seconds=1)
"""How long a ring may keep the one who rings."""

_log = structlog.get_logger("outreach.bell")


@define(eq=False)
class ArqBell:
    """Implements :class:`outreach.ports.bell.Bell`.

    Rings meet in the whole second that follows their time, under one id, and the job
    runs when that second has come: whatever was done before a ring is seen by its
    look. One worker of the group looks; it may be up to a second and a poll late. A
    ring for now is also published: every worker that listens hears it at once.

    Args:
        pool: of ``connect_bell``; its owner closes it.
        group: which workers; the name of the deployment.
        now: machine time, seconds since 1970.
    """

    _pool: ArqRedis
    _group: str = field(default="default", kw_only=True)
    _now: Callable[[], float] = field(default=time.time, kw_only=True)
    _timeout: timedelta = field(default=TIMEOUT, kw_only=True)

    async def ring(self, after: timedelta = timedelta()) -> None:
        """Have a worker look *after* this much machine time, rounded up."""
        wait = max(after, timedelta())
        second = math.floor(self._now() + wait.total_seconds()) + 1
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                await self._pool.enqueue_job(
                    LOOK,
                    _job_id=f"{LOOK}:{self._group}:{second}",
                    _queue_name=queue_of(self._group),
                    _defer_until=datetime.fromtimestamp(second, UTC),
                )
                if not wait:
                    await self._pool.publish(channel_of(self._group), b"")
        except (RedisError, OSError, SerializationError) as error:
            # best effort: workers wake by themselves; the text may name hosts or users
            _log.warning("bell.silent", error=type(error).__name__, group=self._group)


def connect_bell(url: str) -> ArqRedis:
    """Make the client a bell rings through; opens nothing yet, and tries once.

    Raises:
        Misconfigured: the URL cannot be read.
    """
    pool = ConnectionPool.from_url(checked(url))  # the bell's time-out covers it all
    client = ArqRedis(pool, job_serializer=dump, job_deserializer=load)
    client.auto_close_connection_pool = True
    return client
