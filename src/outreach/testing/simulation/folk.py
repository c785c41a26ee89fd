"""The people of a world: prospects who answer, and operators who interfere."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from attrs import define

from outreach.domain.address import AddressKind, phone_key
from outreach.domain.analysis import Analysis, ReplyIntent
from outreach.domain.answer import Answer
from outreach.domain.channel import Channel
from outreach.domain.errors import OutreachError, RetryLater
from outreach.domain.event import EventType
from outreach.domain.message import Parcel
from outreach.domain.new_sender import NewSender
from outreach.domain.review import Resolution
from outreach.domain.sender import Sender, SenderSignal
from outreach.domain.suppression import Suppression, SuppressionReason, SwitchScope
from outreach.ports.lanes import Claim
from outreach.testing.judge import Sent
from outreach.testing.simulation.parts import TENANT, Parts
from outreach.testing.simulation.post import Post
from outreach.testing.simulation.schedule import Life, Schedule
from outreach.testing.simulation.seam import suspend
from outreach.testing.simulation.weather import DAY_S, Weather

__all__ = ["ANALYSES", "Operators", "Prospects"]

_HOUR_S: Final = 3600.0


def _said(intent: ReplyIntent, sentiment: int) -> Analysis:
    return Analysis(intent, sentiment, 0.9, "ro", (), "scripted/1")


ANALYSES: Final = {
    "da, trimiteți": _said(ReplyIntent.INTERESTED, 80),
    "cât costă?": _said(ReplyIntent.QUESTION, 10),
    "nu ne interesează": _said(ReplyIntent.NOT_INTERESTED, -20),
    "hm": _said(ReplyIntent.NEUTRAL, 0),
}
"""What prospects say, and what the analyst makes of it."""
_WORDS: Final = tuple(ANALYSES)
_ANSWERS: Final = (
    Resolution.EDITED,
    Resolution.EDITED,
    Resolution.APPROVED,
    Resolution.IGNORED,
    Resolution.MARKED_DEAD,
    Resolution.OPTED_OUT,
    Resolution.TAKEOVER,
)


@define(eq=False)
class Prospects:
    """Everyone a message can reach.

    Attributes:
        unsaid: whether the engine does not know yet that a message was accepted.
    """

    weather: Weather
    rng: random.Random
    schedule: Schedule
    post: Post
    unsaid: Callable[[Sent], bool]
    seen: Counter[str]
    _replies: int = 0

    def reached(self, parcel: Parcel, sent: Sent) -> None:
        """A message was accepted: echoes of it, and perhaps an answer."""
        rng, weather = self.rng, self.weather
        if rng.random() < weather.echoed:
            self._echo(EventType.SENT, parcel, sent)
            if rng.random() < 0.1:
                self._echo(EventType.DELIVERED, parcel, sent)
        drawn = rng.random()
        if (drawn := drawn - weather.answering) < 0:
            # Some answer faster than their message is echoed, others after days.
            after = rng.choice((1.0, 600.0, 8 * _HOUR_S, 3 * DAY_S)) * rng.random()
            self._answer(sent, rng.choice(_WORDS), after)
        elif (drawn := drawn - weather.leaving) < 0:
            self._answer(sent, "stop", 4 * _HOUR_S * rng.random())
        elif (drawn := drawn - weather.absent) < 0:
            after = 60.0 * rng.random()
            self._answer(sent, "revin", after, kind=EventType.AUTO_REPLY)

    def _echo(self, kind: EventType, parcel: Parcel, sent: Sent) -> None:
        self.post.tell(
            kind,
            ref=sent.uid,
            thread=f"{sent.phone}/{sent.to}",
            sender=sent.phone,
            address=phone_key(sent.to),
            content=parcel.text if kind is EventType.SENT else "",
            ours=True,
        )

    def _answer(
        self,
        sent: Sent,
        words: str,
        after: float,
        kind: EventType = EventType.REPLY,
    ) -> None:
        self._replies += 1
        ref = f"r{self._replies}"

        def write() -> None:
            if kind is EventType.REPLY and self.unsaid(sent):
                self.seen["reply before SENT"] += 1
            self.post.tell(
                kind,
                quick=after <= 1,
                ref=ref,
                thread=f"{sent.phone}/{sent.to}",
                sender=sent.phone,
                address=phone_key(sent.to),
                content=words,
            )

        self.schedule.call(self.schedule.now + after, write)


@define(eq=False)
class Operators:
    """People with commands; each is a use case, and may be told to try again.

    Attributes:
        numbers: of all leads.
        wrote: told of a phone and a number that a person wrote to from its own app.
    """

    weather: Weather
    rng: random.Random
    schedule: Schedule
    parts: Parts
    post: Post
    seen: Counter[str]
    switches: Any
    senders: Any
    reviews: Any
    answer_review: Any
    signal: Any
    numbers: tuple[str, ...]
    wrote: Callable[[str, str], None]
    _life: Life
    _edits: int = 0

    def start(self) -> None:
        """Begin to interfere; stop with the calm, and undo what still stands."""
        self._every(self.weather.commands, self._pause_phone)
        self._every(self.weather.commands / 2, self._throw_switch)
        self._every(self.weather.commands, self._suppress)
        self._every(self.weather.external, self._write_themselves)
        self._spawn(self._review())

    def _every(self, per_day: float, what: Callable[[], Awaitable[None]]) -> None:
        if per_day > 0:
            self._spawn(self._repeat(per_day, what))

    def _spawn(self, coroutine: Any) -> None:
        self.schedule.spawn(self._life, coroutine, "people")

    async def _repeat(
        self, per_day: float, what: Callable[[], Awaitable[None]]
    ) -> None:
        while True:
            await suspend(self.rng.expovariate(per_day / DAY_S))
            if self.schedule.now > self.schedule.calm - 2 * _HOUR_S:
                return
            await self._insist(what)

    async def _insist(self, what: Callable[[], Awaitable[object]]) -> None:
        """A person tries until it is done."""
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

    async def _pause_phone(self) -> None:
        phone = self.rng.choice(tuple(self.parts.store.lanes))
        await self.signal(TENANT, phone, SenderSignal.PAUSE, why="lunch", by="ana")
        await suspend(_HOUR_S * self.rng.random())
        await self._insist(
            lambda: self.signal(
                TENANT, phone, SenderSignal.RESUME, why="back", by="ana"
            )
        )

    async def _throw_switch(self) -> None:
        scope, of = SwitchScope.TENANT, ""
        if self.rng.random() < 0.5:
            scope = SwitchScope.SENDER
            of = str(self.rng.choice(tuple(self.parts.store.lanes)))
        await self.switches.throw(TENANT, scope, of, reason="drill", by="ana")
        self.seen["kill switch"] += 1
        await suspend(_HOUR_S * self.rng.random())
        await self._insist(
            lambda: self.switches.lift(TENANT, scope, of, reason="over", by="ana")
        )

    async def _suppress(self) -> None:
        await self._stop(self.rng.choice(self.numbers))

    async def _write_themselves(self) -> None:
        """A message from the phone's own app; the provider tells of it."""
        store = self.parts.store
        phones = [
            lane.sender.number
            for lane in store.lanes.values()
            if lane.sender.channel is Channel.WHATSAPP
        ]
        phone = self.rng.choice(phones)
        number = self.rng.choice(self.numbers)
        self.wrote(phone, number)
        self.post.tell(
            EventType.EXTERNAL_SENT,
            ref=f"x{self.rng.randrange(10**9)}",
            thread=f"{phone}/{number}",
            sender=phone,
            address=phone_key(number),
            content="bună ziua",
        )

    def claimed(self, claim: Claim) -> None:
        """A lane was claimed: perhaps somebody means its message, or its phone."""
        if self.schedule.now > self.schedule.calm or not claim.cases:
            return
        if self.rng.random() < self.weather.aimed:
            numbers = [
                key.value
                for key in claim.cases[0].addresses
                if key.kind is AddressKind.PHONE
            ]
            number = self.rng.choice(numbers or self.numbers)
            self._spawn(self._insist(lambda: self._stop(number)))
        case = claim.cases[-1]
        if case.sender is None or case.ledger is None or case.ledger.used == 0:
            return  # a mailer has no units, and never used any
        if self.rng.random() < self.weather.aimed:
            self._spawn(self._lower(case.sender, case.ledger.used))

    async def _stop(self, number: str) -> None:
        one = Suppression(
            phone_key(number), SuppressionReason.PERSON, "ana", self.parts.store.now
        )
        await self.switches.suppress(TENANT, [one])

    async def _lower(self, sender: Sender, limit: int) -> None:
        """Somebody imports the phones again with a lower limit; later with the old."""
        for daily in (limit, self.weather.limit):
            new = NewSender(
                number=sender.number,
                provider=sender.provider,
                time_zone=sender.time_zone,
                daily_limit=daily,
            )
            await self._insist(partial(self.senders.import_, TENANT, [new]))
            await suspend(600.0)

    async def _review(self) -> None:
        """Somebody looks at what waits, now and then."""
        while True:
            await suspend(2 * _HOUR_S * (0.5 + self.rng.random()))
            if not self.parts.store.reviews:
                continue
            try:
                views = await self.reviews.queue(TENANT, limit=3)
            except RetryLater:
                continue
            for view in views:
                answer = self._decided(view.item.fingerprint or "")
                lead = view.item.lead
                await self._insist(partial(self.answer_review, TENANT, lead, answer))

    def _decided(self, fingerprint: str) -> Answer:
        resolution = self.rng.choice(_ANSWERS)
        self._edits += 1
        text = f"răspunsul {self._edits}" if resolution is Resolution.EDITED else ""
        return Answer(
            resolution=resolution,
            by="ana",
            fingerprint=fingerprint,
            text=text,
            outside_window=self.rng.random() < 0.3,
        )
