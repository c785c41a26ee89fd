"""A provider that keeps a record of what it accepted, and is no better than others.

Its record is the judge of a world. Everything else about it is drawn.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto

from attrs import define, field

from outreach.domain.message import (
    Accepted,
    Answer,
    MessageStatus,
    NotAccepted,
    Parcel,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal, SenderState
from outreach.ports.gateway import Absent, AccountSender, CannotTell, Found, Status
from outreach.testing.judge import Sent
from outreach.testing.simulation.clock import VirtualClock
from outreach.testing.simulation.weather import Weather

__all__ = ["Line", "Provider"]


class Line(Enum):
    """What the provider has of a phone."""

    UP = auto()
    DOWN = auto()
    BANNED = auto()


_STATES = {Line.UP: None, Line.DOWN: None, Line.BANNED: SenderState.BANNED}


@define(eq=False)
class Provider:
    """Implements the gateway ports over a list.

    Attributes:
        bad: numbers that nobody has.
        accepted: told of each accepted message, to make its echoes and replies.
        calm: no fault any more.
        banned_in_call: told of a phone that was banned while it sent.
    """

    clock: VirtualClock
    weather: Weather
    rng: random.Random
    seen: Counter[str]
    bad: frozenset[str]
    accepted: Callable[[Parcel, Sent], None]
    calm: bool = False
    lines: dict[str, Line] = field(factory=dict)
    sent: list[Sent] = field(factory=list)
    _by_hash: dict[str, list[Sent]] = field(factory=dict)
    _by_uid: dict[str, Sent] = field(factory=dict)

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        """See `Gateway.send`."""
        del within
        phone = parcel.sender_number
        line = self.lines[phone]
        if not self.calm and self.rng.random() < self.weather.bans:
            self.seen["ban in a call"] += 1
            self.lines[phone] = line = Line.BANNED
        if line is Line.BANNED:
            signal = SenderSignal.BANNED
            return NotAccepted(lane=True, detail="banned", signal=signal)
        if line is Line.DOWN:
            signal = SenderSignal.DISCONNECTED
            return NotAccepted(lane=True, detail="not connected", signal=signal)
        if parcel.to in self.bad:
            return Refused(Refusal.INVALID_RECIPIENT, "nobody has this number")
        return self._accept(parcel) if self.calm else self._perhaps(parcel)

    def _perhaps(self, parcel: Parcel) -> Answer:
        weather, drawn = self.weather, self.rng.random()
        if (drawn := drawn - weather.silent) < 0:
            self._accept(parcel)
            return UnknownOutcome("no answer")
        if (drawn := drawn - weather.lost) < 0:
            return UnknownOutcome("no answer")
        if (drawn := drawn - weather.broken) < 0:
            return UnknownOutcome("503")
        if (drawn := drawn - weather.refused) < 0:
            asked = timedelta(seconds=60) if self.rng.random() < 0.5 else None
            return NotAccepted(lane=True, detail="429", retry_after=asked)
        if (drawn := drawn - weather.refused / 4) < 0:
            return NotAccepted(lane=False, detail="try again")
        if (drawn := drawn - weather.cold) < 0:
            return Refused(Refusal.COLD_RESTRICTED, "463")
        return self._accept(parcel)

    def _accept(self, parcel: Parcel) -> Accepted:
        now = self.clock.machine
        uid = f"m{len(self.sent) + 1}"
        thread = f"{parcel.sender_number}/{parcel.to}"
        one = Sent(uid, parcel.sender_number, parcel.to, parcel.text, now, now)
        self.sent.append(one)
        self._by_hash.setdefault(parcel.hash, []).append(one)
        self._by_uid[uid] = one
        self.accepted(parcel, one)
        return Accepted(uid, thread)

    async def look(
        self, parcel: Parcel, since: datetime
    ) -> Found | Absent | CannotTell:
        """See `LooksUp.look`."""
        if not self.calm and self.rng.random() < 10 * self.weather.error:
            return CannotTell("no answer")
        for one in self._by_hash.get(parcel.hash, ()):
            if one.on >= since:
                return Found(one.uid, f"{one.phone}/{one.to}")
        return Absent()

    async def statuses(self, refs: Sequence[str]) -> Sequence[Status]:
        """See `PollsStatus.statuses`."""
        return [
            Status(ref, MessageStatus.DELIVERED, None, sender=self._by_uid[ref].phone)
            for ref in refs
            if ref in self._by_uid
        ]

    async def senders(self) -> Sequence[AccountSender]:
        """See `ListsAccounts.senders`."""
        return [
            AccountSender(number, "", connected=line is Line.UP, state=_STATES[line])
            for number, line in self.lines.items()
        ]
