"""What every `Inbox` owes its callers.

Subclass `InboxContract` in a test module, with a fixture ``world`` that gives a fresh
`World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from attrs import evolve

from outreach.domain.event import Arrived, EventType
from outreach.domain.ids import Incarnation
from outreach.domain.message import Outcome
from outreach.testing.invented import arrival
from outreach.testing.world import HOUR, A, B, World

__all__ = ["InboxContract"]

MANY: Final = 20
A_YEAR: Final = timedelta(days=365)


async def _one(world: World, key: str = "e-1") -> Arrived:
    """An event that was put and taken."""
    assert await world.inbox.put(arrival(key))
    (arrived,) = await world.inbox.take(A, 10)
    return arrived


async def _taken_after(world: World, who: Incarnation) -> list[Arrived]:
    """What is there once the leases before have run out."""
    lease = world.timing.lease
    await world.advance_machine(lease + lease / 10)
    return list(await world.inbox.take(who, MANY))


class InboxContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_what_was_put_survives_a_crash(self, world: World) -> None:
        """What was put is there after a crash."""
        put = arrival("e-1", kind=EventType.READ)
        assert await world.inbox.put(put)

        # Whoever put it is gone: another incarnation finds it, whole.
        (arrived,) = await world.inbox.take(Incarnation("worker/next"), 10)

        assert arrived.arrival.raw == put.raw
        assert arrived.arrival.key == put.key
        assert arrived.arrival.type is EventType.READ
        assert (arrived.arrival.provider, arrived.arrival.account) == (
            put.provider,
            put.account,
        )
        assert arrived.tries == 0

    async def test_the_same_event_is_stored_once(self, world: World) -> None:
        """The same event twice is stored once, however far apart."""
        at_once = await asyncio.gather(
            *(world.inbox.put(arrival("e-1")) for _ in range(MANY))
        )
        (taken,) = await world.inbox.take(A, MANY)
        await world.inbox.close(taken.id, "applied")
        await world.advance_engine(A_YEAR)

        late = await world.inbox.put(arrival("e-1"))
        same_id_elsewhere = await world.inbox.put(
            evolve(arrival("e-1"), provider="wamm")
        )

        assert sorted(at_once) == [False] * (MANY - 1) + [True]
        assert late is False
        assert same_id_elsewhere is True

    async def test_a_bad_row_fails_alone(self, world: World) -> None:
        """A bad row fails alone."""
        good = [arrival(f"e-{n}") for n in range(MANY)]
        bad = arrival("nul\x00 is no text")
        middle = MANY // 2
        rows = [*good[:middle], bad, *good[middle:]]

        answers = await asyncio.gather(
            *(world.inbox.put(row) for row in rows), return_exceptions=True
        )
        taken = await world.inbox.take(A, MANY * 2)

        del answers[middle]
        assert answers == [True] * MANY
        assert {one.arrival.key for one in taken} >= {one.key for one in good}

    async def test_one_worker_at_a_time(self, world: World) -> None:
        """An event is taken by one worker at a time, and again if that one dies."""
        for n in range(MANY):
            await world.inbox.put(arrival(f"e-{n}"))
        lease = world.timing.lease

        answers = await asyncio.gather(
            *(world.inbox.take(who, MANY) for who in (A, B, A, B))
        )
        none = await world.inbox.take(B, MANY)
        await world.advance_machine(lease + lease / 10)
        again = await world.inbox.take(B, MANY)

        keys = [one.arrival.key for answer in answers for one in answer]
        assert len(keys) == len(set(keys)) == MANY
        assert none == []
        assert {one.arrival.key for one in again} == set(keys)

    async def test_only_what_was_in_hand_costs_a_try(self, world: World) -> None:
        """A worker that dies costs a try only to what it had in hand."""
        for n in range(MANY):
            await world.inbox.put(arrival(f"e-{n}"))
            await world.advance_engine(timedelta(seconds=1))
        first, *_ = await world.inbox.take(A, MANY)
        await world.inbox.close(first.id, "unknown type")

        left = await _taken_after(world, A)
        again = await _taken_after(world, B)

        assert [one.tries for one in left] == [1, *[0] * (MANY - 2)]
        assert [one.tries for one in again] == [2, *[0] * (MANY - 2)]

    async def test_a_worker_that_is_proven_dead_costs_the_same(
        self, world: World
    ) -> None:
        for n in range(MANY):
            await world.inbox.put(arrival(f"e-{n}"))
            await world.advance_engine(timedelta(seconds=1))
        await world.inbox.take(A, MANY)

        await world.lanes.forsake(A)
        again = await world.inbox.take(B, MANY)

        assert [one.tries for one in again] == [1, *[0] * (MANY - 1)]

    async def test_the_oldest_comes_first(self, world: World) -> None:
        for n in range(4):
            await world.inbox.put(arrival(f"e-{n}"))
            await world.advance_engine(timedelta(seconds=1))

        first = await world.inbox.take(A, 2)
        rest = await world.inbox.take(A, 10)

        assert [one.arrival.key for one in first] == ["e-0", "e-1"]
        assert [one.arrival.key for one in rest] == ["e-2", "e-3"]

    async def test_a_parked_event_comes_back(self, world: World) -> None:
        """A parked event comes back at its time."""
        arrived = await _one(world)

        await world.inbox.park(arrived.id, "unmatched", await world.now() + HOUR)
        await world.advance_engine(HOUR - timedelta(minutes=1))
        before = await world.inbox.take(B, 10)
        await world.advance_engine(timedelta(minutes=1))
        (again,) = await world.inbox.take(B, 10)

        assert before == []
        assert (again.id, again.tries) == (arrived.id, 1)

    async def test_what_is_parked_for_a_person_stays(self, world: World) -> None:
        arrived = await _one(world)

        await world.inbox.park(arrived.id, "cannot be applied", None)
        await world.advance_engine(A_YEAR)

        assert await world.inbox.take(B, 10) == []
        assert await world.inbox.put(arrival("e-1")) is False

    async def test_what_is_parked_for_a_person_is_put_back(self, world: World) -> None:
        """What is parked for a person comes back when one asks for it, with all its
        tries.
        """
        began = await world.now()
        arrived = await _one(world)
        await world.inbox.park(arrived.id, "cannot be applied", None)

        late = await world.inbox.again(began + HOUR, 10)
        others = await world.inbox.again(began, 10, provider="nobody")
        back = await world.inbox.again(began, 10)
        twice = await world.inbox.again(began, 10)
        (again,) = await world.inbox.take(B, 10)

        assert (late, others, back, twice) == (0, 0, 1, 0)
        assert (again.id, again.tries) == (arrived.id, 0)

    async def test_waiting_uses_no_try(self, world: World) -> None:
        arrived = await _one(world)

        await world.inbox.wait(arrived.id, await world.now() + HOUR)
        before = await world.inbox.take(B, 10)
        await world.advance_engine(HOUR)
        (again,) = await world.inbox.take(B, 10)

        assert before == []
        assert (again.id, again.tries) == (arrived.id, 0)

    async def test_what_waits_aside(self, world: World) -> None:
        """What waits aside holds up nobody else, and uses no try."""
        phone, _ = await world.phone_with()
        arrived = await _one(world)

        await world.inbox.wait(arrived.id, await world.now() + HOUR, aside=True)
        await world.line(phone)
        await world.advance_engine(timedelta(minutes=5))
        sent = await world.send()
        await world.advance_engine(HOUR)
        (again,) = await world.inbox.take(B, 10)

        assert sent.ended(Outcome.ACCEPTED).ref
        assert (again.id, again.tries) == (arrived.id, 0)

    async def test_a_closed_event_never_comes_back(self, world: World) -> None:
        """A closed event never comes back."""
        arrived = await _one(world)
        lease = world.timing.lease

        await world.inbox.close(arrived.id, "unknown type")
        await world.inbox.park(arrived.id, "too late", await world.now())
        await world.inbox.wait(arrived.id, await world.now())
        await world.advance_machine(lease + lease / 10)
        await world.advance_engine(A_YEAR)

        assert await world.inbox.take(B, 10) == []

    async def test_a_change_closes_the_event_it_applies(self, world: World) -> None:
        (lead,) = await world.new_leads()
        arrived = await _one(world)
        known = await world.known(lead)
        change = world.change(known, key="event/e-1", event=arrived.id)
        lease = world.timing.lease

        await world.commit(change)
        await world.advance_machine(lease + lease / 10)

        assert await world.inbox.take(B, 10) == []
