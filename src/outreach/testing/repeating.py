"""What a ledger of sends owes to a message that is given to its provider once more.

Subclass this in a test module, with a fixture ``world`` that gives a fresh `World`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from outreach.domain.address import AddressKey, email_keys
from outreach.domain.change import Known
from outreach.domain.journey import Command, Moved, commanded
from outreach.domain.message import Outcome
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.suppression import Suppression, SuppressionReason, SwitchScope
from outreach.ports.intents import Doubt, Resolution
from outreach.testing import invented
from outreach.testing.arming import opted_out
from outreach.testing.world import A, Call, World

__all__ = ["RepeatingContract"]


async def _mail(world: World, **facts: object) -> Call:
    """T1 of a mail, answered by a draft as the decision made it."""
    (phone,) = await world.phones()
    (lead,) = await world.line(phone, mail=True)
    return await world.call_for(await world.mail(phone, lead, **facts))


class RepeatingContract:
    """A message whose outcome nobody knows, given to its provider once more."""

    async def _doubt(self, world: World) -> Doubt:
        call = await _mail(world)
        await world.settle(call, Outcome.UNKNOWN)
        await world.advance_engine(world.timing.first_look)
        (doubt,) = await world.intents.doubtful(A, 10)
        return doubt

    async def test_only_while_t1_would_let_it_go(self, world: World) -> None:
        """An unknown message may be repeated only while T1 would let it go."""
        reasons: list[Callable[[World, Doubt], Awaitable[object]]] = [
            _opt_out,
            _suppress,
            _throw,
            _open_breaker,
            _take_over,
            _stop_run,
            _hear,
            _close_window,
        ]
        for happens in reasons:
            doubt = await self._doubt(world)
            before = await world.intents.may_repeat(doubt)

            await happens(world, doubt)

            assert before, happens
            assert not await world.intents.may_repeat(doubt), happens
            await self._clear(world, doubt)

    async def _clear(self, world: World, doubt: Doubt) -> None:
        """As it was, for the next."""
        for switch in await world.switches.thrown(world.tenant):
            await world.switches.lift(
                world.tenant, switch.scope, switch.of, reason="over", by="ana"
            )
        for arrived in await world.inbox.take(A, 10):
            await world.inbox.close(arrived.id, "over")
        ref = f"m-{doubt.lead}"
        await world.intents.resolve([Resolution(doubt, Outcome.ACCEPTED, ref=ref)])

    async def test_what_is_known_is_not_repeated(self, world: World) -> None:
        doubt = await self._doubt(world)

        await world.intents.resolve([Resolution(doubt, Outcome.ACCEPTED, ref="m-1")])

        assert not await world.intents.may_repeat(doubt)


async def _opt_out(world: World, doubt: Doubt) -> None:
    await world.changed(doubt.lead, opted_out)


async def _suppress(world: World, doubt: Doubt) -> None:
    _, _, domain = doubt.parcel.to.partition("@")
    key = AddressKey.of(f"domain:{domain}")
    said = Suppression(key, SuppressionReason.PERSON, "ana", doubt.now)
    await world.switches.suppress(world.tenant, [said])


async def _throw(world: World, doubt: Doubt) -> None:
    channel = str(doubt.parcel.permit.channel)
    scope = SwitchScope.CHANNEL
    await world.switches.throw(world.tenant, scope, channel, reason="x", by="ana")


async def _open_breaker(world: World, doubt: Doubt) -> None:
    known = await world.known(doubt.lead)
    assert known.enrolment is not None
    of, scope = str(known.enrolment.campaign), SwitchScope.CAMPAIGN
    await world.switches.throw(world.tenant, scope, of, reason="x", by="engine")


async def _take_over(world: World, doubt: Doubt) -> None:
    def taken(known: Known) -> Moved:
        command = Command.TAKE_OVER
        return commanded(known.journey, command, known.now, by="ana", why="")

    await world.changed(doubt.lead, taken)


async def _stop_run(world: World, doubt: Doubt) -> None:
    known = await world.known(doubt.lead)
    assert known.enrolment is not None
    ends = (known.enrolment.id, EnrolmentStatus.STOPPED, "PERSON")
    await world.commit(world.change(known, enrolment=ends))


async def _hear(world: World, doubt: Doubt) -> None:
    key, _ = email_keys(doubt.parcel.to)
    await world.inbox.put(invented.arrival(f"r-{doubt.lead}", address=key))


async def _close_window(world: World, _doubt: Doubt) -> None:
    await world.advance_engine(timedelta(hours=12))
