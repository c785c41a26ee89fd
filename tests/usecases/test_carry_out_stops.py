"""A provider is told to stop, until it confirms; people are told if it does not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import define, evolve
from tests.unit.cases import uid
from tests.usecases.engine import HOUR, MINUTE, SECOND, Engine, engine

from outreach.adapters.memory.gateway import Mishap
from outreach.domain.address import email_keys, phone_key
from outreach.domain.change import DutyKind
from outreach.domain.channel import Channel
from outreach.domain.errors import NotFound
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import AccountId, StopId
from outreach.domain.message import Parcel
from outreach.domain.stop import ALERT_AFTER, Stop, StopKind
from outreach.domain.suppression import SwitchScope
from outreach.domain.usecases.carry_out_stops import CarryOutStops
from outreach.domain.usecases.send_next import Step
from outreach.ports.gateway import Again, Confirmed, TakesBack
from outreach.testing.invented import PROVIDER
from outreach.testing.world import A

WITHDRAW = StopKind.WITHDRAW
DOUBT = "the call may still be under way"


async def mailed(mishap: Mishap | None = None) -> tuple[Engine, Parcel]:
    """A mail that its provider holds, or may hold."""
    here = engine()
    (phone,) = await here.world.phones()
    (lead,) = await here.world.line(phone, mail=True, within=8 * HOUR)
    await here.world.mail(phone, lead)
    if mishap is not None:
        here.gateway.script(mishap)
    wanted = Step.ACCEPTED if mishap is None else Step.UNKNOWN
    assert await here.send() is wanted
    (attempt,) = here.attempts()
    assert attempt.parcel.permit.channel is Channel.EMAIL_COLD
    here.pass_time(MINUTE)
    return here, attempt.parcel


async def unsubscribes(here: Engine, parcel: Parcel) -> None:
    """The webhook comes, and is applied."""
    await here.arrives(
        SystemEvent(
            key="u-1",
            type=EventType.UNSUBSCRIBE,
            provider=PROVIDER,
            channel=Channel.EMAIL_COLD,
            address=email_keys(parcel.to)[0],
        )
    )
    assert await here.take() == 1


async def listed(here: Engine) -> list[Stop]:
    return list(await here.world.stops.unconfirmed(here.world.tenant))


async def stopping(mishap: Mishap | None = None) -> tuple[Engine, Parcel]:
    here, parcel = await mailed(mishap)
    await unsubscribes(here, parcel)
    return here, parcel


async def test_what_is_held_for_who_said_stop_never_leaves() -> None:
    here, parcel = await stopping()

    assert await here.duties() >= 2

    assert {stop.kind for stop in here.gateway.stops} == {WITHDRAW, StopKind.BLOCK}
    assert here.gateway.let_go() == []
    assert here.gateway.blocked == {parcel.to}
    assert await listed(here) == []
    assert "stop.unconfirmed" not in here.told()


async def test_a_stop_without_an_answer_is_repeated_until_it_is_confirmed() -> None:
    here, _ = await stopping()
    here.gateway.ignore(*[Mishap.LOST_ON_THE_WAY] * 2, *[Mishap.NOT_CONNECTED] * 2)

    await here.duties()
    waiting = await listed(here)
    await here.duties()
    too_early = await listed(here)
    here.pass_time(10 * SECOND)
    await here.duties()
    twice = await listed(here)
    here.pass_time(20 * SECOND)
    await here.duties()

    assert [stop.tries for stop in waiting] == [1, 1]
    assert [stop.tries for stop in too_early] == [1, 1]
    assert [stop.tries for stop in twice] == [2, 2]
    assert await listed(here) == []
    assert here.gateway.let_go() == []


async def test_a_confirmation_that_is_lost_is_asked_for_again() -> None:
    here, _ = await stopping()
    here.gateway.ignore(*[Mishap.ACCEPTED_THEN_SILENT] * 2)

    await here.duties()
    here.pass_time(10 * SECOND)
    await here.duties()

    assert [stop.kind for stop in here.gateway.stops].count(WITHDRAW) == 2
    assert await listed(here) == []


async def test_people_are_told_once_after_15_minutes_and_it_goes_on() -> None:
    here, _ = await stopping()
    here.gateway.is_reachable = False
    began = here.clock.engine
    tries = []

    while here.clock.engine < began + 2 * ALERT_AFTER:
        told = "stop.unconfirmed" in here.told()
        assert told is (here.clock.engine > began + ALERT_AFTER), here.clock.engine
        await here.duties()
        tries.append(max(stop.tries for stop in await listed(here)))
        here.pass_time(10 * SECOND)
    here.gateway.is_reachable = True
    here.pass_time(ALERT_AFTER)
    await here.duties()

    assert here.told().count("stop.unconfirmed") == 2, "once for each stop"
    assert tries[-1] > tries[len(tries) // 2], "it went on after people were told"
    assert await listed(here) == []


async def test_a_call_that_may_be_under_way_is_not_believed_to_be_stopped() -> None:
    here, _ = await stopping(Mishap.ACCEPTED_THEN_SILENT)

    await here.duties()
    (doubtful,) = await listed(here)
    await here.look(A)
    here.pass_time(10 * SECOND)
    await here.duties()

    assert (doubtful.kind, doubtful.detail) == (WITHDRAW, DOUBT)
    assert await listed(here) == []


async def test_an_account_that_holds_nothing_has_nothing_to_take_back() -> None:
    here, parcel = await stopping()
    plain = CarryOutStops(here.world.stops, {}, {parcel.account}, here.alerts)

    again = [await plain(stop.tenant, stop.id) for stop in await listed(here)]

    assert again == [None, None]
    assert await listed(here) == []


async def test_an_account_that_nobody_knows_is_asked_for_again() -> None:
    here, _ = await stopping()
    nobody = CarryOutStops(here.world.stops, {}, set(), here.alerts)
    (stop, _) = await listed(here)

    again = await nobody(stop.tenant, stop.id)

    assert again == here.clock.engine + 10 * SECOND
    assert (await listed(here))[0].detail == "no gateway for this account"


async def test_a_stop_that_is_gone_ends_its_duty() -> None:
    here, _ = await mailed()

    found = await here.stops(here.world.tenant, StopId(uid(99)))

    assert found is None
    assert here.gateway.stops == []


@define
class Broken:
    async def stop(self, stop: Stop) -> Confirmed | Again:
        raise KeyError(stop.ref)


async def test_a_defect_of_a_gateway_confirms_nothing_and_is_told() -> None:
    here, parcel = await stopping()
    takers: dict[AccountId, TakesBack] = {parcel.account: Broken()}
    broken = CarryOutStops(here.world.stops, takers, takers, here.alerts)
    here.pass_time(ALERT_AFTER)
    (stop, other) = await listed(here)

    with pytest.raises(KeyError):
        await broken(stop.tenant, stop.id)

    after = {one.id: one for one in await listed(here)}
    assert (after[stop.id].tries, after[stop.id].detail) == (1, "defect: KeyError")
    assert after[other.id].tries == 0
    assert here.told().count("stop.unconfirmed") == 1


@define
class Lacking:
    async def stop(self, stop: Stop) -> Confirmed | Again:
        raise NotFound(stop.about)


async def test_what_a_provider_cannot_find_is_asked_again() -> None:
    here, parcel = await stopping()
    stops = {str(stop.id) for stop in await listed(here)}
    takers: dict[AccountId, TakesBack] = {parcel.account: Lacking()}
    lacking = CarryOutStops(here.world.stops, takers, takers, here.alerts)
    doing = evolve(here.do_duties, stops=lacking)

    await doing(A)

    kept = {key for kind, key in here.store.duties if kind is DutyKind.STOP}
    assert kept == stops
    assert {stop.tries for stop in await listed(here)} == {1}


@define
class Busy:
    wait: timedelta

    async def stop(self, stop: Stop) -> Confirmed | Again:
        return Again(f"{stop.kind} later", self.wait)


async def test_the_wait_that_a_provider_asks_for_is_kept() -> None:
    here, parcel = await stopping()
    takers: dict[AccountId, TakesBack] = {parcel.account: Busy(3 * MINUTE)}
    asked = CarryOutStops(here.world.stops, takers, takers, here.alerts)
    (stop, _) = await listed(here)

    again = await asked(stop.tenant, stop.id)

    assert again == here.clock.engine + 3 * MINUTE


async def test_stops_of_whatsapp_are_never_made() -> None:
    here = engine()
    await here.world.phone_with()
    await here.send()
    (attempt,) = here.attempts()

    here.pass_time(MINUTE)
    await here.arrives(_opt_out_of(attempt.parcel))
    await here.take()

    assert await listed(here) == []
    duties = [kind for kind, _ in here.store.duties]
    assert DutyKind.STOP not in duties


def _opt_out_of(parcel: Parcel) -> SystemEvent:
    return SystemEvent(
        key="r-1",
        type=EventType.UNSUBSCRIBE,
        provider=PROVIDER,
        channel=Channel.WHATSAPP,
        address=phone_key(parcel.to),
    )


async def test_a_stop_that_a_person_made_needless_is_no_incident_any_more() -> None:
    here, _ = await mailed()
    campaign = here.store.campaign_of(here.attempts()[0].intent)
    switch = (here.world.tenant, SwitchScope.CAMPAIGN, str(campaign))
    here.gateway.is_reachable = False
    await here.world.switches.throw(*switch, reason="", by="ana")
    here.pass_time(ALERT_AFTER)
    await here.duties()
    assert "stop.unconfirmed" in [kind for kind, _ in here.alerts.open]

    await here.world.switches.lift(*switch, reason="", by="ana")
    here.pass_time(HOUR)
    await here.duties()

    assert "stop.unconfirmed" not in [kind for kind, _ in here.alerts.open]
