"""A stop for a mail of which nobody knows whether it arrived, in every store and over
Instantly: it is told again once that is known, and is not confirmed before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import pytest
from attrs import define, field
from tests.contract.instantly_workspace import InstantlyBench, opened

from outreach.adapters.memory.alerts import MemoryAlerts
from outreach.adapters.memory.guard import MemoryGuard
from outreach.domain.ids import AccountId
from outreach.domain.message import Accepted, Outcome, UnknownOutcome
from outreach.domain.review import ReviewCalendar
from outreach.domain.stop import Stop, StopKind
from outreach.domain.usecases.carry_out_stops import CarryOutStops
from outreach.domain.usecases.look_for_doubts import LookForDoubts
from outreach.ports.gateway import Again, Confirmed, LooksUp, TakesBack
from outreach.testing.arming import opted_out
from outreach.testing.gateway import Situation
from outreach.testing.invented import ZONE
from outreach.testing.world import GAP, A, Call, World

AMPLE: Final = timedelta(seconds=10)
DOUBT: Final = "the call may still be under way"


@define
class Heard:
    """Passes stops on, and notes what the provider answered."""

    inner: TakesBack
    answers: list[Confirmed | Again] = field(factory=list)

    async def stop(self, stop: Stop) -> Confirmed | Again:
        answer = await self.inner.stop(stop)
        self.answers.append(answer)
        return answer


@define
class Scene:
    """A mail whose answer was lost, and its lead who then said stop."""

    world: World
    bench: InstantlyBench
    call: Call
    heard: Heard

    @classmethod
    async def make(cls, world: World, bench: InstantlyBench, lost: Situation) -> Scene:
        (phone,) = await world.phones()
        (lead,) = await world.line(phone, mail=True)
        call = await world.call_for(await world.mail(phone, lead))
        await bench.arrange(lost)
        answer = await bench.gateway.send(call.draft.parcel, AMPLE)
        assert isinstance(answer, UnknownOutcome), answer
        await world.settle(call, Outcome.UNKNOWN)
        await world.changed(lead, opted_out)
        await bench.arrange(Situation.WELL)
        return cls(world, bench, call, Heard(bench.gateway))

    @property
    def account(self) -> AccountId:
        return self.call.draft.parcel.account

    async def tell(self) -> Stop | None:
        """One try of the withdrawal; the stop, if it is not confirmed."""
        takers: dict[AccountId, TakesBack] = {self.account: self.heard}
        carry_out = CarryOutStops(self.world.stops, takers, takers, MemoryAlerts())
        for stop in await self.world.stops.unconfirmed(self.world.tenant):
            if stop.kind is StopKind.WITHDRAW:
                await carry_out(stop.tenant, stop.id)
                return await self.world.stops.get(stop.tenant, stop.id)
        return None

    async def look(self, wait: timedelta) -> None:
        await self.world.advance_engine(wait)
        lookups: dict[AccountId, LooksUp] = {self.account: self.bench.gateway}
        look = LookForDoubts(
            self.world.intents,
            MemoryGuard(lambda: 0.0),
            lookups,
            ReviewCalendar(ZONE),
            self.world.timing,
        )
        await look(A)


@pytest.fixture
async def bench() -> AsyncIterator[InstantlyBench]:
    async with opened() as bench:
        yield bench


async def test_what_arrives_after_the_stop_was_told_is_found_and_withdrawn(
    world: World, bench: InstantlyBench
) -> None:
    here = await Scene.make(world, bench, Situation.LOST)

    early = await here.tell()
    late = await bench.gateway.send(here.call.draft.parcel, AMPLE)
    still = await here.world.stops.unconfirmed(world.tenant)
    await here.look(world.timing.first_look + GAP)
    after = await here.tell()

    assert early is not None
    assert (early.tries, early.detail, early.in_doubt) == (1, DOUBT, True)
    assert isinstance(late, Accepted)
    assert early.id in {one.id for one in still}
    assert after is None
    assert here.heard.answers == [Confirmed("the vendor has no such lead"), Confirmed()]
    assert bench.workspace.leads == []
    assert await bench.let_go() == []


async def test_what_is_there_already_goes_at_once_and_is_asked_about_again(
    world: World, bench: InstantlyBench
) -> None:
    here = await Scene.make(world, bench, Situation.CUT_OFF)

    early = await here.tell()
    gone = list(bench.workspace.leads)
    await here.look(world.timing.first_look + GAP)
    unsure = await here.tell()
    await here.look(world.timing.give_up + GAP)
    after = await here.tell()

    assert early is not None
    assert unsure is not None
    assert gone == []
    assert (early.in_doubt, unsure.in_doubt) == (True, True)
    assert (unsure.tries, unsure.detail) == (2, DOUBT)
    assert after is None
    assert all(isinstance(one, Confirmed) for one in here.heard.answers)
    assert await bench.let_go() == []
    known = await world.known(here.call.draft.lead)
    assert known.waiting == ()
