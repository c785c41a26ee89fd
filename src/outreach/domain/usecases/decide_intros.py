"""Carry out what a person decided about intros."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from attrs import frozen

from outreach.domain.ids import TenantId
from outreach.domain.intro import Intro
from outreach.ports.bell import Bell
from outreach.ports.clock import Clock
from outreach.ports.intros import IntroDecision, Intros, Kept

__all__ = ["DecideIntros"]


@frozen
class DecideIntros:
    """One or many at once; each is kept only if it is still what was shown."""

    intros: Intros
    clock: Clock
    bell: Bell

    async def __call__(
        self,
        tenant: TenantId,
        shown: Sequence[Intro],
        decide: Callable[[Intro, datetime], Intro],
    ) -> Sequence[Kept]:
        """What became of each, in order.

        Args:
            decide: what it is to be, at an engine time.

        Raises:
            Refused: the decision is not possible for one of them; nothing is kept.
        """
        now = await self.clock.now()
        wanted = [IntroDecision(one, decide(one, now)) for one in shown]
        kept = await self.intros.decide(tenant, wanted)
        await self.bell.ring()
        return kept
