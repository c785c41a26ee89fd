"""A provider of cold mail that works by campaigns: it takes leads, and writes later.

It keeps a record of what it accepted and of what it sent on, and is no better than
others: answers are lost, a call is accepted in part, a stop is not heard. What it was
given without a campaign it sends when it likes, as a vendor would.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import define, evolve, field, frozen

from outreach.domain.channel import Channel
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Parcel,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.provider_campaign import (
    CampaignCounts,
    CampaignHold,
    CampaignPlan,
)
from outreach.domain.stop import Stop, StopKind
from outreach.domain.window import Hours, Window
from outreach.ports.gateway import (
    Absent,
    Again,
    CannotTell,
    Confirmed,
    Found,
    Held,
    Running,
)
from outreach.testing.judge import Sent
from outreach.testing.judge_mail import Passed
from outreach.testing.simulation.mail_weather import Mail
from outreach.testing.simulation.schedule import Schedule

__all__ = ["Campaigner"]

_HOUR_S: Final = 3_600.0
_REPEATS_FOR: Final = timedelta(hours=23)
_COLD: Final = frozenset({Channel.EMAIL_COLD})
_ANSWERING: Final = frozenset({Channel.EMAIL_COLD, Channel.EMAIL_WARM})


@frozen
class _Campaign:
    ref: str
    plan: CampaignPlan
    hold: CampaignHold | None = CampaignHold.DRAFT

    @property
    def window(self) -> Window:
        """When it sends, as it was told."""
        plan = self.plan
        days = frozenset(day - 1 for day in plan.days)
        return Window((plan.zone,), Hours(plan.opens, plan.closes, days))


@define(eq=False)
class Campaigner:
    """Implements what the gateway ports ask of such an account, over plain lists.

    Attributes:
        bad: addresses that it refuses when they are handed over.
        reached: told of each mail that left.
        guarded: it takes no channel that it is not for.
        sent: what it accepted, in order; passed: what left it.
        heard: stops that it carried out, by kind and what they are about.
        calm: no fault any more.
        down_until: nobody can reach it.
    """

    schedule: Schedule
    mail: Mail
    rng: random.Random
    seen: Counter[str]
    bad: frozenset[str]
    reached: Callable[[Parcel, Sent], None]
    guarded: bool = True
    calm: bool = False
    down_until: float = 0.0
    campaigns: dict[str, _Campaign] = field(factory=dict)
    sent: list[Sent] = field(factory=list)
    passed: list[Passed] = field(factory=list)
    heard: set[tuple[StopKind, str]] = field(factory=set)
    contacted: Counter[str] = field(factory=Counter)
    returned: Counter[str] = field(factory=Counter)
    _there: dict[str, Accepted] = field(factory=dict)
    _blocked: set[str] = field(factory=set)

    # --- leads

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        """See `Gateway.send`: one lead, or an answer in a conversation."""
        (answer,) = await self.send_many([parcel], within)
        return answer

    async def send_many(
        self, parcels: Sequence[Parcel], within: timedelta
    ) -> Sequence[Answer]:
        """See `SendsMany.send_many`."""
        del within
        for parcel in parcels if self.guarded else ():
            answers = self.mail.answers and parcel.thread
            parcel.permit.demand(_ANSWERING if answers else _COLD)
        if len(parcels) > 1:
            self.seen["many in one call"] += 1
        if self._is_down():
            return [NotAccepted(lane=True, detail="not connected")] * len(parcels)
        mail, drawn = self.mail, self._drawn()
        if (drawn := drawn - mail.lost) < 0:
            return [UnknownOutcome("no answer")] * len(parcels)
        if (drawn := drawn - mail.silent) < 0:
            return self._silent(parcels, len(parcels))
        if (drawn := drawn - mail.torn) < 0:
            return self._silent(parcels, self.rng.randrange(len(parcels) + 1))
        if drawn < mail.refused:
            return [NotAccepted(lane=True, detail="429")] * len(parcels)
        return [self._take(parcel) for parcel in parcels]

    async def repeat(
        self, parcel: Parcel, since: datetime, within: timedelta
    ) -> Answer:
        """See `RepeatsSafely.repeat`: a lead that is in its campaign is met there."""
        if not parcel.campaign or self._now - since >= _REPEATS_FOR:
            return NotAccepted(lane=False, detail="it cannot be repeated safely")
        self.seen["a lost add repeated"] += 1
        there = self._there.get(str(parcel.attempt))
        if there is not None and not self._is_down():
            return UnknownOutcome("no answer") if self._unheard() else there
        answer = await self.send(parcel, within)
        # A refusal proves nothing of the first time.
        return UnknownOutcome("refused") if isinstance(answer, Refused) else answer

    def _silent(self, parcels: Sequence[Parcel], taken: int) -> Sequence[Answer]:
        if len(parcels) > 1:
            self.seen["answer for many lost"] += 1
        for parcel in parcels[:taken]:
            self._take(parcel)
        return [UnknownOutcome("no answer")] * len(parcels)

    def _take(self, parcel: Parcel) -> Answer:
        if parcel.to in self.bad:
            return Refused(Refusal.INVALID_RECIPIENT, "no such address")
        if parcel.to in self._blocked:
            return Refused(Refusal.REJECTED, "blocked")
        now = self._now
        warm = parcel.permit.channel is Channel.EMAIL_WARM
        one = Sent(
            uid=f"c{len(self.sent) + 1}",
            phone=parcel.sender_number,
            to=parcel.to,
            text=parcel.text,
            on=now,
            at=now,
            channel=parcel.permit.channel,
            subject=parcel.subject,
        )
        self.sent.append(one)
        answer = Accepted(one.uid, parcel.thread or f"t/{parcel.to}")
        self._there[str(parcel.attempt)] = answer
        if warm:
            self.reached(parcel, one)
        else:
            self.schedule.call(self._some_time(), lambda: self._pass(parcel, one))
        return answer

    def _some_time(self) -> float:
        longest = self.rng.choice((0.1, 1.0, 5.0))
        return self.schedule.now + longest * _HOUR_S * self.rng.random()

    def _pass(self, parcel: Parcel, one: Sent) -> None:
        """Send it on, if it is still there and its campaign's hours are."""
        if (StopKind.WITHDRAW, str(parcel.attempt)) in self.heard:
            return
        if one.to in self._blocked:
            return
        there, now = self.campaigns.get(parcel.campaign), self._now
        if there is not None and (
            there.hold is not None or not there.window.is_open(now)
        ):
            opens = there.window.next_open(now)
            wait = _HOUR_S if opens is None else (opens - now).total_seconds()
            at = self.schedule.now + max(wait, 60.0) + _HOUR_S * self.rng.random()
            self.schedule.call(at, lambda: self._pass(parcel, one))
            return
        self.passed.append(Passed(one.uid, one.to, parcel.campaign, now))
        self.contacted[parcel.campaign] += 1
        self.reached(parcel, one)

    async def look(self, parcel: Parcel, since: object) -> Found | Absent | CannotTell:
        """See `LooksUp.look`."""
        del since
        if self._is_down() or self._unheard():
            return CannotTell("no answer")
        there = self._there.get(str(parcel.attempt))
        return Absent() if there is None else Found(there.ref, there.thread)

    async def look_many(
        self, parcels: Sequence[Parcel], since: object
    ) -> Sequence[Found | Absent | CannotTell]:
        """See `LooksUpMany.look_many`."""
        return [await self.look(parcel, since) for parcel in parcels]

    # --- campaigns

    async def ensure(self, plan: CampaignPlan, ref: str = "") -> Running | Held | Again:
        """See `RunsCampaigns.ensure`."""
        if self._is_down():
            return Again("not connected")
        named = (one for one in self.campaigns.values() if one.plan.name == plan.name)
        there = self.campaigns.get(ref) or next(named, None)
        if there is None:
            there = _Campaign(f"k{len(self.campaigns) + 1}", plan)
            self.campaigns[there.ref] = there
            if self._unheard():
                return Again("no answer")
        if there.hold is CampaignHold.DRAFT:
            self._set(there.ref, None)
            if self._unheard():
                return Again("no answer")
        elif there.hold is None and not self.calm and self._drawn() < self.mail.held:
            self._set(there.ref, CampaignHold.BOUNCES)
            self.seen["the provider stops a campaign"] += 1
        return self._state(there.ref)

    async def state(self, ref: str) -> Running | Held | Again:
        """See `RunsCampaigns.state`."""
        return Again("not connected") if self._is_down() else self._state(ref)

    async def resume(self, ref: str) -> Running | Held | Again:
        """See `RunsCampaigns.resume`."""
        if self._is_down():
            return Again("not connected")
        if ref in self.campaigns:
            self._set(ref, None)
            self.heard = {one for one in self.heard if one[0] is not StopKind.PAUSE}
            self.seen["a campaign goes on"] += 1
        return Again("no answer") if self._unheard() else self._state(ref)

    async def counts(self, refs: Sequence[str]) -> Sequence[CampaignCounts]:
        """See `RunsCampaigns.counts`."""
        contacted, returned = self.contacted, self.returned
        return [
            CampaignCounts(ref, contacted[ref], returned[ref])
            for ref in refs
            if contacted[ref]
        ]

    def _state(self, ref: str) -> Running | Held:
        there = self.campaigns.get(ref)
        if there is None:
            return Held(ref, CampaignHold.ABSENT, "there is no such campaign")
        if there.hold is None:
            return Running(ref)
        return Held(ref, there.hold, there.hold.lower())

    def _set(self, ref: str, hold: CampaignHold | None) -> None:
        self.campaigns[ref] = evolve(self.campaigns[ref], hold=hold)

    # --- stops

    async def stop(self, stop: Stop) -> Confirmed | Again:
        """See `TakesBack.stop`."""
        if self._is_down():
            self.seen["a stop not heard"] += 1
            return Again("not connected")
        self.heard.add((stop.kind, stop.about))
        if stop.kind is StopKind.BLOCK:
            self._blocked.add(stop.to)
        elif stop.kind is StopKind.PAUSE and stop.ref in self.campaigns:
            self._set(stop.ref, CampaignHold.PAUSED)
        return Again("no answer") if self._unheard() else Confirmed()

    # --- faults

    @property
    def _now(self) -> datetime:
        return self.schedule.clock.machine

    def _is_down(self) -> bool:
        return not self.calm and self.schedule.now < self.down_until

    def _unheard(self) -> bool:
        return self._drawn() < self.mail.unheard

    def _drawn(self) -> float:
        return 1.0 if self.calm else self.rng.random()
