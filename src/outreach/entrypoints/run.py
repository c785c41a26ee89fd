"""``outreach run``: everything in one process group.

Web app, lane runner and bell share one event loop; the two stores are embedded or
given by URL; without any credentials a provider on loopback is started beside them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import (
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from attrs import define, evolve, field, frozen

from outreach.adapters.arq import listen
from outreach.adapters.system import uuid7
from outreach.domain.errors import Misconfigured, RetryLater
from outreach.domain.ids import Incarnation
from outreach.domain.window import Hours, Window
from outreach.entrypoints.ending import leave
from outreach.entrypoints.engine import (
    Engine,
    Urls,
    check_redis,
    open_engine,
    without_providers,
)
from outreach.entrypoints.intake import load_files
from outreach.entrypoints.registering import register_webhooks
from outreach.entrypoints.runner import Runner
from outreach.entrypoints.sandbox import Sandbox
from outreach.entrypoints.secrets import webhook_tokens
from outreach.entrypoints.settings import Secret, Settings
from outreach.entrypoints.summary import summarise
from outreach.entrypoints.surroundings import (
    RunPlan,
    check_speed,
    only_run,
    practise,
    sandbox,
    stores,
)
from outreach.entrypoints.web.server import Server
from outreach.entrypoints.webhooks_app import web_app

__all__ = ["Ended", "RunPlan", "run"]

_TICK: Final = timedelta(milliseconds=8)
_GRAIN: Final = timedelta(seconds=20)
"""Engine time within which a scaled run's work is due together."""
_STRIDE: Final = timedelta(milliseconds=40)
"""Machine time that a scaled run's clock makes up for at once."""
_LOOK_EVERY: Final = timedelta(milliseconds=250)
_PROGRESS_EVERY: Final = timedelta(seconds=2)
_STORE_AWAY: Final = timedelta(seconds=60)
"""So long a store may be away; then the run ends, and goes on when started again."""
_AGAIN: Final = timedelta(seconds=1)
_ENDING: Final = timedelta(seconds=25)
"""From Ctrl-C or SIGTERM to the end, even if a store hangs."""
_LAST_LOOKS: Final = 3
"""A provider may fail to answer one."""
_ALL: Final = 10_000


@frozen
class Ended:
    """How a run ended.

    Attributes:
        interrupted: by Ctrl-C or SIGTERM.
        log: what the invented provider accepted, if there was one.
    """

    summary: dict[str, Any]
    interrupted: bool
    log: Path | None


Tell = Callable[[str], None]


async def run(settings: Settings, plan: RunPlan, tell: Tell) -> Ended:
    """Run until told to end.

    Args:
        settings: as loaded.
        plan: what to do.
        tell: shows one line of progress to people.

    Raises:
        Misconfigured: a setting, file or server is wrong.
        Unavailable: a store does not answer.
    """
    check_speed(settings, plan)
    with only_run(plan.data_dir) as home:
        async with AsyncExitStack() as stack:
            deadline = stack.enter_context(_Deadline())
            urls = stores(settings, plan, stack)
            settings = evolve(settings, data_dir=str(plan.data_dir))
            box = None
            if without_providers(settings):
                box = stack.enter_context(sandbox(settings, plan))
                settings = practise(settings, box)
                tell(f"sandbox providers on loopback; they accept into {box.log}")
            engine = await stack.enter_async_context(
                open_engine(settings, urls, reach_providers=True)
            )
            await check_redis(engine)
            await engine.container.lanes().forsake(Incarnation(f"run:{home}:*"))
            who = Incarnation(f"run:{home}:{os.getpid()}:{uuid7()}")
            return await _Run(engine, plan, urls, who, tell, box, deadline).go()


