"""Who is written to, and the provider between: both drawn from the seed alone."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from attrs import define, field, frozen

from outreach.domain.address import AddressKey, phone_key
from outreach.domain.channel import Channel
from outreach.domain.event import Arrival, EventType, SystemEvent
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Parcel,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal, SenderState
from outreach.entrypoints.simulated.asked import Asked, Faults
from outreach.ports.gateway import Absent, AccountSender, CannotTell, Found

__all__ = ["PROVIDER", "Crowd", "Delivery", "Heard"]

PROVIDER: Final = "simulated"

_ANSWERS: Final = (
    (0.25, ("Da, mă interesează. Ce preț aveți?", "Sunt interesat, sunați-mă")),
    (0.30, ("Nu acum, poate la toamnă", "Nu ne interesează, mulțumesc")),
    (0.12, ("STOP", "Nu îmi mai scrieți", "Vă rog să mă dezabonați")),
    (0.33, ("Bună ziua", "Ok", "Cine sunteți?", "Am văzut mesajul")),
)
_SOON: Final = timedelta(hours=3)
_WAIT: Final = timedelta(seconds=60)
_LOOKED_OFF: Final = timedelta(hours=2)


@frozen
class _Trouble:
    """Chances of each call, and of each phone and day."""

    limited: float = 0.0
    unanswered: float = 0.0
    lost: float = 0.0
    disconnects: float = 0.0
    banned: float = 0.0


_TROUBLE: Final = {
    Faults.NONE: _Trouble(),
    Faults.QUIET: _Trouble(limited=0.01, unanswered=0.003, lost=0.002),
    Faults.BRUTAL: _Trouble(
        limited=0.1, unanswered=0.03, lost=0.02, disconnects=0.05, banned=0.004
    ),
}


@frozen
class Delivery:
    """A message that the provider accepted."""

    at: datetime
    phone: str
    to: str
    text: str = field(repr=False)
    attempt: str


@define(order=True)
class Heard:
    """Something that comes in at a time."""

    at: datetime
    number: int
    event: SystemEvent = field(order=False)


@define(eq=False)
class Crowd:
    """Implements `Gateway`, `LooksUp` and `ListsAccounts`, and `Reads` what it tells.

    Attributes:
        now: engine time, moved by whoever plays.
        accepted: by the provider's own record.
        coming: what comes in later.
    """

    asked: Asked
    phones: Sequence[str]
    now: Callable[[], datetime]
    accepted: list[Delivery] = field(factory=list)
    coming: list[Heard] = field(factory=list)
    _numbers: Iterator[int] = field(factory=count, init=False)
    _told: dict[bytes, SystemEvent] = field(factory=dict, init=False)
    _off: dict[str, SenderState] = field(factory=dict, init=False)
    _refs: dict[str, str] = field(factory=dict, init=False)
    _gone: dict[str, bool] = field(factory=dict, init=False)
    _rng: random.Random = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._rng = random.Random(f"provider/{self.asked.seed}")

    # --- the provider

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        """One call; what goes wrong is drawn."""
        del within
        off = self._off.get(parcel.sender_number)
        if off is not None:
            banned = off is SenderState.BANNED
            signal = SenderSignal.BANNED if banned else SenderSignal.DISCONNECTED
            return NotAccepted(lane=True, detail=off, signal=signal)
        trouble, drawn = _TROUBLE[self.asked.faults], self._rng.random()
        if drawn < trouble.limited:
            return NotAccepted(lane=True, detail="429", retry_after=_WAIT)
        if drawn < trouble.limited + trouble.lost:
            return UnknownOutcome("no answer")
        if self._nobody(parcel.to):
            return Refused(Refusal.INVALID_RECIPIENT, "not on WhatsApp")
        ref = self._accept(parcel)
        if drawn > 1 - trouble.unanswered:
            return UnknownOutcome("no answer")
        return Accepted(ref)

    async def look(
        self, parcel: Parcel, since: datetime
    ) -> Found | Absent | CannotTell:
        """It knows messages by our id."""
        del since
        ref = self._refs.get(str(parcel.attempt))
        return Found(ref) if ref else Absent()

    async def senders(self) -> Sequence[AccountSender]:
        """All phones, and which are connected."""
        return [
            AccountSender(
                phone,
                phone,
                connected=phone not in self._off,
                state=self._off.get(phone),
            )
            for phone in self.phones
        ]

    def _accept(self, parcel: Parcel) -> str:
        ref = f"m{len(self.accepted) + 1}"
        self._refs[str(parcel.attempt)] = ref
        self.accepted.append(
            Delivery(
                self.now(),
                parcel.sender_number,
                parcel.to,
                parcel.text,
                str(parcel.attempt),
            )
        )
        self._answer(parcel, ref)
        return ref

    # --- the people

    def _nobody(self, number: str) -> bool:
        if number not in self._gone:
            rng = random.Random(f"number/{self.asked.seed}/{number}")
            self._gone[number] = rng.random() < self.asked.bounce_rate
        return self._gone[number]

    def _answer(self, parcel: Parcel, ref: str) -> None:
        """What the person says to it, if anything: the same for the same message."""
        rng = random.Random(f"person/{self.asked.seed}/{parcel.to}/{parcel.text}")
        if rng.random() >= self.asked.reply_rate:
            return
        (texts,) = rng.choices(
            [texts for _, texts in _ANSWERS], [weight for weight, _ in _ANSWERS]
        )
        after = _SOON * rng.expovariate(1.0) + timedelta(seconds=20)
        self._later(
            after,
            EventType.REPLY,
            ref=ref,
            sender=parcel.sender_number,
            address=phone_key(parcel.to),
            content=rng.choice(texts),
        )

    # --- what happens to phones

    def begin_day(self) -> None:
        """Draw what becomes of each phone today."""
        trouble = _TROUBLE[self.asked.faults]
        for phone in self.phones:
            if self._off.get(phone) is SenderState.BANNED:
                continue
            if self._rng.random() < trouble.banned:
                self._goes(phone, SenderState.BANNED, EventType.SENDER_BANNED)
            elif self._rng.random() < trouble.disconnects:
                self._goes(phone, SenderState.OFFLINE, EventType.SENDER_DISCONNECTED)

    def _goes(self, phone: str, state: SenderState, event: EventType) -> None:
        self._off[phone] = state
        self._later(timedelta(), event, sender=phone)
        if state is SenderState.OFFLINE:
            self._later(_LOOKED_OFF, EventType.SENDER_CONNECTED, sender=phone)

    # --- what comes in

    def _later(
        self,
        after: timedelta,
        kind: EventType,
        *,
        sender: str,
        ref: str = "",
        address: AddressKey | None = None,
        content: str = "",
    ) -> None:
        number, at = next(self._numbers), self.now() + after
        event = SystemEvent(
            key=f"heard:{number}",
            provider=PROVIDER,
            type=kind,
            channel=Channel.WHATSAPP,
            sender=sender,
            ref=ref,
            address=address,
            content=content,
            occurred_at=at,
        )
        heapq.heappush(self.coming, Heard(at, number, event))

    def next_at(self) -> datetime | None:
        """When the next thing comes in."""
        return self.coming[0].at if self.coming else None

    def arrivals(self) -> Iterator[Arrival]:
        """What has come in by now, as webhooks bring it."""
        while self.coming and self.coming[0].at <= self.now():
            heard = heapq.heappop(self.coming)
            event = heard.event
            if event.type is EventType.SENDER_CONNECTED:
                self._off.pop(event.sender, None)
            raw = event.key.encode()
            self._told[raw] = event
            yield Arrival(
                PROVIDER, "default", raw, event.key, event.type, event.address, heard.at
            )

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        """See `Reads.read`: a body names what was told."""
        return [self._told[raw]]
