"""What every `Audit` finds of breakers, of stops, and of further budgets.

Subclass `StoppedContract` in a test module; see `outreach.testing.audit`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from attrs import evolve

from outreach.domain.auditing import Check
from outreach.domain.limits import Limits
from outreach.domain.message import Outcome
from outreach.domain.stop import ALERT_AFTER, Stop, StopKind
from outreach.domain.suppression import SwitchScope
from outreach.testing.audit import Sent, Spoil, found, hourly, sent
from outreach.testing.world import GAP, HOUR, A, World

__all__ = ["StoppedContract"]

MINUTE = timedelta(minutes=1)


async def _opened(world: World, campaign: Any) -> None:
    await world.switches.throw(
        world.tenant, SwitchScope.CAMPAIGN, str(campaign), reason="x", by="ana"
    )


async def _closed(world: World, campaign: Any) -> None:
    lifted = await world.switches.lift(
        world.tenant, SwitchScope.CAMPAIGN, str(campaign), reason="ok", by="ana"
    )
    assert lifted


async def _stop(world: World) -> Stop:
    """A pause that a provider was never told of."""
    (phone,) = await world.phones()
    (lead,) = await world.line(phone, mail=True)
    call = await world.call_for(await world.mail(phone, lead))
    await world.settle(call, Outcome.ACCEPTED)
    await _opened(world, call.case.campaign)
    (stop,) = await world.stops.unconfirmed(world.tenant)
    assert stop.kind is StopKind.PAUSE
    for duty in await world.duties.take(A, 1_000):
        # Only the stop's own duty stays, put off for good.
        away = None if duty.key != str(stop.id) else stop.now + 99 * HOUR
        await world.duties.done(duty, away)
    return stop


class StoppedContract:
    """One test for each check of what was to be stopped, and of budgets."""

    async def test_a_message_armed_after_its_breaker_opened(
        self, world: World, spoil: Spoil
    ) -> None:
        await world.phone_with()
        await world.quiet()
        call = await world.send()
        await _opened(world, call.case.campaign)
        before = await found(world)

        await spoil(Check.AFTER_BREAKER)

        attempt = str(call.draft.parcel.attempt)
        assert before == []
        assert await found(world) == [(Check.AFTER_BREAKER, attempt)]

    async def test_a_breaker_that_was_closed_again_is_still_judged(
        self, world: World, spoil: Spoil
    ) -> None:
        await world.phone_with(2)
        await world.quiet()
        first = await world.send()
        await world.advance_engine(GAP)
        await _opened(world, first.case.campaign)
        await world.advance_engine(GAP)
        await _closed(world, first.case.campaign)
        await world.advance_engine(GAP)
        await world.send()
        before = await found(world)

        await spoil(Check.AFTER_BREAKER)

        # What was armed after the person let the campaign go on is none.
        attempt = str(first.draft.parcel.attempt)
        assert before == []
        assert await found(world) == [(Check.AFTER_BREAKER, attempt)]

    async def test_another_campaigns_breaker_is_no_finding(
        self, world: World, spoil: Spoil
    ) -> None:
        await sent(world)
        other, _ = await world.campaign(name="other")
        await _opened(world, other.id)

        await spoil(Check.AFTER_BREAKER)

        assert await found(world) == []

    async def test_a_stop_that_nobody_was_told_of(self, world: World) -> None:
        stop = await _stop(world)
        await world.advance_engine(ALERT_AFTER - MINUTE)
        await hourly(world)
        early = await found(world)
        await world.advance_engine(2 * MINUTE)
        unseen = await found(world)

        await hourly(world)

        late = await found(world)
        (open_,) = await world.stops.unconfirmed(world.tenant)
        await world.stops.tried(evolve(open_, tries=1, alerted=True))
        assert early == unseen == []
        assert late == [(Check.STOP_UNTOLD, str(stop.id))]
        assert await found(world) == []

    async def test_a_stop_that_nothing_repeats(
        self, world: World, spoil: Spoil
    ) -> None:
        stop = await _stop(world)
        before = await found(world)

        await spoil(Check.STOP_LOST, stop=stop.id)

        lost = await found(world)
        await world.stops.confirm(stop, "")
        assert before == []
        assert lost == [(Check.STOP_LOST, str(stop.id))]
        assert await found(world) == []

    async def test_a_budget_that_its_holders_do_not_make_up(
        self, world: World, spoil: Spoil
    ) -> None:
        limits = Limits(total_per_day=5)
        phone, _ = await world.phone_with(2, limits=limits)
        await world.quiet()
        await world.settle(await world.calling(), Outcome.RELEASED, retry_in=HOUR)
        await world.advance_engine(GAP)
        of = Sent(await world.send()).ids
        before = await found(world)

        await spoil(Check.BUDGETS_DIFFER, **of)

        subject = f"{phone.id} total {of['day']}"
        assert before == []
        assert await found(world) == [(Check.BUDGETS_DIFFER, subject)]
