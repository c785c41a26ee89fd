"""Runners over a world, with a provider that can be held and counted."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from attrs import define, evolve, field
from tests.usecases.engine import REVIEWERS, Days, Script

from outreach.adapters.memory import MemoryAlerts
from outreach.adapters.memory.analyst import ScriptedAnalyst
from outreach.adapters.memory.bell import LocalBell
from outreach.adapters.memory.gateway import MemoryGateway
from outreach.adapters.memory.guard import MemoryGuard
from outreach.domain.ids import AccountId, Incarnation, TenantId
from outreach.domain.message import Answer, Parcel
from outreach.domain.usecases.audit_ledger import AuditLedger
from outreach.domain.usecases.carry_out_stops import CarryOutStops
from outreach.domain.usecases.dispatch import Dispatch
from outreach.domain.usecases.do_duties import DoDuties
from outreach.domain.usecases.host_campaigns import HostCampaigns
from outreach.domain.usecases.look_for_doubts import LookForDoubts, Recover
from outreach.domain.usecases.pick_winner import PickWinner
from outreach.domain.usecases.send_next import SendNext
from outreach.domain.usecases.signal_sender import SignalSender
from outreach.domain.usecases.take_in_events import TakeInEvents
from outreach.domain.usecases.watch_breaker import WatchBreaker
from outreach.domain.usecases.watch_health import WatchHealth
from outreach.domain.usecases.watch_instance import WatchInstance
from outreach.domain.usecases.watch_plans import WatchPlans
from outreach.domain.usecases.watch_senders import WatchSenders
from outreach.entrypoints.punctual import Punctual
from outreach.entrypoints.runner import Runner
from outreach.ports.lanes import ALL_ROOM, ALONE, Claim, Lanes
from outreach.testing.invented import PROVIDER
from outreach.testing.world import World

__all__ = ["Provider", "Watched", "runner_over", "running", "until"]


async def until(holds: Callable[[], Any], *, seconds: float = 20.0) -> None:
    """Wait for what *holds* answers to be true."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not holds():
        assert loop.time() < end, f"not within {seconds:g} s"
        await asyncio.sleep(0.005)


@define(eq=False)
class Provider:
    """Accepts everything, but answers only while it is open.

    Attributes:
        calls: of each number, when they began and ended, by the loop's clock.
    """

    box: MemoryGateway = field(factory=MemoryGateway)
    is_open: asyncio.Event = field(factory=asyncio.Event)
    takes: float = 0.0
    under_way: int = 0
    calls: dict[str, list[tuple[float, float]]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.is_open.set()

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.under_way += 1
        await self.is_open.wait()
        await asyncio.sleep(self.takes)
        answer = await self.box.send(parcel, within)
        self.under_way -= 1
        times = self.calls.setdefault(parcel.sender_number, [])
        times.append((began, loop.time()))
        return answer

    async def statuses(self, refs: Sequence[str]) -> Sequence[Any]:
        await self.is_open.wait()
        return await self.box.statuses(refs)


@define(eq=False)
class Watched:
    """Lanes that count what they are asked.

    Attributes:
        on_claim: called after a claim was made and before it is answered.
    """

    lanes: Lanes
    asked: int = 0
    claimed: list[Claim] = field(factory=list)
    freed: list[Claim] = field(factory=list)
    on_claim: Callable[[], None] = lambda: None

    async def next_wake(
        self, room: Mapping[AccountId, int] = ALL_ROOM
    ) -> timedelta | None:
        self.asked += 1
        return await self.lanes.next_wake(room)

    async def claim(
        self,
        who: Incarnation,
        room: Mapping[AccountId, int],
        limit: int,
        after: TenantId | None = None,
        many: Mapping[AccountId, int] = ALONE,
    ) -> Sequence[Claim]:
        self.asked += 1
        claims = await self.lanes.claim(who, room, limit, after, many)
        self.claimed += claims
        self.on_claim()
        return claims

    async def free(self, claim: Claim) -> None:
        self.freed.append(claim)
        await self.lanes.free(claim)

    async def put_off(self, claim: Claim, puts: Any, *, keep: bool = False) -> None:
        await self.lanes.put_off(claim, puts, keep=keep)

    async def forsake(self, dead: Incarnation) -> int:
        return await self.lanes.forsake(dead)


def runner_over(
    world: World,
    gateways: Mapping[AccountId, Any],
    *,
    name: str = "worker/a",
    guard: MemoryGuard | None = None,
    alerts: MemoryAlerts | None = None,
    offset: Callable[[], timedelta] = timedelta,
    **changes: Any,
) -> Runner:
    """A runner of one process's own, over a store that others may share.

    Args:
        guard: shared with the others; else its own.
        changes: to the runner's attributes.
    """
    guard = guard or MemoryGuard(world.clock.monotonic)
    alerts = alerts or MemoryAlerts()
    signal = SignalSender(world.senders, world.duties, world.clock, alerts)
    watch = WatchSenders(world.watch, world.senders, signal, alerts, gateways)
    made = Runner(
        who=Incarnation(name),
        bell=LocalBell(),
        lanes=world.lanes,
        clock=world.clock,
        send=SendNext(
            lanes=world.lanes,
            intents=world.intents,
            guard=guard,
            gateways=gateways,
            calendar=Days(),
            clock=world.clock,
            watch=watch,
            reviewers=REVIEWERS,
            rng=random.Random(name),
            timing=world.timing,
        ),
        recover=Recover(world.intents),
        look=LookForDoubts(world.intents, guard, {}, REVIEWERS, world.timing),
        take_in=TakeInEvents(
            inbox=world.inbox,
            journeys=world.journeys,
            senders=world.senders,
            campaigns=world.campaigns,
            analyst=ScriptedAnalyst({}),
            signal=signal,
            clock=world.clock,
            alerts=alerts,
            readers={PROVIDER: Script()},
            reviewers=REVIEWERS,
        ),
        duties=DoDuties(
            duties=world.duties,
            dispatch=Dispatch(world.allocations),
            audit=AuditLedger(
                world.audit, world.intents, guard, Days(), signal, alerts
            ),
            journeys=world.journeys,
            reviews=world.reviews,
            senders=world.senders,
            signal=signal,
            watch=watch,
            alerts=alerts,
            stops=CarryOutStops(world.stops, {}, {}, alerts),
            breakers=WatchBreaker(world.campaigns, world.switches, alerts),
            hosting=HostCampaigns(world.hosted, world.switches, {}, alerts),
            winners=PickWinner(world.campaigns, alerts),
            polls=gateways,
            lists={},
            plans=WatchPlans(world.accounts, alerts),
            health=WatchHealth(world.accounts, alerts),
        ),
        watch=WatchInstance(world.instance, [], alerts),
        punctual=Punctual(name, alerts, offset, world.timing),
    )
    return evolve(made, **changes)


@asynccontextmanager
async def running(*runners: Runner) -> AsyncIterator[None]:
    """They work until this is left, and end in order."""
    tasks = [asyncio.create_task(one.run()) for one in runners]
    try:
        yield
    finally:
        for one in runners:
            one.stop()
        async with asyncio.timeout(20):
            await asyncio.gather(*tasks)
