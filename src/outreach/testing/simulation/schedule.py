"""Whose turn it is: every process one await at a time, on a virtual clock.

A crashed process is kept as it is and not closed before the world ends, for a closed
coroutine would run its ``finally``.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Coroutine
from heapq import heappop, heappush
from typing import Any

from attrs import define, field

from outreach.domain.errors import AnswerLost, RetryLater, Unavailable
from outreach.testing.simulation.clock import VirtualClock
from outreach.testing.simulation.seam import Idle, Kind, Op
from outreach.testing.simulation.wake import Wake

__all__ = ["Defect", "Fiber", "Life", "Schedule"]

_NEVER = float("inf")
_COMMITS = frozenset({"arm+", "settle+", "commit+"})
_POLL = 60.0
"""Seconds within which a sleeper finds out what nobody rang for."""


@define(eq=False)
class Life:
    """One life of one process; all its fibers die together.

    Attributes:
        mortal: it may crash and stall.
        reborn: starts the next life, at a time.
        until: stopped up to this second.
    """

    name: str
    mortal: bool = True
    reborn: Callable[[float], None] | None = None
    alive: bool = True
    until: float = 0.0
    fibers: dict[Fiber, None] = field(factory=dict)


@define(eq=False)
class Fiber:
    """A coroutine of a life.

    Attributes:
        turn: of its one valid place in the line; others are old.
        ended: told when it is over, with what it raised.
    """

    name: str
    life: Life
    coroutine: Coroutine[Any, Any, Any]
    ended: Callable[[BaseException | None], None] | None = None
    error: Exception | None = None
    turn: int = 0


class Defect(Exception):
    """Something was raised that no process may raise."""


@define(eq=False)
class Schedule:
    """The line of turns.

    Attributes:
        calm: from this second on no fault is drawn.
        alarm: seconds a process may be stopped before its alarm kills it; None: it
            has none.
        stall: draws how long a process is stopped.
        slow: without an alarm, only what is stalled waits, not the whole process.
        wake: knows when the next thing is due.
        trace: called with every turn, for a log; None: nobody listens.
        seen: what happened how often.
    """

    clock: VirtualClock
    rng: random.Random
    calm: float
    stall: Callable[[Op], float]
    wake: Wake
    seen: Counter[str]
    trace: Callable[[str, str, float], None] | None = None
    alarm: float | None = None
    slow: bool = False
    steps: int = 0
    _line: list[tuple[float, int, Fiber | None, Any]] = field(factory=list)
    _number: int = 0
    _sleepers: dict[Fiber, float] = field(factory=dict)
    _grave: list[Fiber] = field(factory=list)

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return self.clock.seconds

    def spawn(
        self,
        life: Life,
        coroutine: Coroutine[Any, Any, Any],
        name: str,
        *,
        at: float | None = None,
        ended: Callable[[BaseException | None], None] | None = None,
    ) -> Fiber:
        """Start a coroutine of *life*, now or *at* a time."""
        fiber = Fiber(name, life, coroutine, ended)
        life.fibers[fiber] = None
        self._place(fiber, self.now if at is None else at)
        return fiber

    def call(self, at: float, what: Callable[[], None]) -> None:
        """Have something happen at a time, whoever lives."""
        self._number += 1
        heappush(self._line, (at, self._number, None, what))

    def ring(self) -> None:
        """Something was put: sleepers look at once."""
        self.wake.changed()
        for fiber in self._sleepers:
            self._doze(fiber, self.now, 0.2)

    def whisper(self) -> None:
        """Nobody rang, but within a minute each sleeper looks for itself."""
        for fiber in self._sleepers:
            self._doze(fiber, self.now, _POLL)

    def look(self, fiber: Fiber) -> None:
        """Have a sleeper see for itself when something is due."""
        if fiber in self._sleepers:
            self._doze(fiber, self.now, 0.0)

    def _doze(self, fiber: Fiber, at: float, within: float) -> None:
        """Sleep until something is due; to be awake before would only cost turns."""
        jitter = 0.5 * self.rng.random()
        wake = max(
            max(self.wake.at(), self.now) + jitter, at + within * self.rng.random()
        )
        self._sleepers[fiber] = wake
        fiber.turn += 1
        if wake < _NEVER:
            self._push(wake, fiber)

    def run(self, until: float) -> None:
        """Give turns until the line is empty or *until*.

        Raises:
            Defect: a process raised what it may not.
        """
        line, sleepers, clock = self._line, self._sleepers, self.clock
        while line and line[0][0] <= until:
            at, _, fiber, turn = heappop(line)
            if fiber is None:
                clock.turn(at)
                turn()
                continue
            life = fiber.life
            if turn != fiber.turn or not life.alive:
                continue
            if at < life.until:
                self._place(fiber, life.until + 0.001)
                continue
            if fiber in sleepers:
                clock.turn(at)
                if self.wake.at() > at:
                    # Somebody else has done what it would have woken for.
                    self._doze(fiber, at, 0.0)
                    continue
                del sleepers[fiber]
            self._turn(fiber, at)

    def bury(self) -> None:
        """The world is over: whoever crashed, and whoever waits, ends now."""
        waiting = [entry[2] for entry in self._line]
        for fiber in [*self._grave, *self._sleepers, *waiting]:
            if fiber is not None:
                fiber.coroutine.close()

    def _turn(self, fiber: Fiber, at: float) -> None:
        self.clock.turn(at)
        self.steps += 1
        error, fiber.error = fiber.error, None
        coroutine = fiber.coroutine
        try:
            what = coroutine.send(None) if error is None else coroutine.throw(error)
        except StopIteration:
            self._over(fiber, None)
            return
        except RetryLater as raised:
            self._over(fiber, raised)
            return
        except Exception as raised:
            message = f"{fiber.name} of {fiber.life.name} at {at:.3f}: {raised!r}"
            raise Defect(message) from raised
        if what.__class__ is Op:
            self._suspended(fiber, what, at)
        elif what.__class__ is Idle:
            self._doze(fiber, at, 0.0)
            if self.trace is not None:
                self.trace(fiber.name, "idle", at)
        else:
            fiber.turn += 1
            self._push(at + what, fiber)
            if self.trace is not None:
                self.trace(fiber.name, f"sleep {what:.3f}", at)

    def _over(self, fiber: Fiber, raised: RetryLater | None) -> None:
        fiber.life.fibers.pop(fiber, None)
        if fiber.ended is not None:
            fiber.ended(raised)

    def _suspended(self, fiber: Fiber, op: Op, at: float) -> None:
        drawn = self.rng.random()
        if self.trace is not None:
            self.trace(fiber.name, op.name, at)
        if drawn < op.error and at < self.calm:
            self._harm(fiber, op, drawn, at)
            return
        fiber.turn += 1
        self._push(at + op.longest * drawn, fiber)

    def _harm(self, fiber: Fiber, op: Op, drawn: float, at: float) -> None:
        life = fiber.life
        if drawn < op.crash:
            if life.mortal:
                self._crash(life, at + self.rng.uniform(1, 90), "crash")
                return
        elif drawn < op.stall:
            if life.mortal:
                self._stall(fiber, op, at)
                return
        else:
            fiber.error = self._error(op)
        self._place(fiber, at + op.longest * self.rng.random())

    def _error(self, op: Op) -> Exception | None:
        if op.kind is Kind.PROVIDER:
            return None
        if op.kind is Kind.STORE and op.after:
            self.seen["answer lost"] += 1
            if op.name in _COMMITS:
                self.seen["commit unknown"] += 1
            return AnswerLost(f"{op.name}: drawn")
        self.seen["unavailable"] += 1
        return Unavailable(f"{op.name}: drawn")

    def _crash(self, life: Life, again: float, why: str) -> None:
        self.seen[why] += 1
        life.alive = False
        self._grave += life.fibers
        for fiber in life.fibers:
            self._sleepers.pop(fiber, None)
        if life.reborn is not None:
            life.reborn(again)
        self.whisper()

    def _stall(self, fiber: Fiber, op: Op, at: float) -> None:
        seconds = self.stall(op)
        life = fiber.life
        if self.alarm is not None and seconds > self.alarm:
            # The kernel ends it before it runs another instruction.
            self._crash(life, at + seconds + self.rng.uniform(1, 30), "self-fence")
            return
        self.seen["stall"] += 1
        if self.alarm is None and self.slow:
            # Not stopped but slow: with no alarm a call that has begun elsewhere in
            # the process would be late by as much, which docs/ own up to.
            self._place(fiber, at + seconds)
        else:
            life.until = max(life.until, at + seconds)
            self._place(fiber, life.until + 0.001)
        self.whisper()

    def _place(self, fiber: Fiber, at: float) -> None:
        fiber.turn += 1
        self._push(at, fiber)

    def _push(self, at: float, fiber: Fiber) -> None:
        self._number += 1
        heappush(self._line, (at, self._number, fiber, fiber.turn))
