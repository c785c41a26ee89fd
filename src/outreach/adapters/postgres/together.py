"""Calls that come together, carried by one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

from attrs import define, field

from outreach.domain.errors import OutreachError

__all__ = ["Together"]

GROUP: Final = 50
"""Calls that one commit carries at most."""

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
_Waiting = tuple[Asked, "asyncio.Future[Answer]"]


@define(eq=False)
class Together(Generic[Asked, Answer]):
    """What is asked while a commit is on its way goes into the next one.

    A call that comes by itself goes by itself. If a group fails for a reason that may
    be one call's own, each is asked alone, so that a bad one fails alone. One that may
    have to wait for a lock holds up no other.

    Attributes:
        many: asks for several at once; None where one is to be asked alone.
        alone: asks for one.
        kind: only calls of one kind go together (their tenant).
    """

    many: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer | None]]]
    alone: Callable[[Asked], Awaitable[Answer]]
    kind: Callable[[Asked], Hashable]
    _queue: list[_Waiting[Asked, Answer]] = field(factory=list, init=False)
    _writer: asyncio.Task[None] | None = field(default=None, init=False)
    _alone: set[asyncio.Task[None]] = field(factory=set, init=False)

    async def ask(self, asked: Asked) -> Answer:
        """The answer to one call.

        Raises:
            OutreachError: as *many* and *alone* raise it.
            Exception: whatever else *alone* raises; the call itself is at fault.
        """
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.append((asked, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await done

    async def _write(self) -> None:
        while self._queue:
            group = self._next()
            if len(group) > 1:
                await self._ask_many(group)
            elif group:
                await self._ask_alone(*group[0])

    def _next(self) -> list[_Waiting[Asked, Answer]]:
        """The next calls of one kind whose callers still wait."""
        self._queue = [one for one in self._queue if not one[1].done()]
        if not self._queue:
            return []
        kind = self.kind(self._queue[0][0])
        alike = [one for one in self._queue if self.kind(one[0]) == kind][:GROUP]
        taken = set(map(id, alike))
        self._queue = [one for one in self._queue if id(one) not in taken]
        return alike

    async def _ask_many(self, group: Sequence[_Waiting[Asked, Answer]]) -> None:
        asking = self.many([asked for asked, _ in group])
        [answers] = await asyncio.gather(asking, return_exceptions=True)
        if isinstance(answers, OutreachError):
            for _, done in group:
                _fail(done, answers)  # no call's own fault
            return
        if isinstance(answers, BaseException):
            answers = [None] * len(group)
        for (asked, done), answer in zip(group, answers, strict=True):
            if answer is None:
                # It may have to wait for a lock, which must hold up no other.
                task = asyncio.create_task(self._ask_alone(asked, done))
                self._alone.add(task)
                task.add_done_callback(self._alone.discard)
            elif not done.done():
                done.set_result(answer)

    async def _ask_alone(self, asked: Asked, done: asyncio.Future[Answer]) -> None:
        [answer] = await asyncio.gather(self.alone(asked), return_exceptions=True)
        if isinstance(answer, BaseException):
            _fail(done, answer)
        elif not done.done():
            done.set_result(answer)


def _fail(done: asyncio.Future[Answer], error: BaseException) -> None:
    if not done.done():
        done.set_exception(error)
