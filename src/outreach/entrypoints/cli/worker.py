"""``outreach worker``."""

from __future__ import annotations

import asyncio
from typing import Final

import click
from attrs import define, field

from outreach.adapters.arq import listen
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.opening import stores
from outreach.entrypoints.cli.options import command
from outreach.entrypoints.cli.screen import note
from outreach.entrypoints.ending import Ending
from outreach.entrypoints.engine import (
    Engine,
    Urls,
    check_redis,
    incarnation,
    open_engine,
    without_providers,
)
from outreach.entrypoints.logs import set_up_logs
from outreach.entrypoints.runner import Runner
from outreach.entrypoints.worker import fenced

__all__ = ["worker"]

_INTERRUPTED: Final = 130


@command(
    "worker",
    example="""\
outreach worker
OUTREACH_DATABASE_URL=... OUTREACH_REDIS_URL=... outreach worker""",
)
@click.pass_obj
def worker(given: Given) -> None:
    """Send what is due and take in what comes back, until stopped.

    As many as you like may run, on as many machines, beside outreach web; the other
    way to start one is arq outreach.entrypoints.worker.WorkerSettings. SIGTERM and
    Ctrl-C let the calls under way end; a second one ends it at once. Logs go to
    standard error, as JSON lines.
    """
    set_up_logs()
    if without_providers(given.settings):
        note("no provider has credentials: this worker can send nothing")
    with stores(given) as urls:
        interrupted = asyncio.run(_work(given, urls))
    if interrupted:
        raise click.exceptions.Exit(_INTERRUPTED)


async def _work(given: Given, urls: Urls) -> bool:
    """Whether Ctrl-C ended it."""
    settings = given.settings
    async with open_engine(settings, urls, reach_providers=True) as engine:
        await check_redis(engine)
        await _warn_of_scaled_time(engine)
        await engine.put_periodic_duties()
        working = _Working(engine.runner(incarnation("worker")))
        async with fenced(engine.container.timing().fence):
            await working.until_stopped(engine, urls)
        return working.ending.interrupted


async def _warn_of_scaled_time(engine: Engine) -> None:
    position = await engine.container.clock().position()
    if position is not None:
        note(
            f"engine time is that of a scaled run, at {position:%Y-%m-%d %H:%M} UTC, "
            "and goes on only while outreach run --speed runs"
        )


@define
class _Working:
    runner: Runner
    ending: Ending = field(init=False)

    @ending.default
    def _make_ending(self) -> Ending:
        return Ending(self._end)

    async def until_stopped(self, engine: Engine, urls: Urls) -> None:
        self.ending.install()
        group = engine.settings.database_schema
        work = asyncio.create_task(self.runner.run(), name="lanes")
        ears = asyncio.create_task(listen(self._look, urls.redis, group=group))
        note("working; SIGTERM or Ctrl-C ends it, once more at once")
        try:
            await asyncio.wait([work, ears], return_when=asyncio.FIRST_COMPLETED)
            self.runner.stop()
            await work
        finally:
            ears.cancel()
            (result,) = await asyncio.gather(ears, return_exceptions=True)
        if isinstance(result, Exception):
            raise result

    def _end(self) -> None:
        note("stopping: no new send; calls under way end")
        self.runner.stop()

    async def _look(self) -> None:
        self.runner.wake()
