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
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from attrs import define, field

from outreach.adapters.arq import hearing, worker_settings
from outreach.adapters.postgres import migrate
from outreach.adapters.redis import client as redis
from outreach.domain.errors import Misconfigured, OutreachError
from outreach.entrypoints.ending import Ending
from outreach.entrypoints.engine import (
    Urls,
    check_redis,
    incarnation,
    open_engine,
)
from outreach.entrypoints.logs import set_up_logs
from outreach.entrypoints.runner import Runner
from outreach.entrypoints.settings import Settings, load

__all__ = ["Lanes", "fence", "fenced", "make_settings", "unfence"]

_FAILED: Final = 1
_KEPT_WITHIN: Final = 11
"""The alarm is put off this many times in the time it takes."""


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


@asynccontextmanager
async def fenced(after: timedelta) -> AsyncIterator[None]:
    """Keep putting the alarm off for as long as this process's event loop goes on."""
    fence(after)
    keeping = asyncio.create_task(_keep_fenced(after), name="fence")
    try:
        yield
    finally:
        keeping.cancel()
        unfence()


async def _keep_fenced(after: timedelta) -> None:
    while True:
        await asyncio.sleep(after.total_seconds() / _KEPT_WITHIN)
        fence(after)


@define
class Lanes:
    """The lane runner as a task beside arq.

    arq's own signal handlers are not installed: they would leave the lanes running
    until arq has ended its jobs and spoken to Redis.
    """

    settings: Settings
    _stack: contextlib.AsyncExitStack = field(
        factory=contextlib.AsyncExitStack, init=False
    )
    _runner: Runner | None = field(default=None, init=False)
    _work: asyncio.Task[None] | None = field(default=None, init=False)
    _arq: asyncio.Task[Any] | None = field(default=None, init=False)
    _ending: Ending = field(init=False)

    @_ending.default
    def _make_ending(self) -> Ending:
        return Ending(self._end)

    async def start(self, *_: Any) -> None:
        """Open the engine and start looking.

        Raises:
            SystemExit: with one clear line, when a store is down or a setting wrong.
        """
        self._arq = asyncio.current_task()
        self._ending.install()
        urls = _urls(self.settings)
        try:
            engine = await self._stack.enter_async_context(
                open_engine(self.settings, urls, reach_providers=True)
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
        await self._stack.enter_async_context(fenced(engine.container.timing().fence))
        await self._stack.enter_async_context(
            hearing(self.look, urls.redis, group=self.settings.database_schema)
        )
        self._work = asyncio.create_task(self._runner.run(), name="lanes")
        self._work.add_done_callback(self._ended)
        if self._ending.begun:
            self._end()

    async def look(self) -> None:
        """A bell rang."""
        if self._runner is not None:
            self._runner.wake()

    def _end(self) -> None:
        if self._runner is not None:
            self._runner.stop()

    def _ended(self, _: asyncio.Task[None]) -> None:
        """Told to, or by a defect, which `stop` raises: arq has nothing left to do."""
        if self._arq is not None:
            self._arq.cancel()

    async def stop(self, *_: Any) -> None:
        """No new claim; calls under way end; then everything is closed."""
        self._end()
        try:
            if self._work is not None:
                await self._work
        finally:
            await self._stack.aclose()


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
        handle_signals=False,
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
