"""What is to happen later, in engine time, on the one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["Agenda"]


class Agenda:
    """Calls things later and looks after the tasks it started.

    `speed` is engine seconds per second. A task that fails takes the process
    down with it: a judge that lost an entry must not go on judging.
    """

    def __init__(self, speed: float, fail: Callable[[BaseException], None]) -> None:
        self.speed = speed
        self.waiting = 0
        self._fail = fail
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def running(self) -> int:
        return len(self._tasks)

    def after(self, engine_s: float, act: Callable[[], object]) -> None:
        """Call `act` once this much engine time has passed; at once if negative."""
        self.waiting += 1
        self._idle.clear()
        loop = asyncio.get_running_loop()

        def ring() -> None:
            self._timers.discard(timer)
            self.waiting -= 1
            try:
                act()
            except Exception as error:  # whatever it was, the judge is unsound now
                self._fail(error)
                raise
            finally:
                self._look_whether_idle()

        timer = loop.call_later(max(engine_s / self.speed, 0), ring)
        self._timers.add(timer)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._idle.clear()
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def settled(self) -> None:
        """Return once nothing waits and nothing runs."""
        await self._idle.wait()

    async def close(self) -> None:
        """Forget what waits and end what runs."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self.waiting = 0
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._look_whether_idle()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _look_whether_idle(self) -> None:
        if not self.waiting and not self._tasks:
            self._idle.set()
