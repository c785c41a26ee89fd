"""The worker's loop: what it asks, what it starts, and how it ends."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final

import pytest
from attrs import define, evolve, field
from structlog.testing import capture_logs
from tests.contract.memory_world import memory_world
from tests.usecases.runners import Provider, Watched, runner_over, running, until

from outreach.adapters.memory import MemoryAlerts
from outreach.adapters.memory.gateway import MemoryGateway
from outreach.domain.allowance import Allowance
from outreach.domain.change import Duty, DutyKind
from outreach.domain.errors import Unavailable
from outreach.domain.ids import Incarnation
from outreach.domain.message import Outcome
from outreach.testing.world import HOUR, World

FEW: Final = 8
"""Questions in a second, of a worker that can do nothing."""


@pytest.fixture
def world() -> World:
    return memory_world()


def outcomes(world: World) -> list[Outcome]:
    lanes: Any = world.lanes
    return [one.outcome for one in lanes.store.attempts.values()]


async def test_an_idle_worker_asks_once(world: World) -> None:
    (phone,) = await world.phones()
    await world.line(phone, within=HOUR)
    await world.quiet()
    lanes = Watched(world.lanes)

    async with running(runner_over(world, {}, lanes=lanes)):
        await asyncio.sleep(0.5)

    assert lanes.asked == 1


async def test_a_bell_has_it_look_at_once(world: World) -> None:
    (phone,) = await world.phones()
    await world.quiet()
    provider = Provider()
    runner = runner_over(world, {phone.account: provider})

    async with running(runner):
        await asyncio.sleep(0.05)
        await world.line(phone)
        await runner.bell.ring()
        await until(lambda: provider.box.accepted, seconds=1)

    assert outcomes(world) == [Outcome.ACCEPTED]


async def test_lanes_that_an_account_has_no_room_for_cost_nothing(
    world: World,
) -> None:
    phones = await world.phones(4)
    for phone in phones:
        await world.line(phone)
    provider, lanes = Provider(), Watched(world.lanes)
    provider.is_open.clear()
    account = phones[0].account
    runner = runner_over(world, {account: provider}, lanes=lanes, rooms={account: 2})

    async with running(runner):
        await until(lambda: provider.under_way == 2)
        await asyncio.sleep(0.05)
        before = lanes.asked
        await asyncio.sleep(1)
        after = lanes.asked
        provider.is_open.set()
        await until(lambda: len(provider.box.accepted) == 4)

    assert after == before
    assert len(lanes.claimed) == 4


async def test_a_provider_that_hangs_holds_up_no_other(world: World) -> None:
    hung = await world.phones(3)
    (other,) = await world.phones(provider_account="second")
    for phone in hung:
        await world.line(phone)
    hanging, quick = Provider(), Provider()
    hanging.is_open.clear()
    accounts = {hung[0].account: hanging, other.account: quick}
    runner = runner_over(world, accounts, rooms={hung[0].account: 2})

    async with running(runner):
        await until(lambda: hanging.under_way == 2)
        await world.line(other)
        await runner.bell.ring()
        await until(lambda: quick.box.accepted, seconds=1)
        still_hanging = hanging.under_way
        hanging.is_open.set()

    assert still_hanging == 2


async def test_an_account_that_takes_many_is_given_many(world: World) -> None:
    (phone,) = await world.phones()
    await world.line(phone, 5)
    gateway = MemoryGateway()
    many = {phone.account: 5}
    runner = runner_over(world, {phone.account: gateway}, many=many)
    runner.send = evolve(runner.send, bulk={phone.account: gateway})

    async with running(runner):
        await until(lambda: len(gateway.accepted) == 5)

    assert gateway.arrivals == 1
    assert outcomes(world) == [Outcome.ACCEPTED] * 5


async def test_workers_of_an_empty_account_ask_once_and_call_no_more(
    world: World,
) -> None:
    phones = await world.phones(6)
    for phone in phones:
        await world.line(phone)
    account = phones[0].account
    bounds = Allowance(rate=0.001, burst=2)
    await world.accounts.allow(world.tenant, account, bounds)
    await world.quiet()
    provider = Provider()
    watched = [Watched(world.lanes), Watched(world.lanes)]
    runners = [
        runner_over(world, {account: provider}, name=f"worker/{n}", lanes=lanes)
        for n, lanes in enumerate(watched)
    ]

    async with running(*runners):
        await until(lambda: len(provider.box.accepted) == 2)
        await asyncio.sleep(0.1)
        before = sum(lanes.asked for lanes in watched)
        await asyncio.sleep(1)
        after = sum(lanes.asked for lanes in watched)

    assert len(provider.box.accepted) == 2
    assert after - before <= FEW
    assert outcomes(world) == [Outcome.ACCEPTED] * 2


@define(eq=False)
class Elsewhere(Watched):
    """Something is always due, and always in another worker's hands."""

    async def next_wake(self, room: Any = None) -> timedelta | None:
        del room
        self.asked += 1
        return timedelta()


async def test_what_others_have_in_hand_is_not_asked_for_all_the_time(
    world: World,
) -> None:
    lanes = Elsewhere(world.lanes)

    async with running(runner_over(world, {}, lanes=lanes)):
        await asyncio.sleep(1)
        first = lanes.asked
        await asyncio.sleep(2)
        then = lanes.asked - first

    assert first <= 3 * FEW
    assert then <= FEW


