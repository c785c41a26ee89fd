"""A provider that works by campaigns has the one that mail waits for, or why not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.usecases.engine import HOUR, MINUTE, Engine, engine

from outreach.adapters.memory.campaign_gateway import Kept, MemoryCampaignGateway
from outreach.adapters.memory.gateway import Mishap
from outreach.domain.change import Duty, DutyKind
from outreach.domain.channel import Channel
from outreach.domain.decision import Reason
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.provider_campaign import CampaignCounts, CampaignHold
from outreach.domain.sender import Sender
from outreach.domain.suppression import SwitchScope
from outreach.ports.gateway import Again
from outreach.testing.invented import PROVIDER


def host(here: Engine) -> MemoryCampaignGateway:
    assert isinstance(here.gateway, MemoryCampaignGateway)
    return here.gateway


async def mailing(many: int = 3) -> tuple[Engine, Sender]:
    """Mails of one step that are due, at a provider that has no campaign yet."""
    here = engine(MemoryCampaignGateway)
    (box,) = await here.world.phones()
    await add(here, box, many)
    return here, box


async def add(here: Engine, box: Sender, many: int = 1) -> None:
    leads = await here.world.line(box, many, mail=True, within=90 * HOUR)
    step = (await here.world.campaign())[1].steps[0].id
    for lead in leads:
        await here.world.mail(box, lead, step=step)


async def work(here: Engine, rounds: int = 12) -> None:
    """Send, do duties and send again, as workers do."""
    for _ in range(rounds):
        send, now = here.sends(), here.clock.monotonic()
        for _ in range(4):
            for claim in await here.world.claims():
                await send(claim, now)
            here.pass_time(timedelta(seconds=20))
        while await here.duties():
            pass
        here.pass_time(4 * MINUTE)


def ref(here: Engine) -> str:
    (only,) = here.store.hosted.values()
    return only.hosting.ref


async def test_it_is_made_started_and_filled() -> None:
    here, _ = await mailing()

    await work(here)

    assert len(host(here).campaigns) == 1
    (name,) = host(here).started
    assert name.startswith("outreach agri 1 Europe/Bucharest ")
    assert [one.campaign for one in here.gateway.accepted] == [ref(here)] * 3
    assert Reason.PROVIDER_BACKOFF in here.reasons()


async def test_a_lost_answer_makes_no_second_one() -> None:
    here, _ = await mailing()
    host(here).hears = [Mishap.ACCEPTED_THEN_SILENT, Mishap.LOST_ON_THE_WAY]

    await work(here)

    assert len(host(here).campaigns) == 1
    assert len(here.gateway.accepted) == 3


async def test_one_that_is_not_as_planned_takes_nothing() -> None:
    here, _ = await mailing()
    host(here).keeps = Kept.OTHERWISE

    await work(here, 24)

    assert here.gateway.accepted == []
    assert host(here).started == []
    assert here.told().count("campaign.paused") == 1
    (only,) = here.store.hosted.values()
    assert only.hosting.hold is CampaignHold.OTHER


async def test_the_provider_stops_it_for_bounces() -> None:
    here, box = await mailing()
    await work(here)
    host(here).hold(ref(here), CampaignHold.BOUNCES)
    here.pass_time(HOUR)
    while await here.duties():
        pass
    await add(here, box)

    await work(here, 36)

    (switch,) = await here.world.switches.thrown(here.world.tenant)
    assert (switch.scope, switch.by) == (SwitchScope.CAMPAIGN, "provider")
    assert len(here.gateway.accepted) == 3
    assert host(here).started == []
    assert here.told().count("campaign.paused") == 1


async def test_a_person_closes_the_breaker_and_it_goes_on() -> None:
    here, box = await mailing()
    await work(here)
    campaign = str(next(iter(here.store.hosted.values())).campaign)
    here.alerts.told.clear()
    for verb in (here.world.switches.throw, here.world.switches.lift):
        await verb(
            here.world.tenant, SwitchScope.CAMPAIGN, campaign, reason="x", by="me"
        )
        while await here.duties():
            pass
        if verb == here.world.switches.throw:
            assert host(here).started == []
    await add(here, box)

    await work(here, 24)

    assert len(host(here).started) == 1
    assert len(here.gateway.accepted) == 4


async def test_the_breaker_opens_while_it_is_being_made() -> None:
    here, _ = await mailing()
    host(here).hears = [Mishap.ACCEPTED_THEN_SILENT]
    await work(here, 1)
    campaign = str(next(iter(here.store.hosted.values())).campaign)
    await here.world.switches.throw(
        here.world.tenant, SwitchScope.CAMPAIGN, campaign, reason="x", by="me"
    )

    await work(here, 12)

    assert here.gateway.accepted == []
    assert host(here).started == []


async def test_hours_and_limits_of_the_provider_stop_nothing() -> None:
    here, box = await mailing()
    await work(here)
    for why in (CampaignHold.SCHEDULE, CampaignHold.LIMIT, CampaignHold.WAITING):
        host(here).hold(ref(here), why)
        here.pass_time(HOUR)
        while await here.duties():
            pass
        await add(here, box)
        await work(here)

    assert len(here.gateway.accepted) == 6
    assert "campaign.paused" not in here.told()


async def test_its_own_counts_open_the_breaker() -> None:
    here, _ = await mailing()
    await work(here)
    host(here).counted[ref(here)] = CampaignCounts(ref(here), 100, 4)
    account = next(iter(here.store.accounts))
    at = here.clock.engine + timedelta(minutes=1)
    duty = Duty(DutyKind.MAIL_COUNTS, str(account), here.world.tenant, at)
    await here.world.duties.put([duty])
    here.pass_time(MINUTE)

    while await here.duties():
        pass

    (switch,) = await here.world.switches.thrown(here.world.tenant)
    assert "4 of 100 mails bounced" in switch.reason
    assert host(here).started == []


async def test_a_provider_that_is_away_keeps_what_takes_leads() -> None:
    here, box = await mailing()
    await work(here)
    here.gateway.is_reachable = False
    here.pass_time(HOUR)
    while await here.duties():
        pass
    here.gateway.is_reachable = True
    await add(here, box)

    await work(here)

    assert len(here.gateway.accepted) == 4


async def test_a_reply_goes_without_any() -> None:
    here, box = await mailing(1)
    await work(here)
    (lead,) = {one.lead for one in here.attempts()}
    await here.arrives(
        SystemEvent(
            key="r-1",
            type=EventType.UNSUBSCRIBE,
            provider=PROVIDER,
            channel=Channel.EMAIL_COLD,
            ref=here.attempts()[0].ref,
        )
    )
    await here.take()

    while await here.duties():
        pass

    assert here.journey(lead).opted_out
    assert {one.kind.value for one in here.gateway.stops} == {"WITHDRAW", "BLOCK"}
    assert box.id in here.store.lanes


# --- a breaker that opens while the campaign is being started again


class Overtaken(MemoryCampaignGateway):
    """Its next start takes so long that the breaker opens and is carried out first."""

    here: Engine
    campaign: str
    told: bool = True

    async def resume(self, ref: str) -> Any:
        here = self.here
        await here.world.switches.throw(
            here.world.tenant, SwitchScope.CAMPAIGN, self.campaign, reason="", by="ana"
        )
        await carried_out(here)
        assert ref in held(here)
        answer = await super().resume(ref)
        return answer if self.told else Again("no answer")


async def carried_out(here: Engine) -> None:
    for stop in await here.world.stops.unconfirmed(here.world.tenant):
        await here.stops(here.world.tenant, stop.id)


def held(here: Engine) -> list[str]:
    return [one.ref for one in host(here).campaigns.values() if one.hold is not None]


@pytest.mark.parametrize("told", [True, False])
async def test_one_that_was_started_after_its_pause_is_paused_again(
    *, told: bool
) -> None:
    here, _ = await mailing()
    await work(here)
    slow = Overtaken(now=here.clock.machine)
    slow.campaigns = host(here).campaigns
    (only,) = here.store.hosted.values()
    slow.here, slow.campaign, slow.told = here, str(only.campaign), told
    here.gateway = slow
    switch = (here.world.tenant, SwitchScope.CAMPAIGN, slow.campaign)
    await here.world.switches.throw(*switch, reason="", by="ana")
    await carried_out(here)
    await here.world.switches.lift(*switch, reason="", by="ana")

    await work(here)

    assert here.store.switches
    assert held(here) == [only.hosting.ref]
    assert [*await here.world.stops.unconfirmed(here.world.tenant)] == []
