"""What a provider tells by webhooks, and how badly: late, repeated, out of order.

A webhook is delivered again until it is answered 2xx.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from attrs import define, field

from outreach.domain.channel import Channel
from outreach.domain.event import Arrival, EventType, SystemEvent
from outreach.testing.invented import ACCOUNT, PROVIDER
from outreach.testing.simulation.clock import VirtualClock
from outreach.testing.simulation.schedule import Life, Schedule
from outreach.testing.simulation.weather import Weather

__all__ = ["Post"]

_AGAIN_S: Final = (2.0, 30.0)
_LATE_S: Final = 6 * 3600.0
_QUICK_S: Final = 4.0


@define(eq=False)
class Post:
    """Implements `outreach.ports.gateway.Reads`; carries webhooks to the intake.

    Attributes:
        inbox: behind its seam.
        answered: keys of events whose webhook was answered 2xx, with their events.
        wrote: when somebody wrote from a number or an address for the first time.
    """

    clock: VirtualClock
    schedule: Schedule
    weather: Weather
    rng: random.Random
    seen: Counter[str]
    inbox: Any
    answered: dict[str, SystemEvent] = field(factory=dict)
    wrote: dict[str, datetime] = field(factory=dict)
    web: Life = field(init=False)
    _bodies: dict[bytes, SystemEvent] = field(factory=dict)
    _open: list[SystemEvent] = field(factory=list)
    _number: int = 0

    def __attrs_post_init__(self) -> None:
        """The web process is up."""
        self.web = Life("web", reborn=self._reborn)

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        """See `Reads.read`."""
        return [self._bodies[raw]]

    def tell(self, kind: EventType, *, quick: bool = False, **facts: Any) -> None:
        """Something happened at a provider, at the phones' unless it is named."""
        self._number += 1
        key = f"e{self._number}"
        where = {"provider": PROVIDER, "channel": Channel.WHATSAPP, **facts}
        event = SystemEvent(key=key, type=kind, **where)
        if kind is EventType.REPLY and event.address is not None:
            self.wrote.setdefault(event.address.value, self.clock.machine)
        self._bodies[key.encode()] = event
        rng, weather, now = self.rng, self.weather, self.schedule.now
        calm = now > self.schedule.calm
        late = not quick and not calm and rng.random() < weather.late
        self._deliver(event, now + rng.random() * (_LATE_S if late else _QUICK_S))
        while not calm and rng.random() < weather.repeated:
            self._deliver(event, now + rng.random() * _LATE_S)

    def _deliver(self, event: SystemEvent, at: float) -> None:
        self.schedule.call(at, lambda: self._knock(event))

    def _knock(self, event: SystemEvent) -> None:
        self._open.append(event)

        def ended(raised: BaseException | None) -> None:
            self._open.remove(event)
            if raised is not None:
                self._again(event)

        self.schedule.spawn(self.web, self._intake(event), "web", ended=ended)

    def _again(self, event: SystemEvent) -> None:
        self._deliver(event, self.schedule.now + self.rng.uniform(*_AGAIN_S))

    async def _intake(self, event: SystemEvent) -> None:
        new = await self.inbox.put(
            Arrival(
                provider=event.provider,
                account=ACCOUNT,
                raw=event.key.encode(),
                key=event.key,
                type=event.type,
                address=event.address,
                received_at=self.clock.machine,
            )
        )
        if new:
            self.schedule.ring()
        else:
            self.seen["duplicate webhook dropped"] += 1
        self.answered[event.key] = event

    def _reborn(self, _at: float) -> None:
        """Another web process; what the dead one had not answered comes again."""
        lost, self._open = self._open, []
        self.web = Life("web", reborn=self._reborn)
        for event in lost:
            self._again(event)
