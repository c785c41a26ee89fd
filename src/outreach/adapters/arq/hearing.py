"""A bell that all workers hear at once, beside the queue that keeps what was rung.

arq gives each ring to one worker, up to a second and a poll late. That is enough for
work; for `outreach resume` and a reply that a person approved it is not. So a ring for
now is also published, which costs a worker nothing while nobody rings.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from outreach.adapters.arq.jobs import channel_of
from outreach.adapters.arq.settings import CONNECT_S, checked

__all__ = ["hearing"]

BREATH: Final = timedelta(milliseconds=100)
"""Rings that come within it wake a worker once."""
ALIVE_S: Final = 30
AGAIN: Final = timedelta(seconds=2)
"""After the server went away."""

_log = structlog.get_logger("outreach.bell")


@asynccontextmanager
async def hearing(
    on_ring: Callable[[], Awaitable[None]], url: str, *, group: str = "default"
) -> AsyncIterator[None]:
    """Call *on_ring* soon after every ring for now, while this is entered.

    It never fails: without a server it goes on trying, and the queue keeps the ring.

    Args:
        on_ring: returns at once.
        group: as the bell's.

    Raises:
        Misconfigured: the URL cannot be read.
    """
    checked(url)
    ears = asyncio.create_task(_hear(on_ring, url, group), name="hearing")
    try:
        yield
    finally:
        ears.cancel()
        await asyncio.wait([ears])


async def _hear(on_ring: Callable[[], Awaitable[None]], url: str, group: str) -> None:
    while True:
        client = Redis.from_url(
            url, socket_connect_timeout=CONNECT_S, health_check_interval=ALIVE_S
        )
        try:
            async with client, client.pubsub(ignore_subscribe_messages=True) as ears:
                await ears.subscribe(channel_of(group))
                await _pass_on(ears, on_ring)
        except (RedisError, OSError) as error:
            _log.info("bell.away", error=type(error).__name__, group=group)
        await asyncio.sleep(AGAIN.total_seconds())


async def _pass_on(ears: PubSub, on_ring: Callable[[], Awaitable[None]]) -> None:
    while True:
        # Now and then the connection is tried: nobody says when the other end is gone.
        if await ears.get_message(timeout=ALIVE_S) is None:
            continue
        await on_ring()
        await asyncio.sleep(BREATH.total_seconds())
        more = False
        while await ears.get_message(timeout=0.0) is not None:
            more = True
        if more:
            await on_ring()
