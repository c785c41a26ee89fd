"""The mail of a world: two accounts, their readers, and who looks after campaigns."""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from typing import Any, Final, Self

from attrs import define

from outreach.domain.change import Duty, DutyKind
from outreach.domain.ids import AccountId
from outreach.testing.judge import Sent
from outreach.testing.simulation.campaigner import Campaigner
from outreach.testing.simulation.keepers import Keepers
from outreach.testing.simulation.mail_weather import Mail
from outreach.testing.simulation.parts import TENANT, Parts
from outreach.testing.simulation.place import (
    CAMPAIGNS,
    addresses_of,
    boxes_of,
    mailers_of,
    now,
)
from outreach.testing.simulation.post import Post
from outreach.testing.simulation.readers import Readers
from outreach.testing.simulation.schedule import Life, Schedule
from outreach.testing.simulation.warm_box import WarmBox
from outreach.testing.simulation.weather import DAY_S, Weather

__all__ = ["MailWorld"]

_HOUR_S: Final = 3_600.0


@define(eq=False)
class MailWorld:
    """Made before the engine is; draws from a generator of its own.

    Attributes:
        campaigner, boxes: the providers as they are, whatever a mutant puts around
            them; boxes are those of warm mail, by name.
    """

    mail: Mail
    rng: random.Random
    schedule: Schedule
    parts: Parts
    readers: Readers
    campaigner: Campaigner
    boxes: dict[str, WarmBox]
    keepers: Keepers | None = None

    @classmethod
    def of(
        cls,
        weather: Weather,
        schedule: Schedule,
        post: Post,
        parts: Parts,
        seen: Counter[str],
    ) -> Self | None:
        """None: a world of phones alone."""
        mail = weather.mail
        if mail is None:
            return None
        rng = random.Random(f"mail world {weather.seed}")
        addresses = sorted(addresses_of(weather).values())
        drawn = {one: rng.random() for one in addresses}
        nowhere = {one for one, at in drawn.items() if at < mail.nobody}
        unwanted = {one for one, at in drawn.items() if at > 1 - mail.unwanted}
        readers = Readers(
            mail,
            weather.echoed,
            rng,
            schedule,
            post,
            parts,
            seen,
            frozenset(nowhere),
        )
        campaigner = Campaigner(
            schedule, mail, rng, seen, frozenset(unwanted), readers.reached
        )
        campaigner.returned = readers.gone
        boxes = {
            name: WarmBox(schedule, mail, rng, seen, readers.reached, name=name[0])
            for name in boxes_of(mail)
        }
        now(parts.senders.import_(TENANT, mailers_of(weather)))
        parts.mail = {CAMPAIGNS: campaigner, **boxes}
        return cls(mail, rng, schedule, parts, readers, campaigner, boxes)

    @property
    def warm(self) -> list[Sent]:
        """What all boxes accepted."""
        return [sent for box in self.boxes.values() for sent in box.sent]

    @property
    def _providers(self) -> list[Campaigner | WarmBox]:
        return [self.campaigner, *self.boxes.values()]

    def account(self, provider: str) -> AccountId:
        """The one account of a provider."""
        accounts = self.parts.store.accounts.values()
        return next(one.id for one in accounts if one.provider == provider)

    def people(
        self, weather: Weather, switches: Any, life: Life, seen: Counter[str]
    ) -> Keepers:
        """Those who look after campaigns, over switches behind their seam."""
        addresses = tuple(sorted(addresses_of(weather).values()))
        rng, parts, schedule = self.rng, self.parts, self.schedule
        self.keepers = Keepers(
            self.mail, rng, schedule, parts, switches, addresses, seen, life
        )
        return self.keepers

    def start(self) -> None:
        """Readings of the account's counts are due, and troubles drawn."""
        key, at = str(self.account(CAMPAIGNS)), self.parts.store.now
        self.parts.store.put_duty(Duty(DutyKind.MAIL_COUNTS, key, TENANT, at))
        for provider in self._providers:
            time = 0.0
            while self.mail.down > 0:
                time += self.rng.expovariate(self.mail.down / DAY_S)
                if time > self.schedule.calm - _HOUR_S:
                    break
                self.schedule.call(time, partial(self._down, provider))
        if self.keepers is not None:
            self.keepers.start()

    def calm_down(self) -> None:
        """No fault any more."""
        for provider in self._providers:
            provider.calm = True

    def _down(self, provider: Campaigner | WarmBox) -> None:
        minutes = self.rng.choice((5.0, 40.0, 240.0)) * self.rng.random()
        provider.down_until = self.schedule.now + 60.0 * minutes
