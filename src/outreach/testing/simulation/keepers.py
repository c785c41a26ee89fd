"""People who look after campaigns: they open breakers, close them, and take names out.

What a breaker stopped, whoever opened it, goes on only when a person has closed it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from attrs import define

from outreach.domain.address import AddressKey, AddressKind
from outreach.domain.errors import OutreachError, RetryLater
from outreach.domain.suppression import Suppression, SuppressionReason, SwitchScope
from outreach.ports.lanes import Claim
from outreach.testing.simulation.mail_weather import Mail
from outreach.testing.simulation.parts import TENANT, Parts
from outreach.testing.simulation.schedule import Life, Schedule
from outreach.testing.simulation.seam import suspend
from outreach.testing.simulation.weather import DAY_S

__all__ = ["Keepers"]

_HOUR_S: Final = 3_600.0
_CAMPAIGN: Final = SwitchScope.CAMPAIGN


@define(eq=False)
class Keepers:
    """Each of their acts is a port's verb, and they try until it is done.

    Attributes:
        switches: behind its seam.
        addresses: of all leads.
    """

    mail: Mail
    rng: random.Random
    schedule: Schedule
    parts: Parts
    switches: Any
    addresses: tuple[str, ...]
    seen: Counter[str]
    life: Life

    def start(self) -> None:
        """Begin."""
        self._spawn(self._close())
        if self.mail.opened > 0:
            self._spawn(self._open())

    def claimed(self, claim: Claim) -> None:
        """A lane was claimed: perhaps somebody opens its breaker, or leaves, now."""
        if self.schedule.now > self.schedule.calm or not claim.cases:
            return
        case = claim.cases[0]
        if case.campaign is None or self.rng.random() >= self.mail.aimed:
            return
        if self.rng.random() < 0.5:
            self._spawn(self._insist(partial(self._throw, str(case.campaign))))
        else:
            to = self.rng.choice(self.addresses)
            self._spawn(self._insist(partial(self._take_out, case.to or to)))

    async def _open(self) -> None:
        while True:
            await suspend(self.rng.expovariate(self.mail.opened / DAY_S))
            if self.schedule.now > self.schedule.calm - 4 * _HOUR_S:
                return
            for campaign in list(self.parts.store.campaigns.values()):
                await self._insist(partial(self._throw, str(campaign.id)))

    async def _close(self) -> None:
        """Somebody looks, now and then, and at the end."""
        while True:
            await suspend(3 * _HOUR_S * (0.5 + self.rng.random()))
            for one in list(self.parts.store.switches_of(TENANT)):
                if one.scope is _CAMPAIGN:
                    await self._insist(partial(self._lift, one.of))

    async def _throw(self, of: str) -> None:
        await self.switches.throw(TENANT, _CAMPAIGN, of, reason="bounces", by="ana")

    async def _lift(self, of: str) -> None:
        await self.switches.lift(TENANT, _CAMPAIGN, of, reason="looked", by="ana")

    async def _take_out(self, to: str) -> None:
        if "@" not in to:
            return
        key = AddressKey(AddressKind.EMAIL, to)
        at = self.parts.store.now
        one = Suppression(key, SuppressionReason.PERSON, "ana", at)
        await self.switches.suppress(TENANT, [one])

    async def _insist(self, what: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await what()
            except RetryLater:
                await suspend(5.0)
            except OutreachError:
                return
            else:
                self.schedule.ring()
                return

    def _spawn(self, coroutine: Any) -> None:
        self.schedule.spawn(self.life, coroutine, "people")
