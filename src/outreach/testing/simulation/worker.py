"""One incarnation of a worker: looks, works, sleeps, in the order of the real one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from attrs import define

from outreach.domain.errors import RetryLater
from outreach.domain.ids import AccountId, Incarnation, TenantId
from outreach.ports.lanes import ALONE, Claim
from outreach.testing.simulation.schedule import Fiber, Life, Schedule
from outreach.testing.simulation.seam import IDLE, suspend

__all__ = ["Engine", "Worker"]

_LANES: Final = 50
_BREATH_S: Final = 0.02
_BACKOFF_S: Final = 1.0


@define(eq=False)
class Engine:
    """Ports and use cases behind their seams, shared by all processes.

    Attributes:
        chores: those that have something to do, in their order; the others would
            change nothing, and are left out to save turns.
        many: messages that one call to an account takes, where it is not one.
        lane_due: whether a claim would find a lane; else it is left out, too.
    """

    lanes: Any
    clock: Any
    send: Any
    lane_due: Callable[[], bool]
    chores: Callable[[], Sequence[Callable[[Incarnation], Awaitable[int]]]]
    many: Mapping[AccountId, int] = ALONE


@define(eq=False)
class Worker:
    """Mirrors `outreach.entrypoints.runner`; chores and calls are fibers of a life.

    Attributes:
        ended: told of each step that a send ended with; claimed: of each claim.
    """

    who: Incarnation
    life: Life
    schedule: Schedule
    engine: Engine
    ended: Callable[[str], None]
    claimed: Callable[[Claim], None]
    main: Fiber | None = None
    _at_chores: bool = False
    _served: TenantId | None = None
    _rest_until: float = 0.0

    def start(self, at: float) -> None:
        """Begin to work."""
        self.main = self.schedule.spawn(self.life, self._work(), "main", at=at)

    async def _work(self) -> None:
        while True:
            rest = self._rest_until - self.schedule.now
            if rest > 0:
                await suspend(rest)
            try:
                await self._round()
            except RetryLater:
                await suspend(_BACKOFF_S)

    async def _round(self) -> None:
        # The scheduler knows what `next_wake` would say, and wakes it then.
        await suspend(IDLE)
        engine = self.engine
        if not self._at_chores and engine.chores():
            self._at_chores = True
            self._spawn(self._chores(), "chores", self._done)
        if engine.lane_due() and not await self._claim():
            # Due, but in hand: here or in another worker.
            await suspend(_BREATH_S)

    async def _chores(self) -> None:
        """One after the other; what is asked again has had something to do."""
        while chores := self.engine.chores():
            for chore in chores:
                await chore(self.who)

    def _done(self, raised: BaseException | None) -> None:
        self._at_chores = False
        self._over(raised)

    def _spawn(
        self,
        coroutine: Coroutine[Any, Any, Any],
        name: str,
        ended: Callable[[BaseException | None], None],
    ) -> Fiber:
        return self.schedule.spawn(self.life, coroutine, name, ended=ended)

    async def _claim(self) -> int:
        began = self.engine.clock.monotonic()
        lanes, many = self.engine.lanes, self.engine.many
        claims = await lanes.claim(self.who, {}, _LANES, self._served, many)
        for claim in claims:
            self._served = claim.tenant
            self.claimed(claim)
            self._spawn(self._one(claim, began), "send", self._over)
        return len(claims)

    async def _one(self, claim: Claim, began: float) -> None:
        self.ended(await self.engine.send(claim, began))

    def _over(self, raised: BaseException | None) -> None:
        """A failed fiber loses nothing; the loop looks again."""
        if raised is not None:
            self._rest_until = self.schedule.now + _BACKOFF_S
        if self.main is not None:
            self.schedule.look(self.main)