@define
class _Run:
    """One run, once everything is open."""

    engine: Engine
    plan: RunPlan
    urls: Urls
    who: Incarnation
    tell: Tell
    box: Sandbox | None
    deadline: _Deadline
    _tokens: Mapping[str, tuple[Secret, ...]] = field(factory=dict, init=False)
    _over: asyncio.Event = field(factory=asyncio.Event, init=False)
    _interrupted: bool = field(default=False, init=False)

    async def go(self) -> Ended:
        engine = self.engine
        with self._signals():
            async with self._web() as public:
                await self._set_clock()
                taken = await load_files(engine, self.plan, self.tell)
                await register_webhooks(engine, public, self._tokens)
                await engine.put_periodic_duties()
                if not self._over.is_set():
                    await self._work()
            # Nothing more comes in: what was answered 2xx is in the summary.
            await self._ask_once_more()
        summary = await summarise(engine, taken)
        log = None if self.box is None else self.box.log
        return Ended(summary, self._interrupted, log)

    @contextmanager
    def _signals(self) -> Any:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _interrupt(self) -> None:
        if self._interrupted:
            leave()
        self.tell("stopping: no new send; calls under way end")
        self._interrupted = True
        self._over.set()
        self.deadline.start()

    @asynccontextmanager
    async def _web(self) -> AsyncIterator[str]:
        settings = self.engine.settings
        self._tokens = await webhook_tokens(self.engine, self.plan.data_dir)
        app = web_app(self.engine, self._tokens)
        server = Server(app, settings.web_host, settings.web_port)
        port = await server.start()
        public = settings.public_url or f"http://{settings.web_host}:{port}"
        self.engine.container.public.override(public.rstrip("/"))
        try:
            yield public
        finally:
            await server.stop()

    async def _set_clock(self) -> None:
        if self.plan.speed is None:
            return
        begin = self.plan.begin or self._next_opening(datetime.now(UTC))
        clock = self.engine.container.clock()
        latest = await clock.latest(self.engine.tenant)
        if await clock.position() is None and latest is not None and begin < latest:
            message = (
                f"engine time cannot go back to {begin.isoformat()}: the store was "
                f"used until {latest.isoformat()}; leave --from out, or set "
                "another OUTREACH_DATA_DIR"
            )
            raise Misconfigured(message)
        at = await clock.scale(speed=self.plan.speed, begin=begin)
        await self._keep_time(at)
        self.tell(f"engine time {at:%Y-%m-%d %H:%M %Z}, {self.plan.speed:g}x")

    async def _keep_time(self, now: datetime) -> None:
        """Where time waits for what is due, it waits for those on loopback as well."""
        if self.box is not None and self.plan.speed is not None:
            # If they are gone, their calls fail, and say so.
            with suppress(OSError, HTTPException):
                await asyncio.to_thread(self.box.set_clock, now)

    def _window(self, at: datetime) -> Window:
        tenant = self.engine.settings.tenant
        days = self.engine.container.calendar().holidays(tenant.country, at.year)
        return Window(
            zones=(tenant.time_zone,),
            hours=Hours(),
            holidays=days,
            country=tenant.country,
        )

    def _next_opening(self, at: datetime) -> datetime:
        return self._window(at).next_open(at) or at

    async def _work(self) -> None:
        runner = self.engine.runner(self.who)
        bells = listen(
            _calls(runner.wake),
            self.urls.redis,
            group=self.engine.settings.database_schema,
        )
        chores = [
            asyncio.create_task(bells, name="arq"),
            asyncio.create_task(self._watch(), name="watch"),
            asyncio.create_task(self._show(runner.steps), name="progress"),
        ]
        if self.plan.speed is not None:
            chores.append(asyncio.create_task(self._tick(runner), name="tick"))
        work = asyncio.create_task(runner.run(), name="lanes")
        over = asyncio.create_task(self._over.wait())
        done, _ = await asyncio.wait(
            [over, work, *chores], return_when=asyncio.FIRST_COMPLETED
        )
        runner.stop()
        try:
            await self._ended(work)
        finally:
            for chore in (over, *chores):
                chore.cancel()
            await asyncio.gather(over, *chores, return_exceptions=True)
        for task in done:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def _ended(self, work: asyncio.Task[None]) -> None:
        """Return once calls under way have ended, or nothing can tell of their end."""
        clock = self.engine.container.clock()
        while not work.done():
            await asyncio.wait({work}, timeout=_AGAIN.total_seconds())
            try:
                await clock.now()
            except RetryLater:
                work.cancel()
                await asyncio.wait({work})
                raise

    async def _tick(self, runner: Runner) -> None:
        """Lets time go on as soon as what is due has been done."""
        clock = self.engine.container.clock()
        while True:
            runner.idle.clear()
            try:
                due = await clock.tick(_STRIDE, _GRAIN, self.plan.until)
            except RetryLater:
                await asyncio.sleep(_AGAIN.total_seconds())
                continue
            if due:
                runner.wake()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_TICK.total_seconds()):
                        await runner.idle.wait()
            else:
                await asyncio.sleep(_TICK.total_seconds())

    async def _watch(self) -> None:
        """Ends the run when its time has come, nothing is left to do, or a store
        stays away.
        """
        clock = self.engine.container.clock()
        answered = clock.monotonic()
        while not self._over.is_set():
            await asyncio.sleep(_LOOK_EVERY.total_seconds())
            try:
                now = await clock.now()
                await self._keep_time(now)
                if await self._is_over(now):
                    self._over.set()
            except RetryLater:
                if clock.monotonic() - answered > _STORE_AWAY.total_seconds():
                    raise
                await asyncio.sleep(_AGAIN.total_seconds())
            else:
                answered = clock.monotonic()

    async def _is_over(self, now: datetime) -> bool:
        if self.plan.until is not None and now >= self.plan.until:
            return True
        if not self.plan.exit_when_idle:
            return False
        window = self._window(now)
        closes = window.closes(now) if window.is_open(now) else now
        return await self._idle(window.next_open(closes) or closes)

    async def _idle(self, tomorrow: datetime) -> bool:
        parts = self.engine.container
        if not await parts.lanes().idle_until(tomorrow):
            return False
        idle: bool = await parts.dispatch().idle(self.engine.tenant)
        return idle

    async def _show(self, steps: Any) -> None:
        clock = self.engine.container.clock()
        while True:
            await asyncio.sleep(_PROGRESS_EVERY.total_seconds())
            try:
                now = await clock.now()
            except RetryLater as error:
                self.tell(f"{error}; trying again")
                continue
            sent, unknown = steps["ACCEPTED"], steps["UNKNOWN"]
            zone = self.engine.settings.tenant.time_zone
            self.tell(
                f"{_local(now, zone)}  sent {sent}  unknown {unknown}  "
                f"put off {steps['PUT_OFF']}  released {steps['RELEASED']}"
            )

    async def _ask_once_more(self) -> None:
        """Ask about every send whose answer was lost, and apply what came in."""
        parts = self.engine.container
        look, take_in = parts.look(), parts.take_in()
        while await take_in(self.who):
            pass
        for _ in range(_LAST_LOOKS):
            await parts.intents().hurry()
            await look(self.who, _ALL)


@define
class _Deadline:
    """Ends this process if its end takes too long; left, it ends nothing."""

    _timer: threading.Timer | None = field(default=None, init=False)

    def start(self) -> None:
        # A thread: what hangs may be the event loop itself, in stopping a server.
        self._timer = threading.Timer(_ENDING.total_seconds(), leave)
        self._timer.daemon = True
        self._timer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _local(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%a %d %b %H:%M}"


def _calls(wake: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def look() -> None:
        wake()

    return look
