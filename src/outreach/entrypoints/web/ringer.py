"""Rings the bell without anybody waiting for it."""

from __future__ import annotations

import asyncio

from attrs import define, field

from outreach.entrypoints.metrics import BellOutcome, Metrics
from outreach.entrypoints.web.errors import Noted
from outreach.ports.bell import Bell

__all__ = ["Ringer"]


@define(eq=False)
class Ringer:
    """One ring at a time; what is asked for meanwhile is one more ring after it.

    So a bell that answers slowly, or not at all, holds up no answer and piles up no
    tasks, and whoever asked is sure of a ring that began later.
    """

    bell: Bell
    metrics: Metrics
    _task: asyncio.Task[None] | None = field(default=None, init=False)
    _again: bool = field(default=False, init=False)

    def ring(self) -> None:
        """Have workers look, soon."""
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="ring")

    async def settled(self) -> None:
        """Wait until every ring asked for has been rung."""
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while self._again:
            self._again = False
            outcome = BellOutcome.FAILED
            with Noted("bell.defect"):  # it promises to raise nothing
                await self.bell.ring()
                outcome = BellOutcome.RUNG
            self.metrics.rings.add(outcome)
