"""The whole engine in memory, with a hand on everything that can go wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from itertools import count
from typing import Any, Final

from attrs import define, evolve, field
from tests.contract.memory_world import memory_world
from tests.unit.cases import uid

from outreach.adapters.memory import (
    MemoryAlerts,
    MemoryClock,
    MemoryIntents,
    MemoryLanes,
    MemoryLinks,
    MemoryStore,
)
from outreach.adapters.memory.analyst import ScriptedAnalyst
from outreach.adapters.memory.bell import LocalBell
from outreach.adapters.memory.campaign_gateway import MemoryCampaignGateway
from outreach.adapters.memory.gateway import MemoryGateway
from outreach.adapters.memory.guard import MemoryGuard
from outreach.adapters.memory.rows import AttemptRow, IntentRow, LaneRow
from outreach.domain.analysis import Analysis
from outreach.domain.budget import UnitSlot
from outreach.domain.decision import Reason
from outreach.domain.event import Arrival, SystemEvent
from outreach.domain.ids import AccountId, EnrolmentId, IntentId, LeadId, SenderId
from outreach.domain.journey import Journey
from outreach.domain.message import Outcome
from outreach.domain.review import ReviewCalendar, ReviewItem
from outreach.domain.sender import Sender
from outreach.domain.usecases.answer_review import AnswerReview
from outreach.domain.usecases.audit_ledger import AuditLedger
from outreach.domain.usecases.carry_out_stops import CarryOutStops
from outreach.domain.usecases.dispatch import Dispatch
from outreach.domain.usecases.do_duties import DoDuties
from outreach.domain.usecases.enroll import Enroll
from outreach.domain.usecases.host_campaigns import HostCampaigns
from outreach.domain.usecases.look_for_doubts import LookForDoubts, Recover
from outreach.domain.usecases.pick_winner import PickWinner
from outreach.domain.usecases.replay_lost import ReplayLost
from outreach.domain.usecases.send_next import SendNext, Step
from outreach.domain.usecases.signal_sender import SignalSender
from outreach.domain.usecases.take_in_events import TakeInEvents
from outreach.domain.usecases.watch_breaker import WatchBreaker
from outreach.domain.usecases.watch_health import WatchHealth
from outreach.domain.usecases.watch_plans import WatchPlans
from outreach.domain.usecases.watch_senders import WatchSenders
from outreach.domain.window import local_day
from outreach.ports.intents import Intents
from outreach.testing.invented import ACCOUNT, PROVIDER, ZONE
from outreach.testing.world import A, World

__all__ = ["DAY", "HOUR", "MINUTE", "REVIEWERS", "SECOND", "Engine", "Script", "engine"]

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
REVIEWERS: Final = ReviewCalendar(ZONE)


@define
class Days:
    """Public holidays, as a test says."""

    days: frozenset[date] = frozenset()

    def holidays(self, _country: str, year: int) -> frozenset[date]:
        return frozenset(day for day in self.days if day.year in {year, year + 1})


@define
class Script:
    """Webhook bodies and what they say: every body is its own key."""

    events: dict[bytes, Sequence[SystemEvent]] = field(factory=dict)

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        return self.events[raw]


@define
class Engine:
    """Every use case over one world in memory.

    Attributes:
        gateway: of every account there is.
        days: public holidays.
        script: what webhooks say.
    """

    world: World
    store: MemoryStore
    guard: MemoryGuard
    gateway: MemoryGateway
    alerts: MemoryAlerts
    bell: LocalBell
    days: Days = field(factory=Days)
    script: Script = field(factory=Script)
    analyses: dict[str, Analysis] = field(factory=dict)
    links: MemoryLinks = field(factory=MemoryLinks)
    replay: ReplayLost | None = None
    _keys: count[int] = field(factory=lambda: count(1))

    # --- the use cases

    @property
    def clock(self) -> MemoryClock:
        return self.store.clock

    @property
    def accounts(self) -> Mapping[AccountId, MemoryGateway]:
        return dict.fromkeys(self.store.accounts, self.gateway)

    @property
    def hosts(self) -> Mapping[AccountId, MemoryCampaignGateway]:
        """Accounts that work by campaigns, if the gateway does."""
        host = self.gateway
        if not isinstance(host, MemoryCampaignGateway):
            return {}
        return dict.fromkeys(self.store.accounts, host)

    @property
    def hosting(self) -> HostCampaigns:
        world = self.world
        return HostCampaigns(world.hosted, world.switches, self.hosts, self.alerts)

    @property
    def signal(self) -> SignalSender:
        world = self.world
        return SignalSender(world.senders, world.duties, self.clock, self.alerts)

    def sends(self, intents: Intents | None = None) -> SendNext:
        return SendNext(
            lanes=self.world.lanes,
            intents=intents or self.world.intents,
            guard=self.guard,
            gateways=self.accounts,
            bulk=self.accounts,
            calendar=self.days,
            clock=self.clock,
            watch=self.watch,
            reviewers=REVIEWERS,
            rng=random.Random(7),
            timing=self.world.timing,
            hosts=self.hosts,
            links=self.links,
        )

    @property
    def recover(self) -> Recover:
        return Recover(self.world.intents)

    @property
    def look(self) -> LookForDoubts:
        return LookForDoubts(
            self.world.intents, self.guard, self.accounts, REVIEWERS, self.world.timing
        )

    @property
    def repeat(self) -> LookForDoubts:
        """Over a provider that is not asked, but given the message again."""
        world = self.world
        return LookForDoubts(
            world.intents, self.guard, {}, REVIEWERS, world.timing, self.accounts
        )

    @property
    def take_in(self) -> TakeInEvents:
        return TakeInEvents(
            inbox=self.world.inbox,
            journeys=self.world.journeys,
            senders=self.world.senders,
            campaigns=self.world.campaigns,
            analyst=ScriptedAnalyst(self.analyses),
            signal=self.signal,
            clock=self.clock,
            alerts=self.alerts,
            readers={PROVIDER: self.script},
            reviewers=REVIEWERS,
            fetchers=self.accounts,
        )

    @property
    def dispatch(self) -> Dispatch:
        return Dispatch(self.world.allocations)

    @property
    def audit(self) -> AuditLedger:
        return AuditLedger(
            audit=self.world.audit,
            intents=self.world.intents,
            guard=self.guard,
            calendar=self.days,
            signal=self.signal,
            alerts=self.alerts,
        )

    @property
    def watch(self) -> WatchSenders:
        return WatchSenders(
            watch=self.world.watch,
            senders=self.world.senders,
            signal=self.signal,
            alerts=self.alerts,
            answering=self.accounts,
        )

    @property
    def do_duties(self) -> DoDuties:
        return DoDuties(
            duties=self.world.duties,
            dispatch=self.dispatch,
            audit=self.audit,
            journeys=self.world.journeys,
            reviews=self.world.reviews,
            senders=self.world.senders,
            signal=self.signal,
            watch=self.watch,
            alerts=self.alerts,
            stops=self.stops,
            breakers=WatchBreaker(
                self.world.campaigns, self.world.switches, self.alerts
            ),
            hosting=self.hosting,
            winners=PickWinner(self.world.campaigns, self.alerts),
            polls=self.accounts,
            lists=self.accounts,
            replay=self.replay,
            plans=self.plans,
            health=WatchHealth(self.world.accounts, self.alerts),
        )

    @property
    def plans(self) -> WatchPlans:
        return WatchPlans(self.world.accounts, self.alerts)

    @property
    def stops(self) -> CarryOutStops:
        return CarryOutStops(
            self.world.stops, self.accounts, self.accounts, self.alerts
        )

    @property
    def answer_review(self) -> AnswerReview:
        return AnswerReview(self.world.journeys, self.bell, self.world.timing)

    def enroll(self) -> Enroll:
        return Enroll(
            campaigns=self.world.campaigns,
            senders=self.world.senders,
            tenant_zone=ZONE,
            enrolment_ids=lambda: EnrolmentId(uid(70_000 + next(self._keys))),
        )

    # --- what happens

    async def send(self, intents: Intents | None = None, *, late: float = 0.0) -> Step:
        """Claim the one lane that can be claimed, *late* seconds ago, and send."""
        claim = await self.world.claim()
        return await self.sends(intents)(claim, self.clock.monotonic() - late)

    async def send_many(
        self, many: int, intents: Intents | None = None, *, late: float = 0.0
    ) -> Step:
        """As `send`, with up to so many messages in the call."""
        counts = dict.fromkeys(self.store.accounts, many)
        claim = await self.world.claim(many=counts)
        return await self.sends(intents)(claim, self.clock.monotonic() - late)

    async def run(self, most: int = 200) -> list[Step]:
        """Send until no lane has anything, letting lanes rest in between."""
        steps: list[Step] = []
        while len(steps) < most:
            claims = await self.world.claims()
            if not claims:
                return steps
            send, now = self.sends(), self.clock.monotonic()
            steps += [await send(claim, now) for claim in claims]
            self.pass_time(timedelta(seconds=150))
        message = f"still sending after {most} steps"
        raise AssertionError(message)

    def pass_time(self, by: timedelta) -> None:
        """Every clock there is."""
        self.clock.advance(by)
        self.gateway.now = self.clock.machine

    async def arrives(self, *events: SystemEvent) -> None:
        """What webhooks bring, each in a body of its own."""
        for event in events:
            raw = f"body {next(self._keys)}".encode()
            self.script.events[raw] = [event]
            await self.world.inbox.put(
                Arrival(
                    provider=PROVIDER,
                    account=ACCOUNT,
                    raw=raw,
                    key=event.key,
                    type=event.type,
                    address=event.address,
                    received_at=self.clock.machine,
                )
            )

    async def take(self) -> int:
        return await self.take_in(A)

    async def duties(self) -> int:
        return await self.do_duties(A)

    # --- what there is

    def lane(self, phone: Sender) -> LaneRow:
        return self.store.lanes[phone.id]

    def phone(self, sender: SenderId) -> Sender:
        return self.store.lanes[sender].sender

    def journey(self, lead: LeadId) -> Journey:
        return self.store.journey(lead)

    def intents_of(self, lead: LeadId) -> list[IntentRow]:
        return [self.store.intents[one] for one in self.store.intents_of.get(lead, ())]

    def attempts(self) -> list[AttemptRow]:
        return list(self.store.attempts.values())

    def outcomes(self) -> list[Outcome]:
        return [attempt.outcome for attempt in self.attempts()]

    def reasons(self) -> list[Reason]:
        """Of the decisions on record, oldest first."""
        return [row.decision.binding for row in self.store.decisions]

    def items(self) -> list[ReviewItem]:
        return [row.item for row in self.store.reviews.values()]

    def told(self) -> list[str]:
        """Kinds of the alerts that were raised."""
        return [alert.kind for alert in self.alerts.told]

    def slot(self, phone: Sender) -> UnitSlot:
        return UnitSlot(phone.id, local_day(self.clock.engine, phone.time_zone))

    def spent(self, phone: Sender) -> frozenset[IntentId]:
        """Intents that hold a unit of today in the ledger."""
        return frozenset(self.store.unit(self.slot(phone)).ids)

    async def reserved(self, phone: Sender) -> frozenset[IntentId]:
        """And at the guard."""
        return await self.guard.held(self.slot(phone))

    def set_journey(self, lead: LeadId, **changes: Any) -> None:
        """Have something happen to a lead behind everybody's back."""
        self.store.keep_journey(evolve(self.journey(lead), **changes))


def engine(make: Callable[..., MemoryGateway] = MemoryGateway) -> Engine:
    """Empty, on a Monday at 10:00 in the prospects' zone."""
    world = memory_world()
    assert isinstance(world.lanes, MemoryLanes)
    assert isinstance(world.intents, MemoryIntents)
    store = world.lanes.store
    clock = store.clock
    return Engine(
        world=world,
        store=store,
        guard=MemoryGuard(clock.monotonic),
        gateway=make(now=clock.machine),
        alerts=MemoryAlerts(),
        bell=LocalBell(),
    )
