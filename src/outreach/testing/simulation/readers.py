"""Everyone a mail can reach, and what comes back of it."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime
from typing import Any, Final

from attrs import define, field

from outreach.domain.address import AddressKey, AddressKind
from outreach.domain.event import EventType
from outreach.domain.message import Parcel
from outreach.testing.judge import Sent
from outreach.testing.simulation.folk import ANALYSES
from outreach.testing.simulation.mail_weather import Mail
from outreach.testing.simulation.parts import TENANT, Parts
from outreach.testing.simulation.post import Post
from outreach.testing.simulation.schedule import Schedule

__all__ = ["LINKS", "Readers"]

LINKS: Final = "link"
"""What tells of a link that was followed, as the intake of pages does."""

_HOUR_S: Final = 3_600.0
_WORDS: Final = tuple(ANALYSES)


@define(eq=False)
class Readers:
    """Told of each mail that left.

    Attributes:
        nowhere: addresses whose mail comes back.
        returned: ids of the mails that did, and when.
        gone: told of the provider's campaign a mail came back to.
    """

    mail: Mail
    echoed: float
    rng: random.Random
    schedule: Schedule
    post: Post
    parts: Parts
    seen: Counter[str]
    nowhere: frozenset[str]
    returned: dict[str, datetime] = field(factory=dict)
    gone: Counter[str] = field(factory=Counter)
    _letters: int = 0

    def reached(self, parcel: Parcel, sent: Sent) -> None:
        """It left: its echo, and what its reader does."""
        rng, mail = self.rng, self.mail
        if rng.random() < self.echoed:
            self._about(EventType.SENT, parcel, 60.0 * rng.random())
        if sent.to in self.nowhere:
            self._returns(parcel, sent)
            return
        drawn = rng.random()
        if (drawn := drawn - mail.answering) < 0:
            words = rng.choice((*_WORDS, *_WORDS, "stop", "revin"))
            self._answers(parcel, words)
        elif (drawn := drawn - mail.leaving) < 0:
            after = 8 * _HOUR_S * rng.random()
            if rng.random() < 0.5:
                self._about(EventType.UNSUBSCRIBE, parcel, after)
            else:
                self._by_link(parcel, after)
        elif (drawn := drawn - mail.complaining) < 0:
            self._about(EventType.COMPLAINT, parcel, 8 * _HOUR_S * rng.random())
        elif drawn < 0.05:
            self._about(EventType.SOFT_BOUNCE, parcel, _HOUR_S * rng.random())

    def _returns(self, parcel: Parcel, sent: Sent) -> None:
        self.returned[sent.uid] = self.schedule.clock.machine
        self.gone[parcel.campaign] += 1
        self.seen["mail came back"] += 1
        says = "550 5.1.1 no such user"
        after = 300.0 * self.rng.random()
        self._about(EventType.BOUNCE, parcel, after, diagnostic=says)

    def _answers(self, parcel: Parcel, words: str) -> None:
        self._letters += 1
        # Some answer faster than their mail is echoed, others after a day.
        longest = self.rng.choice((1.0, 600.0, 8 * _HOUR_S, 24 * _HOUR_S))
        away = words == "revin"
        facts: dict[str, Any] = {
            "ref": f"l{self._letters}",
            "sender": parcel.sender_number,
            "content": words,
            "subject": f"RE: {parcel.subject}",
            "thread": f"t/{parcel.to}",
        }
        kind = EventType.AUTO_REPLY if away else EventType.REPLY
        self.seen["a reply by mail"] += not away
        self._later(kind, parcel, longest * self.rng.random(), facts)

    def _about(
        self, kind: EventType, parcel: Parcel, after: float, **facts: Any
    ) -> None:
        """Our own id comes back with it, as campaigns and tags carry it."""
        self._later(kind, parcel, after, {"ref": str(parcel.attempt), **facts})

    def _later(
        self, kind: EventType, parcel: Parcel, after: float, facts: dict[str, Any]
    ) -> None:
        provider = self.parts.store.accounts[parcel.account].provider

        def tell() -> None:
            self.post.tell(
                kind,
                provider=provider,
                channel=parcel.permit.channel,
                address=AddressKey(AddressKind.EMAIL, parcel.to),
                **facts,
            )

        self.schedule.call(self.schedule.now + after, tell)

    def _by_link(self, parcel: Parcel, after: float) -> None:
        lead = self.parts.store.attempts[parcel.attempt].lead

        def follow() -> None:
            self.seen["a link was followed"] += 1
            self.post.tell(
                EventType.UNSUBSCRIBE,
                provider=LINKS,
                channel=parcel.permit.channel,
                tenant=TENANT,
                lead=lead,
            )

        self.schedule.call(self.schedule.now + after, follow)
