"""New leads get phones when they are due, and no phone more than it can take today."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.usecases.engine import DAY, HOUR, Engine, engine

from outreach.domain.allocation import WhyNoRoom
from outreach.domain.sender import SendClass, Sender, SenderSignal
from outreach.domain.sequence import Override
from outreach.domain.usecases.send_next import Step


async def waiting(phones: int, leads: int, **facts: Any) -> tuple[Engine, list[Sender]]:
    here = engine()
    made = await here.world.phones(phones, **facts)
    await here.world.enrolled(await here.world.new_leads(leads))
    return here, made


def shares(here: Engine) -> list[int]:
    lanes = Counter(row.lane for row in here.store.intents.values())
    return sorted(lanes[lane] for lane in here.store.lanes)


async def test_new_leads_are_spread_over_the_phones() -> None:
    here, _ = await waiting(3, 9)

    assert await here.dispatch(here.world.tenant) == 9
    assert shares(here) == [3, 3, 3]


async def test_no_phone_gets_more_than_it_can_still_take_today() -> None:
    here, phones = await waiting(2, 30, daily_limit=10)
    here.store.unit(here.slot(phones[0])).external = 4

    assert await here.dispatch(here.world.tenant) == 16

    assert shares(here) == [6, 10]
    assert len(here.store.unallocated) == 14


async def test_what_found_no_phone_finds_one_the_next_day() -> None:
    here, _ = await waiting(2, 30, daily_limit=10)
    await here.dispatch(here.world.tenant)
    steps = await here.run()
    assert steps.count(Step.ACCEPTED) == 20
    assert await here.dispatch(here.world.tenant) == 0

    here.pass_time(DAY)

    assert await here.dispatch(here.world.tenant) == 10


async def test_dispatching_again_gives_nothing_more() -> None:
    here, _ = await waiting(2, 9)
    await here.dispatch(here.world.tenant)
    before = shares(here)

    assert await here.dispatch(here.world.tenant) == 0
    assert shares(here) == before


async def test_leads_that_are_not_due_wait() -> None:
    here = engine()
    await here.world.phones(2)
    leads = await here.world.new_leads(3)
    await here.world.enrolled(leads, within=HOUR)

    assert await here.dispatch(here.world.tenant) == 0

    here.pass_time(HOUR)
    assert await here.dispatch(here.world.tenant) == 3


async def test_without_a_phone_that_may_start_conversations_leads_wait() -> None:
    here, phones = await waiting(1, 2)
    await here.signal(here.world.tenant, phones[0].id, SenderSignal.LOCKED, why="463")

    assert await here.dispatch(here.world.tenant) == 0
    assert len(here.store.unallocated) == 2


async def test_tenants_phones_are_their_own() -> None:
    here = engine()
    await here.world.phones(1, tenant=here.world.stranger)
    await here.world.enrolled(await here.world.new_leads(2))

    assert await here.dispatch(here.world.tenant) == 0


async def test_leads_of_a_banned_phone_get_another_one() -> None:
    here = engine()
    banned, other = await here.world.phones(2)
    leads = await here.world.line(banned, 3)
    await here.signal(here.world.tenant, banned.id, SenderSignal.BANNED, why="403")

    while await here.duties():
        pass

    lanes = {row.lane for lead in leads for row in here.intents_of(lead)}
    assert lanes == {other.id}
    assert "phone.banned" in here.told()


async def long_run(leads: int, **facts: Any) -> Engine:
    """A phone, and leads in a sequence with four follow-ups."""
    here = engine()
    await here.world.phones(1, **facts)
    await here.world.enrolled(await here.world.new_leads(leads), steps=5)
    return here


async def test_a_phone_gets_no_more_than_it_can_follow_up() -> None:
    here = await long_run(210)

    first = await here.dispatch(here.world.tenant)
    again = await here.dispatch(here.world.tenant)
    why = await here.dispatch.shortage(here.world.tenant, here.store.now)

    assert (first, again) == (97, 0)
    assert len(here.store.unallocated) == 113
    assert why is not None
    assert (why.why, why.most) == (WhyNoRoom.CAPACITY, 97)


async def test_what_was_too_much_for_today_goes_on_the_next_days() -> None:
    here = await long_run(210)
    given = []

    for _ in range(4):
        given.append(await here.dispatch(here.world.tenant))
        lane, *_ = here.store.lanes
        while here.store.lanes[lane].line.count(SendClass.NEW):
            await here.run()
            here.pass_time(HOUR)
        here.pass_time(DAY)

    assert given == [97, 97, 16, 0]
    assert not here.store.unallocated


async def test_a_lower_limit_or_a_warm_up_stays_the_smaller() -> None:
    low = await long_run(60, daily_limit=40)
    warm = await long_run(60, warm_up_days=10)

    assert await low.dispatch(low.world.tenant) == 40
    assert await warm.dispatch(warm.world.tenant) == 15


async def test_a_recorded_override_lets_a_phone_take_all_its_units() -> None:
    here = await long_run(100)
    await here.world.enrolled(
        await here.world.new_leads(110),
        name="fair",
        steps=5,
        override=Override("the fair is on Friday", "ana"),
    )

    assert await here.dispatch(here.world.tenant) == 200
