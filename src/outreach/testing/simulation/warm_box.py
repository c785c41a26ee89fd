"""A provider of warm mail, which knows a message by its key and sends it once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from attrs import define, field

from outreach.domain.channel import Channel
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Parcel,
    UnknownOutcome,
)
from outreach.testing.judge import Sent
from outreach.testing.simulation.mail_weather import Mail
from outreach.testing.simulation.schedule import Schedule

__all__ = ["WarmBox"]

_WARM: Final = frozenset({Channel.EMAIL_WARM})


@define(eq=False)
class WarmBox:
    """Implements `Gateway` and `RepeatsSafely` over a list.

    Attributes:
        reached: told of each mail that it accepted.
        guarded: it takes no channel that it is not for.
        repeats_for: how long it knows a message by its key.
        name: of its ids; asked: machine time of each call.
        calm, down_until: as of the provider of cold mail.
    """

    schedule: Schedule
    mail: Mail
    rng: random.Random
    seen: Counter[str]
    reached: Callable[[Parcel, Sent], None]
    guarded: bool = True
    calm: bool = False
    down_until: float = 0.0
    repeats_for: timedelta = timedelta(hours=23)
    name: str = "w"
    sent: list[Sent] = field(factory=list)
    asked: list[datetime] = field(factory=list)
    _keys: dict[str, Sent] = field(factory=dict)

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        """See `Gateway.send`."""
        del within
        if self.guarded:
            parcel.permit.demand(_WARM)
        self.asked.append(self.schedule.clock.machine)
        if not self.calm and self.schedule.now < self.down_until:
            return NotAccepted(lane=True, detail="not connected")
        mail, drawn = self.mail, 1.0 if self.calm else self.rng.random()
        if (drawn := drawn - mail.lost) < 0:
            return UnknownOutcome("no answer")
        if (drawn := drawn - mail.silent) < 0:
            self._take(parcel)
            return UnknownOutcome("no answer")
        if drawn < mail.refused:
            return NotAccepted(lane=True, detail="429")
        return Accepted(self._take(parcel).uid)

    async def repeat(
        self, parcel: Parcel, since: datetime, within: timedelta
    ) -> Answer:
        """See `RepeatsSafely.repeat`."""
        if self.schedule.clock.machine - since >= self.repeats_for:
            return NotAccepted(lane=False, detail="too late to repeat it safely")
        self.seen["repeated with its key"] += 1
        return await self.send(parcel, within)

    def _take(self, parcel: Parcel) -> Sent:
        key = str(parcel.attempt)
        known = self._keys.get(key)
        if known is not None:
            return known
        now = self.schedule.clock.machine
        one = Sent(
            uid=f"{self.name}{len(self.sent) + 1}",
            phone=parcel.sender_number,
            to=parcel.to,
            text=parcel.text,
            on=now,
            at=now,
            channel=parcel.permit.channel,
            subject=parcel.subject,
        )
        self._keys[key] = one
        self.sent.append(one)
        self.seen["warm mail accepted"] += 1
        self.reached(parcel, one)
        return one