@define(eq=False)
class Hanging:
    """Duties of which the first asks a provider that does not answer."""

    takings: int = 0
    answers: asyncio.Event = field(factory=asyncio.Event)

    async def __call__(self, _who: Incarnation, _limit: int = 20) -> int:
        self.takings += 1
        if self.takings == 1:
            await self.answers.wait()
        return 0


async def test_a_duty_whose_provider_hangs_holds_up_no_other_duty(
    world: World,
) -> None:
    await world.quiet()
    duties = Hanging()
    runner = runner_over(world, {}, duties=duties)

    async with running(runner):
        await world.duties.put([await a_duty(world)])
        runner.wake()
        await until(lambda: duties.takings == 1)
        await world.advance_machine(timedelta(seconds=2))
        runner.wake()
        await until(lambda: duties.takings == 2, seconds=2)
        duties.answers.set()


async def a_duty(world: World) -> Duty:
    return Duty(DutyKind.DISPATCH, str(world.tenant), world.tenant, await world.now())


async def test_a_call_under_way_is_waited_for_and_settled(world: World) -> None:
    phone, _ = await world.phone_with(3)
    provider = Provider()
    provider.is_open.clear()
    runner = runner_over(world, {phone.account: provider})
    work = asyncio.create_task(runner.run())

    await until(lambda: provider.under_way)
    runner.stop()
    await asyncio.sleep(0.2)
    waited = not work.done()
    provider.is_open.set()
    await asyncio.wait_for(work, 2)

    assert waited
    assert outcomes(world) == [Outcome.ACCEPTED]
    assert len(provider.box.accepted) == 1
    await world.advance_engine(HOUR)
    assert len(await world.claims()) == 1


async def test_what_was_claimed_while_it_was_told_to_stop_is_given_back(
    world: World,
) -> None:
    phones = await world.phones(3)
    for phone in phones:
        await world.line(phone)
    provider, lanes = Provider(), Watched(world.lanes)
    runner = runner_over(world, {phones[0].account: provider}, lanes=lanes)
    lanes.on_claim = runner.stop

    await asyncio.wait_for(runner.run(), 2)

    assert len(lanes.claimed) == len(lanes.freed) == 3
    assert provider.box.arrivals == 0
    assert len(await world.claims()) == 3


async def test_a_chore_that_hangs_does_not_hold_up_the_end(world: World) -> None:
    duties = Hanging()
    patience = timedelta(milliseconds=100)
    runner = runner_over(world, {}, duties=duties, patience=patience)
    await world.duties.put([await a_duty(world)])
    work = asyncio.create_task(runner.run())

    await until(lambda: duties.takings)
    runner.stop()
    await asyncio.wait_for(work, 2)

    assert duties.takings == 1


async def test_a_machine_whose_clock_is_off_tells_and_then_sends_nothing(
    world: World,
) -> None:
    phone, _ = await world.phone_with(3)
    provider, alerts = Provider(), MemoryAlerts()
    off = [timedelta(seconds=-5.5)]
    runner = runner_over(
        world, {phone.account: provider}, alerts=alerts, offset=lambda: off[0]
    )

    async with running(runner):
        await asyncio.sleep(0.3)
        far_off = len(provider.box.accepted)
        off[0] = timedelta(seconds=2.5)
        runner.wake()
        await until(lambda: provider.box.accepted, seconds=2)
        told = [(one.kind, one.about) for one in alerts.told]
        off[0] = timedelta(seconds=1)
        runner.wake()
        await asyncio.sleep(0.1)

    assert far_off == 0
    assert told == [("clock.skew", "worker/a")]
    off[0] = timedelta(seconds=2.5)
    assert await runner.punctual()
    assert [one.kind for one in alerts.told] == ["clock.skew", "clock.skew"]


@define(eq=False)
class Away(Watched):
    """A store that stays away for a while."""

    away: bool = True

    async def next_wake(self, room: Any = None) -> timedelta | None:
        self.asked += 1
        if self.away:
            message = "gone"
            raise Unavailable(message)
        return await self.lanes.next_wake(room or {})


async def test_a_store_that_is_away_is_asked_again_in_a_second(world: World) -> None:
    phone, _ = await world.phone_with()
    provider, lanes = Provider(), Away(world.lanes)

    async with running(runner_over(world, {phone.account: provider}, lanes=lanes)):
        await asyncio.sleep(0.5)
        asked = lanes.asked
        lanes.away = False
        await until(lambda: provider.box.accepted, seconds=3)

    assert asked == 1


async def test_a_defect_in_one_send_ends_no_worker(world: World) -> None:
    good, bad = await world.phones(2)
    for phone in (good, bad):
        await world.line(phone)
    provider = Provider()
    send = runner_over(world, {good.account: provider}).send

    async def broken(claim: Any, began: float) -> Any:
        if claim.lane == bad.id:
            message = "a defect of ours"
            raise ZeroDivisionError(message)
        return await send(claim, began)

    runner = runner_over(world, {}, send=broken)

    with capture_logs() as logs:
        async with running(runner):
            await until(lambda: provider.box.accepted)
            await world.advance_engine(HOUR)
            await world.line(good)
            runner.wake()
            await until(lambda: len(provider.box.accepted) == 2)

    senders = {parcel.sender_number for parcel in provider.box.accepted}
    assert senders == {good.number}
    assert [(line["event"], line["task"]) for line in logs] == [("defect", "send")]
