"""What every `Lanes` owes those who share them: tenants, accounts, workers.

A suite beside `outreach.testing.lanes.LanesContract`, over the same `World`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from attrs import evolve

from outreach.domain.ids import TenantId
from outreach.domain.sender import Sender
from outreach.ports.lanes import Claim
from outreach.testing.world import HOUR, A, B, World

__all__ = ["SharingContract"]

MANY: Final = 6
EARLIER: Final = timedelta(minutes=1)


async def _backlog(world: World) -> tuple[list[Sender], Sender]:
    """Many lanes of one tenant that have waited long, and one of another's."""
    busy = await world.phones(MANY)
    for phone in busy:
        await world.line(phone, 2)
    await world.advance_engine(EARLIER)
    (other,) = await world.phones(tenant=world.stranger)
    await world.line(other)
    return busy, other


async def _in_turn(world: World, after: TenantId | None, limit: int = 1) -> list[Claim]:
    return list(await world.lanes.claim(A, {}, limit, after))


class SharingContract:
    """One test per promise of the port that is about sharing, and its bound."""

    async def test_tenants_take_turns(self, world: World) -> None:
        """Tenants take turns: whoever was served last comes after all others that
        are due.
        """
        await _backlog(world)

        served: list[TenantId] = []
        for _ in range(4):
            (claim,) = await _in_turn(world, served[-1] if served else None)
            served.append(claim.tenant)

        ours, theirs = world.tenant, world.stranger
        assert served == [ours, theirs, ours, ours]

    async def test_a_tenant_whose_messages_are_all_put_off_starves_nobody(
        self, world: World
    ) -> None:
        """What is put off leaves its lane as due as before: only turns help."""
        (busy,) = await world.phones()
        await world.line(busy, MANY)
        await world.advance_engine(EARLIER)
        (other,) = await world.phones(tenant=world.stranger)
        await world.line(other)

        served: list[TenantId] = []
        for _ in range(3):
            (claim,) = await _in_turn(world, served[-1] if served else None)
            served.append(claim.tenant)
            case = claim.cases[0]
            held = evolve(case, journey=evolve(case.journey, human_controlled=True))
            await world.put_off(claim, held, claim.now)

        assert served == [world.tenant, world.stranger, world.tenant]

    async def test_a_turn_that_nobody_can_use_passes_on(self, world: World) -> None:
        _, other = await _backlog(world)
        ours = world.tenant

        no_room = list(await world.lanes.claim(A, {other.account: 0}, 1, ours))
        with_room = await _in_turn(world, ours)
        nothing_left = await _in_turn(world, ours)

        tenants = [one.tenant for one in (*no_room, *with_room, *nothing_left)]
        assert tenants == [ours, world.stranger, ours]

    async def test_a_turn_is_one_claim_of_at_most_the_limit(self, world: World) -> None:
        await _backlog(world)

        first = await _in_turn(world, None, limit=MANY - 1)
        second = await _in_turn(world, world.tenant, limit=MANY - 1)
        third = await _in_turn(world, world.stranger, limit=MANY - 1)

        assert [len(first), len(second), len(third)] == [MANY - 1, 1, 1]

    async def test_lanes_without_room_wake_nobody(self, world: World) -> None:
        """Lanes of an account without room wake nobody."""
        (narrow,) = await world.phones()
        (wide,) = await world.phones(provider_account="second")
        await world.line(narrow)
        await world.line(wide, within=HOUR)
        await world.quiet()
        full = {narrow.account: 0}

        anybody = await world.lanes.next_wake()
        without = await world.lanes.next_wake(full)
        some_left = await world.lanes.next_wake({narrow.account: 1})
        both_full = await world.lanes.next_wake({**full, wide.account: 0})

        assert anybody == some_left == timedelta()
        assert without is not None
        assert HOUR - EARLIER < without <= HOUR
        assert both_full is None

    async def test_an_account_that_hangs_holds_up_no_other(self, world: World) -> None:
        hanging = await world.phones(3)
        quick = await world.phones(2, provider_account="second")
        for phone in (*hanging, *quick):
            await world.line(phone, 2)
        room = {hanging[0].account: 1, quick[0].account: 5}

        calls = [await world.arm(claim) for claim in await world.claims(A, room)]
        full = {**room, hanging[0].account: 0}
        nothing = await world.claims(A, full)
        another = await world.claims(B, {**full, quick[0].account: 0})

        assert all(call.armed for call in calls)
        lanes = {call.claim.lane for call in calls}
        assert len(lanes & {phone.id for phone in hanging}) == 1
        assert lanes >= {phone.id for phone in quick}
        assert nothing == another == []
