"""A campaign whose mail does too badly gets nothing more, until a person says so."""

from __future__ import annotations

from tests.usecases.engine import HOUR, MINUTE, Engine, engine

from outreach.domain.change import DutyKind
from outreach.domain.channel import Channel
from outreach.domain.decision import Reason
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import LeadId
from outreach.domain.sender import Sender
from outreach.domain.stop import StopKind
from outreach.domain.suppression import SwitchScope
from outreach.testing.invented import PROVIDER
from outreach.testing.world import GAP

MANY = 50


def mails(here: Engine) -> int:
    """How many were accepted; one that came back may have gone on by phone."""
    kinds = [parcel.permit.channel for parcel in here.gateway.accepted]
    return kinds.count(Channel.EMAIL_COLD)


async def mailing(many: int = MANY) -> tuple[Engine, Sender, list[LeadId]]:
    """A campaign whose mail was accepted so often."""
    here = engine()
    (phone,) = await here.world.phones()
    leads = await here.world.line(phone, many, mail=True, within=900 * HOUR)
    for lead in leads:
        await here.world.mail(phone, lead)
    await here.run()
    assert mails(here) == many
    return here, phone, leads


async def bounce(here: Engine, number: int) -> None:
    await here.arrives(
        SystemEvent(
            key=f"b-{number}",
            type=EventType.BOUNCE,
            provider=PROVIDER,
            channel=Channel.EMAIL_COLD,
            ref=f"m-{number}",
        )
    )
    await here.take()
    await here.duties()


async def test_two_of_50_bounce_and_nothing_is_added_any_more() -> None:
    here, phone, _ = await mailing()
    (other,) = await here.world.line(phone, mail=True)
    await here.world.mail(phone, other)

    await bounce(here, 1)
    warned = here.told()
    await bounce(here, 2)
    (switch,) = await here.world.switches.thrown(here.world.tenant)
    here.pass_time(HOUR)
    await here.run()

    assert warned.count("bounce.high") == 1
    assert "campaign.paused" not in warned
    assert here.told().count("campaign.paused") == 1
    assert (switch.scope, switch.by) == (SwitchScope.CAMPAIGN, "engine")
    assert "2 of 50 mails bounced" in switch.reason
    assert mails(here) == MANY
    assert Reason.BREAKER_OPEN in here.reasons()


async def test_the_provider_is_told_to_pause_the_campaign() -> None:
    here, _, _ = await mailing()
    for number in (1, 2):
        await bounce(here, number)

    await here.duties()

    (switch,) = await here.world.switches.thrown(here.world.tenant)
    paused = [stop for stop in here.gateway.stops if stop.kind is StopKind.PAUSE]
    assert [stop.about for stop in paused] == [switch.of]
    assert here.gateway.paused == {switch.of}


async def test_only_a_person_closes_it() -> None:
    here, phone, _ = await mailing()
    for number in (1, 2):
        await bounce(here, number)
    (switch,) = await here.world.switches.thrown(here.world.tenant)
    (other,) = await here.world.line(phone, mail=True)
    await here.world.mail(phone, other)
    here.pass_time(10 * MINUTE)
    await here.run()
    held = mails(here)

    await here.world.switches.lift(
        here.world.tenant, switch.scope, switch.of, reason="list cleaned", by="ana"
    )
    here.pass_time(HOUR + GAP)
    await here.run()

    assert held == MANY
    assert mails(here) > MANY


async def test_bounces_of_too_few_mails_say_nothing() -> None:
    here, _, _ = await mailing(10)

    for number in range(1, 6):
        await bounce(here, number)

    assert await here.world.switches.thrown(here.world.tenant) == ()
    assert "bounce.high" not in here.told()
    assert (DutyKind.BREAKER, "") not in here.store.duties


async def test_a_breaker_puts_a_lane_off_once_however_much_waits() -> None:
    here, phone, _ = await mailing()
    for number in (1, 2):
        await bounce(here, number)
    for lead in await here.world.line(phone, 20, mail=True, within=900 * HOUR):
        await here.world.mail(phone, lead)
    recorded = here.reasons().count(Reason.BREAKER_OPEN)

    for _ in range(3):
        for claim in await here.world.claims():
            await here.sends()(claim, here.clock.monotonic())

    assert here.reasons().count(Reason.BREAKER_OPEN) == recorded + 1
    assert mails(here) == MANY
