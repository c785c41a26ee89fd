"""What every `Instance`, and every `Witness`, owes its callers.

Subclass `InstanceContract` in a test module, with a fixture ``world`` that gives a
fresh `World`, and a fixture ``set_back`` (see `SetBack`); subclass `WitnessContract`
with a fixture ``witness`` that gives an empty one. A docstring that is a promise of the
port says so word by word.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Protocol

from outreach.domain.change import Duty, DutyKind
from outreach.domain.message import Outcome
from outreach.domain.suppression import RESTORED, SwitchScope
from outreach.ports.instance import Met, Witness
from outreach.testing import invented
from outreach.testing.arming import why
from outreach.testing.world import HOUR, A, World

__all__ = ["InstanceContract", "SetBack", "WitnessContract"]

BEATS: Final = 3
SOON: Final = timedelta(seconds=5)


class SetBack(Protocol):
    """Makes the world's store as it would be if an older one had been put there.

    ``copied``: in another place, and no older than it was.
    """

    async def __call__(self, *, copied: bool = False) -> None: ...


async def _seen(world: World, beats: int = BEATS) -> dict[str, int]:
    """How far a store is after some beats."""
    for _ in range(beats):
        met = await world.instance.meet({}, beat=True)
    return {met.lineage: met.position}


async def _held(world: World, set_back: SetBack) -> Met:
    seen = await _seen(world)
    await set_back()
    return await world.instance.meet(seen, beat=True)


async def _confirm(world: World) -> None:
    done = await world.instance.confirm(reason="looked at the phones", by="ana")
    assert done is not None


class InstanceContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_what_goes_on_is_not_held(self, world: World) -> None:
        """A store that goes on where it was holds nothing, however often it is met."""
        await world.phone_with()
        first = await world.instance.meet({}, beat=False)
        seen = {first.lineage: first.position}
        for _ in range(BEATS):
            met = await world.instance.meet(seen, beat=True)
            seen = {met.lineage: met.position}
        unheard = await world.instance.meet({}, beat=False)
        older = await world.instance.meet({met.lineage: 1, "another": 99}, beat=False)

        assert met.position == first.position + BEATS
        assert {one.held for one in (first, met, unheard, older)} == {""}
        assert unheard == older == met
        assert (await world.arm()).armed

    async def test_what_is_behind_is_held(
        self, world: World, set_back: SetBack
    ) -> None:
        """A store that is behind where it was seen holds everything, and nothing is
        claimed or armed.
        """
        await world.phone_with(2)
        claim = await world.claim()
        met = await _held(world, set_back)
        call = await world.arm(claim)
        await world.phone_with()

        assert met.held
        assert str(why(call)) == "SWITCHED_OFF"
        assert await world.claims() == []
        (switch,) = await world.switches.thrown(world.tenant)
        assert (switch.scope, switch.of) == (SwitchScope.ALL, RESTORED)
        assert switch.by == "engine"
        assert met.held in switch.reason

    async def test_a_copy_is_held(self, world: World, set_back: SetBack) -> None:
        """A copy in another place holds everything."""
        await world.phone_with()
        seen = await _seen(world)
        await set_back(copied=True)

        met = await world.instance.meet({}, beat=True)

        assert met.held
        assert {met.lineage: met.position} == seen
        assert await world.claims() == []

    async def test_resuming_is_not_confirming(
        self, world: World, set_back: SetBack
    ) -> None:
        """A kill switch that is lifted does not let go what a restore holds."""
        await world.phone_with()
        tenant, everything = world.tenant, SwitchScope.ALL
        await world.switches.throw(tenant, everything, "", reason="x", by="ana")
        await _held(world, set_back)

        await world.switches.lift(tenant, everything, "", reason="x", by="ana")

        assert await world.claims() == []
        assert len(await world.switches.thrown(tenant)) == 1

    async def test_what_is_held_stays_so(self, world: World, set_back: SetBack) -> None:
        """A held store does not go on until it is confirmed."""
        await world.phone_with()
        held = await _held(world, set_back)

        again = await world.instance.meet({}, beat=True)
        further = await world.instance.meet({held.lineage: 0}, beat=True)
        await _confirm(world)
        after = await world.instance.meet({held.lineage: 99}, beat=True)

        assert held == again == further
        assert not after.held
        assert await world.instance.confirm(reason="twice", by="ana") is None

    async def test_a_confirmation_lets_everything_go_on(
        self, world: World, set_back: SetBack
    ) -> None:
        """A confirmation lets everything go on, under another epoch and another
        lineage, and calls that were under way become UNKNOWN.
        """
        first, other = await world.phones(2)
        (lead,) = await world.line(first)
        await world.line(other)
        claims = await world.claims()
        mine = next(claim for claim in claims if claim.lane == first.id)
        call = await world.arm(mine)
        held = await _held(world, set_back)

        done = await world.instance.confirm(reason="looked at the phones", by="ana")

        left = await world.settle(call, Outcome.UNKNOWN)
        met = await world.instance.meet({held.lineage: 99}, beat=False)
        known = await world.known(lead)
        await world.advance_engine(world.timing.rest + SOON)
        (claim,) = await world.claims()
        assert done is not None
        assert (done.why, done.calls, done.stands_on) == (
            held.held,
            1,
            held.stands_on,
        )
        assert left.outcome is Outcome.UNKNOWN
        assert [one.step_number for one in known.waiting] == [2]
        assert (claim.lane, claim.epoch) == (other.id, mine.epoch + 1)
        assert met.lineage != held.lineage
        assert list(await world.switches.thrown(world.tenant)) == []

    async def test_nothing_is_due_but_what_came_in(
        self, world: World, set_back: SetBack
    ) -> None:
        """Nothing is due while it is held but what came in."""
        await world.phone_with()
        await world.doubt()
        now = await world.now()
        duty = Duty(DutyKind.DISPATCH, str(world.tenant), world.tenant, now)
        await world.duties.put([duty])
        await world.advance_engine(HOUR)
        await _held(world, set_back)
        wait = await world.lanes.next_wake()

        duties = await world.duties.take(A, 10)
        doubts = await world.intents.doubtful(A, 10)
        await world.inbox.put(invented.arrival("reply"))

        assert wait is None
        assert (list(duties), list(doubts)) == ([], [])
        assert await world.lanes.next_wake() == timedelta()
        assert len(await world.inbox.take(A, 10)) == 1
        await _confirm(world)
        assert await world.duties.take(A, 10) != []
        assert await world.intents.doubtful(A, 10) != []


class WitnessContract:
    """One test per promise of the port."""

    async def test_the_furthest_is_remembered(self, witness: Witness) -> None:
        """It remembers the furthest position of each lineage."""
        for lineage, position in [("a", 3), ("b", 7), ("a", 5), ("a", 4), ("b", 6)]:
            await witness.saw(lineage, position)

        assert dict(await witness.seen()) == {"a": 5, "b": 7}

    async def test_an_empty_one_knows_nothing(self, witness: Witness) -> None:
        """An empty one knows nothing."""
        assert dict(await witness.seen()) == {}
