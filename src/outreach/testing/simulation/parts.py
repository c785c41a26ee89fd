"""The engine of a simulated world: the real use cases over the memory adapters.

Whoever plants a defect changes the parts before the use cases are made of them.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID

from attrs import define, evolve, field

from outreach.adapters.memory import (
    MemoryAccounts,
    MemoryAlerts,
    MemoryAllocations,
    MemoryAudit,
    MemoryCampaigns,
    MemoryDuties,
    MemoryHostedCampaigns,
    MemoryInbox,
    MemoryIntents,
    MemoryJourneys,
    MemoryLanes,
    MemoryLeads,
    MemoryReviews,
    MemorySenders,
    MemoryStops,
    MemoryStore,
    MemorySwitches,
    MemoryWatch,
    TenantRow,
)
from outreach.adapters.memory.guard import MemoryGuard
from outreach.domain.budget import HARD_LIMIT, Ask, Grant, GuardCode
from outreach.domain.change import Duty, DutyKind
from outreach.domain.channel import State
from outreach.domain.ids import AccountId, AttemptId, TenantId
from outreach.domain.review import ReviewCalendar
from outreach.domain.sender import Sender
from outreach.domain.usecases.host_campaigns import LOOKED_AT_EVERY
from outreach.domain.usecases.send_next import SendNext
from outreach.domain.usecases.take_in_events import TakeInEvents
from outreach.ports.lanes import ALONE
from outreach.testing.judge_mail import Opened
from outreach.testing.simulation.clock import VirtualClock
from outreach.testing.simulation.provider import Provider
from outreach.testing.simulation.seam import no_pause
from outreach.testing.simulation.weather import Layer, Weather

__all__ = ["HOME", "TENANT", "Parts", "open_guard", "parts_of"]

TENANT: Final = TenantId(UUID(int=0xA))
HOME: Final = "Europe/Bucharest"


class NoHolidays:
    """Implements `outreach.ports.calendar.Calendar`: every country works always."""

    def holidays(self, _country: str, _year: int) -> frozenset[date]:
        """None."""
        return _NONE


_NONE: Final[frozenset[date]] = frozenset()


@define(eq=False)
class Parts:
    """What the use cases of a world are made of; no port has a seam yet.

    Attributes:
        seen: what happened how often.
        opted_out: machine time of the commit of each suppression, by number.
        mail: providers of mail, by name; none in a world of phones alone.
        bounds: of provider accounts, and how well each serves.
        states: of each attempt's lead, when it was armed.
        opened: breakers, as they were opened and closed.
        stops_of: what each stop that was tried is about, by its id.
        alarm: seconds a process may be stopped before it is killed; None: it has none.
        sends, takes: the two use cases that the protocol is made of.
    """

    weather: Weather
    store: MemoryStore
    lanes: Any
    intents: Any
    guard: Any
    journeys: Any
    inbox: Any
    duties: Any
    switches: Any
    senders: Any
    reviews: Any
    allocations: Any
    campaigns: Any
    leads: Any
    watch: Any
    bounds: Any
    stops: Any
    hosted: Any
    audit: Any
    alerts: MemoryAlerts
    provider: Any
    redis: MemoryGuard
    rng: random.Random
    seen: Counter[str]
    opted_out: dict[str, datetime]
    alarm: float | None
    mail: dict[str, Any] = field(factory=dict)
    states: dict[AttemptId, State] = field(factory=dict)
    opened: list[Opened] = field(factory=list)
    stops_of: dict[str, str] = field(factory=dict)
    calendar: Any = field(factory=NoHolidays)
    reviewers: ReviewCalendar = field(factory=lambda: ReviewCalendar(HOME))
    sends: Callable[..., SendNext] = SendNext
    takes: Callable[..., TakeInEvents] = TakeInEvents

    @property
    def accounts(self) -> Mapping[AccountId, Any]:
        """The provider under every account."""
        return dict.fromkeys(self.store.accounts, self.provider)


def parts_of(
    weather: Weather,
    clock: VirtualClock,
    rng: random.Random,
    provider: Provider,
    seen: Counter[str],
) -> Parts:
    """The parts of a world with this weather, its layers taken off."""
    ids = count(1)
    timing = weather.timing
    if Layer.GRACE in weather.off:
        timing = evolve(timing, grace=timedelta())
    blind = Layer.LEDGER in weather.off
    kind = _Unbounded if blind else MemoryStore
    store = kind(clock, lambda: UUID(int=next(ids)), timing=timing, pause=no_pause)
    store.tenants[TENANT] = TenantRow(TENANT, HOME, "ro", hours=weather.hours)
    redis = MemoryGuard(clock.monotonic, pause=no_pause)
    guard = open_guard() if Layer.GUARD in weather.off else redis
    opted_out: dict[str, datetime] = {}
    return Parts(
        weather=weather,
        store=store,
        lanes=_Blind(store) if blind else MemoryLanes(store),
        intents=_Unlimited(store) if blind else MemoryIntents(store),
        guard=guard,
        journeys=MemoryJourneys(store),
        inbox=MemoryInbox(store),
        duties=_Unhurried(store),
        switches=MemorySwitches(store),
        senders=MemorySenders(store),
        reviews=MemoryReviews(store),
        allocations=MemoryAllocations(store),
        campaigns=MemoryCampaigns(store),
        leads=MemoryLeads(store),
        watch=MemoryWatch(store),
        bounds=MemoryAccounts(store),
        stops=MemoryStops(store),
        hosted=MemoryHostedCampaigns(store),
        audit=MemoryAudit(store),
        alerts=MemoryAlerts(pause=no_pause),
        provider=provider,
        redis=redis,
        rng=rng,
        seen=seen,
        opted_out=opted_out,
        alarm=None if Layer.ALARM in weather.off else timing.fence.total_seconds(),
    )


class _Unhurried(MemoryDuties):
    """What is periodic comes less often, for turns are what a world costs."""

    async def done(self, duty: Duty, again: datetime | None) -> None:
        if again is not None and duty.now is not None:
            least = _SELDOM.get(duty.kind, timedelta())
            if duty.kind is DutyKind.HOSTED and again - duty.now >= LOOKED_AT_EVERY:
                least = _A_SHIFT  # nothing is wrong with it
            again = max(again, duty.now + least)
        await super().done(duty, again)


_A_SHIFT: Final = timedelta(hours=8)
_SELDOM: Final = {
    DutyKind.DISPATCH: timedelta(hours=2),
    DutyKind.HEALTH: timedelta(hours=6),
    DutyKind.AUDIT: timedelta(hours=20),
    DutyKind.MAIL_COUNTS: timedelta(hours=6),
}


# --- what a layer that is off leaves


class _Open:
    """A guard that has room for everything."""

    async def reserve(self, asks: Sequence[Ask]) -> Sequence[Grant]:
        return [Grant(GuardCode.OK, 0, ask.limit) for ask in asks]

    async def release(self, *_: object) -> None:
        pass

    async def rebuild(self, *_: object) -> None:
        pass

    async def held(self, *_: object) -> frozenset[object]:
        return frozenset()


def open_guard() -> Any:
    """A guard that has room for everything."""
    return _Open()


class _Unbounded(MemoryStore):
    """A ledger that keeps units, and bounds none."""

    def effective(self, sender: Sender, day: date) -> int:
        del sender, day
        return HARD_LIMIT


class _Unlimited(MemoryIntents):
    """T1 that counts nothing."""

    async def arm(self, claim: Any, drafts: Any) -> Any:
        free = [(evolve(draft, limit=HARD_LIMIT), made) for draft, made in drafts]
        return await super().arm(claim, free)


class _Blind(MemoryLanes):
    """Claims that do not say how many units are used."""

    async def claim(
        self, who: Any, room: Any, limit: int, after: Any = None, many: Any = ALONE
    ) -> Any:
        claims = await super().claim(who, room, limit, after, many)
        return [evolve(one, cases=tuple(_blind(one.cases))) for one in claims]


def _blind(cases: Sequence[Any]) -> Iterator[Any]:
    for case in cases:
        ledger = case.ledger
        yield case if ledger is None else evolve(case, ledger=evolve(ledger, used=0))
