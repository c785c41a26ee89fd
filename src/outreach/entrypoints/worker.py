"""``arq outreach.entrypoints.worker.WorkerSettings``: lanes run, arq rings.

arq reads its settings at import, so they are made when they are asked for. The lane
runner is a supervised task of this process, out of reach of arq's time-outs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from datetime import timedelta
from typing import Any, Final

from attrs import define, field

from outreach.adapters.arq import worker_settings
from outreach.adapters.postgres import migrate
from outreach.adapters.redis import client as redis
from outreach.domain.errors import Misconfigured, OutreachError
from outreach.domain.timing import Timing
from outreach.entrypoints.engine import (
    Urls,
    check_redis,
    incarnation,
    open_engine,
)
from outreach.entrypoints.logs import set_up_logs
from outreach.entrypoints.runner import Runner
from outreach.entrypoints.settings import Settings, load

__all__ = ["Lanes", "fence", "make_settings", "unfence"]

_FAILED: Final = 1


def fence(after: timedelta) -> None:
    """Let the kernel kill this process unless it calls again within *after*.

    A worker that was stopped for longer must not run another instruction: its lanes
    belong to others by then. Armed only by the worker process.
    """
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, after.total_seconds())


def unfence() -> None:
    """Take the alarm away."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


@define
class Lanes:
    """The lane runner as a task beside arq."""

    settings: Settings
    _stack: contextlib.AsyncExitStack = field(
        factory=contextlib.AsyncExitStack, init=False
    )
    _runner: Runner | None = field(default=None, init=False)
    _tasks: list[asyncio.Task[None]] = field(factory=list, init=False)

    async def start(self, *_: Any) -> None:
        """Open the engine and start looking.

        Raises:
            SystemExit: with one clear line, when a store is down or a setting wrong.
        """
        try:
            engine = await self._stack.enter_async_context(
                open_engine(self.settings, _urls(self.settings), reach_providers=True)
            )
            await check_redis(engine)
        except OutreachError as error:
            await self._stack.aclose()
            sys.stderr.write(f"outreach: {error}\n")
            sys.stderr.flush()
            # arq would print a traceback of ten screens.
            os._exit(_FAILED)
        await engine.put_periodic_duties()
        self._runner = engine.runner(incarnation("worker"))
        self._tasks = [
            asyncio.create_task(self._runner.run(), name="lanes"),
            asyncio.create_task(_keep_fenced(Timing().fence), name="fence"),
        ]

    async def look(self) -> None:
        """A bell rang."""
        if self._runner is not None:
            self._runner.wake()

    async def stop(self, *_: Any) -> None:
        """No new claim; calls under way end; then everything is closed."""
        if self._runner is not None:
            self._runner.stop()
            await self._tasks[0]
            self._tasks[1].cancel()
            unfence()
        await self._stack.aclose()


async def _keep_fenced(after: timedelta) -> None:
    while True:
        fence(after)
        await asyncio.sleep(after.total_seconds() / 11)


def _urls(settings: Settings) -> Urls:
    if settings.embedded:
        message = (
            "set OUTREACH_DATABASE_URL and OUTREACH_REDIS_URL for arq, "
            "or use outreach worker, which starts embedded servers"
        )
        raise Misconfigured(message)
    return Urls(settings.database_url.reveal, settings.redis_url.reveal)


def _check(urls: Urls, schema: str) -> None:
    """Before arq, which would ask a silent Redis for minutes."""
    redis.check(urls.redis)
    migrate.check(urls.database, schema=schema)


def make_settings(settings: Settings) -> type:
    """The class that arq reads."""
    lanes = Lanes(settings)
    given = worker_settings(
        lanes.look,
        _urls(settings).redis,
        group=settings.database_schema,
        on_startup=lanes.start,
        on_shutdown=lanes.stop,
    )
    return type("WorkerSettings", (), given)


def __getattr__(name: str) -> Any:
    if name != "WorkerSettings":
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    set_up_logs()
    try:
        settings = load(os.environ)
        _check(_urls(settings), settings.database_schema)
        made = make_settings(settings)
    except OutreachError as error:
        sys.stderr.write(f"outreach: {error}\n")
        raise SystemExit(_FAILED) from None
    globals()[name] = made
    return made
