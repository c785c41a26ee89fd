"""What every `HostedCampaigns` owes its callers.

Subclass `HostedCampaignsContract` in a test module, with a fixture ``world`` that gives
a fresh `World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from attrs import evolve

from outreach.domain.case import Case
from outreach.domain.change import DutyKind
from outreach.domain.decision import Reason, Verdict
from outreach.domain.ids import CampaignId, HostedId, IntentId
from outreach.domain.message import Outcome
from outreach.domain.provider_campaign import (
    ABSENT,
    CampaignCounts,
    CampaignHold,
    HostedCampaign,
    Hosting,
)
from outreach.domain.sender import Sender
from outreach.domain.stop import StopKind
from outreach.domain.suppression import SwitchScope
from outreach.ports.lanes import Claim, PutOff
from outreach.testing.world import HOUR, A, World

__all__ = ["HostedCampaignsContract"]

_A_MINUTE = timedelta(minutes=1)
_TAKES = Hosting("k-1", None)


async def _mails(world: World, phone: Sender, many: int = 1) -> list[IntentId]:
    """Mails of the same step that wait in the phone's lane, which is a mailbox here."""
    leads = await world.line(phone, many, mail=True, within=100 * HOUR)
    step = (await world.campaign())[1].steps[0].id
    return [await world.mail(phone, lead, step=step) for lead in leads]


async def _put_off(world: World, claim: Claim, case: Case, until: timedelta) -> None:
    held = evolve(case, hosting=evolve(ABSENT, until=claim.now + until))
    made = world.decide(held, claim)
    assert made.verdict is Verdict.DEFER, made
    assert made.binding is Reason.PROVIDER_BACKOFF, made
    put = PutOff(case.intent.id, made, made.earliest, hosted=True)
    await world.lanes.put_off(claim, [put])


async def _wait(world: World, until: timedelta = _A_MINUTE) -> Case:
    """Put the first message that is offered off for want of its campaign."""
    claim = await world.claim()
    await _put_off(world, claim, claim.cases[0], until)
    return claim.cases[0]


async def _asked(world: World) -> list[HostedId]:
    """Whose duty is due."""
    found = []
    for duty in await world.duties.take(A, 100):
        if duty.kind is DutyKind.HOSTED:
            found.append(HostedId(UUID(duty.key)))
        await world.duties.done(duty, None)
    return found


async def _hosted(world: World) -> HostedCampaign:
    """One that a message was put off for."""
    (asked,) = await _asked(world)
    return await _again(world, asked)


async def _again(world: World, asked: HostedId) -> HostedCampaign:
    known = await world.hosted.get(world.tenant, asked)
    assert known is not None
    return known


async def _open(world: World, campaign: CampaignId) -> None:
    await world.switches.throw(
        world.tenant, SwitchScope.CAMPAIGN, str(campaign), reason="bounces", by="me"
    )


async def _close(world: World, campaign: CampaignId) -> None:
    await world.switches.lift(
        world.tenant, SwitchScope.CAMPAIGN, str(campaign), reason="well", by="me"
    )


async def _pauses(world: World) -> list[tuple[str, str]]:
    return sorted(
        (one.ref, one.about)
        for one in await world.stops.unconfirmed(world.tenant)
        if one.kind is StopKind.PAUSE
    )


class HostedCampaignsContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_it_is_asked_for(self, world: World) -> None:
        """A message that is put off for want of its campaign asks for it, once."""
        (phone,) = await world.phones()
        await _mails(world, phone)

        case = await _wait(world)
        known = await _hosted(world)
        await world.advance_engine(2 * _A_MINUTE)
        await _wait(world)

        assert await _asked(world) == []
        assert known.hosting == ABSENT
        assert (known.account, known.step) == (phone.account, case.intent.step)
        assert known.window.key == case.window.key
        assert (known.number, known.sequence) == (1, "agri")
        assert known.now == await world.now() - 2 * _A_MINUTE
        plan = known.plan
        assert plan is not None
        assert plan.zone in case.window.zones

    async def test_there_is_one_for_all(self, world: World) -> None:
        """Messages of the same step, zones and campaign have one, at each account."""
        here, there = await world.phones(2)
        other = (await world.phones(1, provider_account="other"))[0]
        for phone in (here, there, other):
            await _mails(world, phone)
        for claim in await world.claims():
            await _put_off(world, claim, claim.cases[0], _A_MINUTE)

        asked = [await _again(world, one) for one in await _asked(world)]

        assert sorted(one.account for one in asked) == sorted(
            {here.account, other.account}
        )

    async def test_all_of_it_moves(self, world: World) -> None:
        """What is put off so moves all that would be added to the same one, and no
        other.
        """
        (phone,) = await world.phones()
        await _mails(world, phone, 3)
        (lead,) = await world.line(phone, mail=True, within=100 * HOUR)
        soon = await world.now() + _A_MINUTE
        other = await world.mail(phone, lead, due_at=soon)

        await _wait(world, HOUR)
        at_once = await world.claims()
        await world.advance_engine(_A_MINUTE)
        later = await world.claim()

        assert at_once == []
        assert [one.intent.id for one in later.cases] == [other]

    async def test_it_is_in_the_claim(self, world: World) -> None:
        """What is told of one is in the claims that follow."""
        (phone,) = await world.phones()
        await _mails(world, phone)
        first = await _wait(world)
        known = await _hosted(world)
        until = known.now + HOUR
        for told in (
            Hosting("k-1", CampaignHold.BOUNCES, "too many", None),
            Hosting("k-1", CampaignHold.SENDERS, "none", until),
            _TAKES,
        ):
            await world.hosted.told(known, told)
            await world.advance_engine(_A_MINUTE)
            claim = await world.claim()
            await world.lanes.free(claim)

            assert claim.cases[0].hosting == told
            assert (await _again(world, known.id)).hosting == told
        assert first.hosting is None

    async def test_what_waited_is_due(self, world: World) -> None:
        """One that takes leads again has what waited for it due at once."""
        (phone,) = await world.phones()
        mails = await _mails(world, phone, 2)
        await _wait(world, HOUR)
        known = await _hosted(world)
        before = await world.claims()

        await world.hosted.told(known, _TAKES)
        claim = await world.claim()

        assert before == []
        assert claim.cases[0].intent.id in mails
        assert claim.cases[0].hosting == _TAKES

    async def test_an_open_breaker(self, world: World) -> None:
        """An open breaker pauses all that are at their provider, and what comes there
        later.
        """
        (phone,) = await world.phones()
        other = (await world.phones(1, provider_account="other"))[0]
        for one in (phone, other):
            await _mails(world, one)
        for claim in await world.claims():
            await _put_off(world, claim, claim.cases[0], _A_MINUTE)
        known = [await _again(world, one) for one in await _asked(world)]
        made, late = known
        await world.hosted.told(made, Hosting("k-1", None))

        await _open(world, made.campaign)
        at_once = await _pauses(world)
        await world.hosted.told(late, Hosting("k-2", None))

        assert at_once == [("k-1", str(made.id))]
        assert await _pauses(world) == [("k-1", str(made.id)), ("k-2", str(late.id))]
        assert (await _again(world, made.id)).shut

    async def test_what_started_all_the_same(self, world: World) -> None:
        """One that was started all the same is paused again."""
        (phone,) = await world.phones()
        await _mails(world, phone)
        await _wait(world)
        known = await _hosted(world)
        await world.hosted.told(known, _TAKES)
        await _open(world, known.campaign)
        (pause,) = await world.stops.unconfirmed(world.tenant)
        await world.stops.confirm(pause, "")
        assert await _pauses(world) == []

        await world.hosted.told(known, _TAKES)

        assert await _pauses(world) == [("k-1", str(known.id))]
        await world.hosted.told(known, _TAKES)
        assert await _pauses(world) == [("k-1", str(known.id))]

    async def test_a_closed_breaker(self, world: World) -> None:
        """A closed breaker has all of its campaign's looked at, to be started again."""
        (phone,) = await world.phones()
        await _mails(world, phone)
        await _wait(world)
        known = await _hosted(world)
        await world.hosted.told(known, _TAKES)
        await _open(world, known.campaign)

        await _close(world, known.campaign)

        assert await _pauses(world) == []
        assert await _asked(world) == [known.id]
        wanted = await _again(world, known.id)
        assert (wanted.shut, wanted.resume) == (False, True)
        await world.hosted.told(wanted, Hosting("k-1", CampaignHold.SUSPENDED))
        assert (await _again(world, known.id)).resume
        await world.hosted.told(wanted, _TAKES)
        assert not (await _again(world, known.id)).resume

    async def test_its_counts_stand(self, world: World) -> None:
        """Once a provider has counted, its counts stand for ours."""
        (phone,) = await world.phones()
        (mail,) = await _mails(world, phone)
        await _wait(world)
        known = await _hosted(world)
        await world.hosted.told(known, _TAKES)
        call = await world.call_for(mail)
        await world.settle(call, Outcome.ACCEPTED)
        ours = await world.campaigns.mail(world.tenant, known.campaign)

        await world.hosted.counted(
            world.tenant, known.account, [CampaignCounts("k-1", 70, 3)]
        )
        theirs = await world.campaigns.mail(world.tenant, known.campaign)
        (there,) = await world.hosted.at_provider(world.tenant, known.account)

        assert (ours.sent, ours.bounced) == (1, 0)
        assert (theirs.sent, theirs.bounced) == (70, 3)
        assert there.id == known.id

    async def test_of_the_last_days(self, world: World) -> None:
        """Only what was counted within the last days is judged."""
        (phone,) = await world.phones()
        await _mails(world, phone)
        await _wait(world)
        known = await _hosted(world)
        await world.hosted.told(known, _TAKES)
        for contacted, bounced in ((100, 10), (150, 11), (180, 12)):
            counts = [CampaignCounts("k-1", contacted, bounced)]
            await world.hosted.counted(world.tenant, known.account, counts)
            await world.advance_engine(timedelta(days=4))

        found = await world.campaigns.mail(world.tenant, known.campaign)

        assert (found.sent, found.bounced) == (30, 1)

    async def test_more_bounces(self, world: World) -> None:
        """A count of more bounces has the campaign judged."""
        (phone,) = await world.phones()
        await _mails(world, phone)
        await _wait(world)
        known = await _hosted(world)
        await world.hosted.told(known, _TAKES)
        judged = []
        for bounced in (0, 2, 2, 3):
            counts = [CampaignCounts("k-1", 100, bounced)]
            await world.hosted.counted(world.tenant, known.account, counts)
            duties = await world.duties.take(A, 100)
            judged.append([one.key for one in duties if one.kind is DutyKind.BREAKER])
            for duty in duties:
                await world.duties.done(duty, None)

        about = str(known.campaign)
        assert judged == [[], [about], [], [about]]

    async def test_of_another_tenant(self, world: World) -> None:
        """Those of another tenant are never seen."""
        (phone,) = await world.phones()
        await _mails(world, phone)
        await _wait(world)
        known = await _hosted(world)
        await world.hosted.told(known, _TAKES)
        stranger = world.stranger

        await world.hosted.told(evolve(known, tenant=stranger), Hosting("mine", None))

        assert await world.hosted.get(stranger, known.id) is None
        assert await world.hosted.at_provider(stranger, known.account) == []
        assert await world.hosted.of_campaign(stranger, known.campaign) == []
        (mine,) = await world.hosted.of_campaign(world.tenant, known.campaign)
        assert mine.id == known.id
        assert (await _again(world, known.id)).hosting == _TAKES
