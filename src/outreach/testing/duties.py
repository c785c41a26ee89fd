"""What every `Duties` owes its callers.

Subclass `DutiesContract` in a test module, with a fixture ``world`` that gives a fresh
`World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from attrs import evolve

from outreach.domain.change import Duty, DutyKind
from outreach.testing.world import HOUR, A, B, World

__all__ = ["DutiesContract"]

MANY: Final = 10
A_MINUTE: Final = timedelta(minutes=1)


async def _duty(
    world: World, key: str = "account-1", within: timedelta = timedelta()
) -> Duty:
    """A health check that is due then."""
    due = await world.now() + within
    return Duty(DutyKind.HEALTH, key, world.tenant, due)


async def _taken(world: World) -> Duty:
    await world.duties.put([await _duty(world)])
    (duty,) = await world.duties.take(A, 10)
    return duty


class DutiesContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_one_worker_at_a_time(self, world: World) -> None:
        """A duty is taken by one worker at a time, and again if that one dies."""
        await world.duties.put([await _duty(world, f"a-{n}") for n in range(MANY)])
        lease = world.timing.lease

        answers = await asyncio.gather(
            *(world.duties.take(who, MANY) for who in (A, B, A, B))
        )
        none = await world.duties.take(B, MANY)
        await world.advance_machine(lease + lease / 10)
        again = await world.duties.take(B, MANY)

        keys = [duty.key for answer in answers for duty in answer]
        assert len(keys) == len(set(keys)) == MANY
        assert none == []
        assert {duty.key for duty in again} == set(keys)

    async def test_none_before_its_time(self, world: World) -> None:
        """None is taken before its time."""
        await world.duties.put([await _duty(world, within=HOUR)])

        await world.advance_engine(HOUR - A_MINUTE)
        before = await world.duties.take(A, 10)
        await world.advance_engine(A_MINUTE)
        (duty,) = await world.duties.take(A, 10)

        assert before == []
        assert (duty.kind, duty.key) == (DutyKind.HEALTH, "account-1")
        assert duty.tenant == world.tenant
        assert duty.now is not None
        assert duty.due_at <= duty.now <= await world.now()

    async def test_the_oldest_comes_first(self, world: World) -> None:
        late = await _duty(world, "late", A_MINUTE * 2)
        early = await _duty(world, "early", A_MINUTE)
        await world.duties.put([late, early])
        await world.advance_engine(HOUR)

        (first,) = await world.duties.take(A, 1)
        (second,) = await world.duties.take(A, 1)

        assert (first.key, second.key) == ("early", "late")

    async def test_the_earlier_due_time_is_kept(self, world: World) -> None:
        """Putting the same duty again keeps the earlier due time."""
        orders = ((HOUR, HOUR * 2), (HOUR * 2, HOUR))
        for first, second in orders:
            key = f"{first}"
            await world.duties.put([await _duty(world, key, first)])
            await world.duties.put([await _duty(world, key, second)])
        before = await world.duties.take(A, 10)
        await world.advance_engine(HOUR)

        due = await world.duties.take(A, 10)

        assert before == []
        assert len(due) == len(orders)

    async def test_done_with_a_time_or_for_good(self, world: World) -> None:
        """What is done with a further time comes back then, else never."""
        await world.duties.put([await _duty(world, key) for key in ("goes", "stays")])
        goes, stays = sorted(await world.duties.take(A, 10), key=lambda duty: duty.key)

        await world.duties.done(goes, None)
        await world.duties.done(stays, await world.now() + HOUR)
        at_once = await world.duties.take(A, 10)
        await world.advance_engine(HOUR)
        later = await world.duties.take(A, 10)

        assert at_once == []
        assert [duty.key for duty in later] == ["stays"]

    async def test_what_is_put_meanwhile_comes_back(self, world: World) -> None:
        """What is put while it is being done comes back for it."""
        duty = await _taken(world)
        await world.duties.put([await _duty(world, within=A_MINUTE)])

        await world.duties.done(duty, None)
        before = await world.duties.take(A, 10)
        await world.advance_engine(A_MINUTE)
        (again,) = await world.duties.take(A, 10)
        await world.duties.put([await _duty(world)])
        await world.duties.done(again, await world.now() + HOUR)
        (at_once,) = await world.duties.take(A, 10)

        assert before == []
        assert at_once.key == again.key == duty.key

    async def test_who_has_lost_it_ends_it_no_more(self, world: World) -> None:
        """Who has lost a duty to another worker ends it no more."""
        lost = await _taken(world)
        lease = world.timing.lease
        await world.advance_machine(lease + lease / 10)
        await world.advance_engine(A_MINUTE)
        (held,) = await world.duties.take(B, 10)

        await world.duties.done(lost, None)
        still_held = await world.duties.take(A, 10)
        await world.duties.done(held, await world.now() + HOUR)
        await world.duties.done(lost, None)
        await world.advance_engine(HOUR)

        assert still_held == []
        assert [duty.key for duty in await world.duties.take(A, 10)] == [held.key]

    async def test_kind_and_key_name_a_duty(self, world: World) -> None:
        health = await _duty(world)
        poll = evolve(health, kind=DutyKind.STATUS_POLL)

        await world.duties.put([health, poll, health])

        duties = await world.duties.take(A, 10)
        kinds = sorted(duty.kind for duty in duties)
        assert kinds == sorted([health.kind, poll.kind])
