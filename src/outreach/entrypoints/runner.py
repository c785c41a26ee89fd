"""The worker's heart: sleeps until something is due, then looks.

Supervised tasks of this process, out of reach of any job queue's time-outs: a bell
only wakes them. On a stop no new claim is made, calls under way end, then it
returns.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog
from attrs import define, field, frozen

from outreach.adapters.memory.bell import LocalBell
from outreach.domain.errors import RetryLater
from outreach.domain.ids import AccountId, Incarnation, TenantId
from outreach.domain.usecases.do_duties import DoDuties
from outreach.domain.usecases.look_for_doubts import LookForDoubts, Recover
from outreach.domain.usecases.send_next import SendNext
from outreach.domain.usecases.take_in_events import TakeInEvents
from outreach.domain.usecases.watch_instance import WatchInstance
from outreach.entrypoints.punctual import Punctual
from outreach.ports.clock import Clock
from outreach.ports.lanes import ALONE, Claim, Lanes

__all__ = ["IN_FLIGHT", "TOGETHER", "Runner"]

IN_FLIGHT: Final = 20
"""Calls under way per provider account and process."""

TOGETHER: Final = 100
"""Messages in one call to an account that takes many. Each is claimed, decided and
armed one after the other, and the call must begin 5 seconds after the claim: that is
time for a few hundred on a machine that has nothing else to do.
"""

_LANES: Final = 50
_LONGEST_SLEEP: Final = timedelta(seconds=60)
_BREATH: Final = timedelta(milliseconds=20)
_LONGEST_BREATH: Final = timedelta(seconds=1)
_BACKOFF: Final = timedelta(seconds=1)
_BEAT: Final = timedelta(seconds=30)
_PATIENCE: Final = timedelta(seconds=5)
_SLOW: Final = 1.0
"""Seconds after which a chore is held up by a provider: another one goes beside it."""
_BESIDE: Final = 4
"""Chores of one kind at once."""

_log = structlog.get_logger(__name__)


@frozen
class _Chore:
    name: str
    began: float


@define
class Runner:
    """Looks, works, sleeps; until `stop`.

    Attributes:
        who: this incarnation.
        rooms: calls an account can take at once, where it is not `IN_FLIGHT`.
        many: messages that one call to an account takes, where it is not one.
        punctual: whether this machine's clock is good enough to send by.
        breath: how long it waits when what is due is in other hands; doubled each
            time, up to a second, until there is something to do.
        patience: with looks at providers and the like, after the last call has ended.
        idle: set whenever nothing is in hand any more.
    """

    who: Incarnation
    bell: LocalBell
    lanes: Lanes
    clock: Clock
    send: SendNext
    recover: Recover
    look: LookForDoubts
    take_in: TakeInEvents
    duties: DoDuties
    watch: WatchInstance
    punctual: Punctual
    rooms: dict[AccountId, int] = field(factory=dict)
    many: Mapping[AccountId, int] = ALONE
    breath: timedelta = _BREATH
    patience: timedelta = _PATIENCE
    steps: Counter[str] = field(factory=Counter, init=False)
    idle: asyncio.Event = field(factory=asyncio.Event, init=False)
    _wake: asyncio.Event = field(factory=asyncio.Event, init=False)
    _stopping: bool = field(default=False, init=False)
    _calls: dict[asyncio.Task[None], AccountId] = field(factory=dict, init=False)
    _rest_until: float = field(default=0.0, init=False)
    _chores: dict[asyncio.Task[bool], _Chore] = field(factory=dict, init=False)
    _served: TenantId | None = field(default=None, init=False)
    _in_vain: int = field(default=0, init=False)

    def wake(self) -> None:
        """Have it look now."""
        self._wake.set()

    def stop(self) -> None:
        """No new claim from now on."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Work until `stop`, then until the calls under way have ended."""
        beside = [
            asyncio.create_task(self._listen(), name="bell"),
            asyncio.create_task(self._beat(), name="instance"),
        ]
        try:
            await self._work()
        finally:
            for task in beside:
                task.cancel()
        with suppress(RetryLater):
            await self.watch()  # what was done last is seen, too

    async def _listen(self) -> None:
        while True:
            await self.bell.wait()
            self._wake.set()

    async def _beat(self) -> None:
        """Where the database has come to is told to what remembers it outside."""
        while True:
            try:
                await self.watch()
            except RetryLater as error:
                _log.warning("store.unavailable", task="instance", error=str(error))
            await asyncio.sleep(_BEAT.total_seconds())

    async def _work(self) -> None:
        while not self._stopping:
            self._wake.clear()
            rest = self._rest_until - self.clock.monotonic()
            if rest > 0:
                await asyncio.sleep(rest)
            try:
                await self._round()
            except RetryLater as error:
                _log.warning("store.unavailable", error=str(error))
                await self._sleep(_BACKOFF)
        while self._calls:
            await asyncio.wait(self._calls)
        await self._end_chores()

    async def _end_chores(self) -> None:
        """What they have in hand is taken up elsewhere once its lease has run out, so
        a provider that hangs holds up nobody's end.
        """
        if not self._chores:
            return
        _, left = await asyncio.wait(
            self._chores, timeout=self.patience.total_seconds()
        )
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    async def _round(self) -> None:
        room = self._room()
        full = {account: left for account, left in room.items() if left <= 0}
        wait = await self.lanes.next_wake(full)
        may_send = await self.punctual()
        if wait is None or wait > timedelta():
            self._in_vain = 0
            await self._sleep(min(wait or _LONGEST_SLEEP, _LONGEST_SLEEP))
            return
        self._chore("recover", self.recover)
        self._chore("events", lambda: self.take_in(self.who))
        self._chore("doubts", lambda: self.look(self.who))
        self._chore("duties", lambda: self.duties(self.who))
        if may_send and await self._claim(room):
            self._in_vain = 0
            return
        # Due, but in hand for a moment: here, where its end wakes us, or in another
        # worker. That it lasts must cost nothing.
        await self._sleep(min(self.breath * 2**self._in_vain, _LONGEST_BREATH))
        self._in_vain = min(self._in_vain + 1, 10)

    def _chore(self, name: str, work: Callable[[], Awaitable[int]]) -> None:
        now = self.clock.monotonic()
        alike = [one for one in self._chores.values() if one.name == name]
        if len(alike) >= _BESIDE or any(now - one.began < _SLOW for one in alike):
            return
        task = asyncio.create_task(self._do(name, work), name=name)
        self._chores[task] = _Chore(name, now)
        task.add_done_callback(self._chore_ended)

    async def _do(self, name: str, work: Callable[[], Awaitable[int]]) -> bool:
        """Whether there was anything to do."""
        worked = False
        while not self._stopping and await work():
            self.steps[name] += 1
            worked = True
        return worked

    def _chore_ended(self, task: asyncio.Task[bool]) -> None:
        del self._chores[task]
        # One that found nothing must not wake us: what was due is still due, and we
        # would ask as fast as the store answers.
        if self._ended(task) and task.result():
            self._in_vain = 0
            self._wake.set()

    def _room(self) -> dict[AccountId, int]:
        busy = Counter(self._calls.values())
        return {
            account: max(0, self.rooms.get(account, IN_FLIGHT) - busy[account])
            for account in {*self.rooms, *busy}
        }

    async def _claim(self, room: dict[AccountId, int]) -> int:
        began = self.clock.monotonic()
        claims = await self.lanes.claim(self.who, room, _LANES, self._served, self.many)
        for claim in claims:
            self._served = claim.tenant
            task = asyncio.create_task(self._one(claim, began), name="send")
            self._calls[task] = claim.account
            task.add_done_callback(self._call_ended)
        return len(claims)

    def _call_ended(self, task: asyncio.Task[None]) -> None:
        del self._calls[task]
        self._ended(task)
        self._wake.set()

    def _ended(self, task: asyncio.Task[None] | asyncio.Task[bool]) -> bool:
        """Whether it went well. A failed task loses nothing: leases run out, and calls
        become UNKNOWN.
        """
        if not self._calls and not self._chores:
            self.idle.set()
        error = None if task.cancelled() else task.exception()
        if error is None:
            return not task.cancelled()
        self._rest_until = self.clock.monotonic() + _BACKOFF.total_seconds()
        self._wake.set()
        if isinstance(error, RetryLater):
            _log.warning("store.unavailable", task=task.get_name(), error=str(error))
        else:
            _log.error("defect", task=task.get_name(), exc_info=error)
        return False

    async def _one(self, claim: Claim, began: float) -> None:
        if self._stopping:
            # Told to stop while the claim was on its way: nothing was begun yet.
            await self.lanes.free(claim)
            return
        step = await self.send(claim, began)
        self.steps[step] += 1

    async def _sleep(self, wait: timedelta) -> None:
        try:
            async with asyncio.timeout(max(0.0, wait.total_seconds())):
                await self._wake.wait()
        except TimeoutError:
            return
