"""Hearing bells in a process of our own, beside whatever else it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import structlog
from arq.worker import Worker
from redis.exceptions import RedisError

from outreach.adapters.arq.hearing import hearing
from outreach.adapters.arq.settings import worker_settings

__all__ = ["listen"]

AGAIN: Final = timedelta(seconds=5)
"""Between the end of arq's worker, which then had waited long, and the next one."""
ENDING: Final = timedelta(seconds=2)

_log = structlog.get_logger("outreach.bell")


async def listen(
    on_look: Callable[[], Awaitable[None]],
    url: str,
    *,
    group: str = "default",
    **more: Any,
) -> None:
    """Run arq's worker until this is cancelled; jobs under way then end.

    It installs no signal handler and never ends by itself: without a server it goes
    on trying, and nothing is lost but the bells.

    Args:
        on_look: as for ``worker_settings``, like all the rest.

    Raises:
        Misconfigured: the URL cannot be read.
    """
    async with hearing(on_look, url, group=group):
        await _serve(on_look, url, group, more)


async def _serve(
    on_look: Callable[[], Awaitable[None]], url: str, group: str, more: dict[str, Any]
) -> None:
    while True:
        settings = worker_settings(on_look, url, group=group, **more)
        worker = Worker(**{**settings, "handle_signals": False})
        running = asyncio.create_task(worker.async_run())
        try:
            await asyncio.wait([running])
        finally:
            await _end(worker, running)
        try:
            running.result()
        except (RedisError, OSError) as error:
            _log.warning("bell.deaf", error=type(error).__name__, group=group)
        await asyncio.sleep(AGAIN.total_seconds())


async def _end(worker: Worker, running: asyncio.Task[None]) -> None:
    """What ``Worker.close`` does, without asking a server that may be gone."""
    jobs = asyncio.gather(*worker.tasks.values(), return_exceptions=True)
    while not running.done():  # a cancel may be lost (asyncio.wait_for before 3.12)
        running.cancel()
        await asyncio.wait([running], timeout=0.1)
    await asyncio.wait([jobs], timeout=ENDING.total_seconds())
    jobs.cancel()
    await asyncio.wait([jobs])
    await worker.pool.aclose(close_connection_pool=True)
