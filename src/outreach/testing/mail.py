"""What a ledger of sends and its campaigns owe to mail: who may get which, and the
counts a campaign is judged by.

Subclass these in a test module, with a fixture ``world`` that gives a fresh `World`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

from outreach.domain.breaker import BREAKER_DAYS, MailCounts, MailFault
from outreach.domain.change import DutyKind, Known, StatusChange
from outreach.domain.channel import (
    COLD_STATES,
    WARM_STATES,
    Channel,
    Permit,
    State,
    permitted,
)
from outreach.domain.errors import NotFound
from outreach.domain.ids import CampaignId
from outreach.domain.journey import Fact, Moved, happened
from outreach.domain.message import MessageStatus, Outcome, WhyNotArmed
from outreach.testing.arming import why
from outreach.testing.errors import raised
from outreach.testing.world import GAP, A, Call, World

__all__ = [
    "MailCountsContract",
    "SegregationContract",
]

A_DAY: Final = timedelta(days=1)
LATER: Final = timedelta(hours=8)
"""So that the phone's own message is not due while the mail is."""


def _replied(known: Known) -> Moved:
    return happened(known.journey, Fact.REPLIED, known.now, by="reply")


async def _mail(world: World, **facts: object) -> Call:
    """T1 of a mail, answered by a draft as the decision made it."""
    (phone,) = await world.phones()
    (lead,) = await world.line(phone, mail=True, within=LATER)
    return await world.call_for(await world.mail(phone, lead, **facts))


class SegregationContract:
    """INV-8 where the lead is locked, whatever a draft says."""

    async def test_a_warm_mail_for_a_cold_lead_is_not_armed(self, world: World) -> None:
        (phone,) = await world.phones()
        (lead,) = await world.line(phone, mail=True, within=LATER)
        mail = await world.mail(phone, lead, channel=Channel.EMAIL_WARM)
        claim = await world.claim()
        case = next(one for one in claim.cases if one.intent.id == mail)
        # A worker whose decision and permit are wrong together.
        warm = attrs.evolve(case.journey, state=State.WARM_REPLY)
        wrong = attrs.evolve(case, journey=warm)

        call = await world.arm(claim, wrong, states=frozenset(State))

        assert why(call) is WhyNotArmed.STALE
        assert call.draft.parcel.permit == Permit(Channel.EMAIL_WARM, State.WARM_REPLY)

    async def test_a_warm_mail_for_a_lead_that_replied_is_armed(
        self, world: World
    ) -> None:
        (phone,) = await world.phones()
        (lead,) = await world.line(phone, mail=True, within=LATER)
        await world.changed(lead, _replied)

        mail = await world.mail(phone, lead, channel=Channel.EMAIL_WARM)

        assert (await world.call_for(mail)).armed

    async def test_a_cold_mail_for_a_lead_that_replied_is_not_armed(
        self, world: World
    ) -> None:
        (phone,) = await world.phones()
        (lead,) = await world.line(phone, mail=True, within=LATER)
        await world.changed(lead, _replied)
        mail = await world.mail(phone, lead)
        claim = await world.claim()
        case = next(one for one in claim.cases if one.intent.id == mail)
        cold = attrs.evolve(case.journey, state=State.COLD)

        wrong = attrs.evolve(case, journey=cold)
        call = await world.arm(claim, wrong, states=frozenset(State))

        assert why(call) is WhyNotArmed.STALE

    async def test_the_store_knows_every_state_of_every_channel(
        self, world: World
    ) -> None:
        """Where a store has a table of its own, it is the domain's."""
        mailed = (Channel.EMAIL_COLD, Channel.EMAIL_WARM)

        allowed = {channel: permitted(channel) for channel in mailed}

        assert allowed == {mailed[0]: COLD_STATES, mailed[1]: WARM_STATES}
        for channel, states in allowed.items():
            for state in (State.COLD, State.WARM_REPLY):
                armed = await self._armed(world, channel, state)
                assert armed is (state in states), (channel, state)

    async def _armed(self, world: World, channel: Channel, state: State) -> bool:
        (phone,) = await world.phones()
        (lead,) = await world.line(phone, mail=True, within=LATER)
        if state is State.WARM_REPLY:
            await world.changed(lead, _replied)
        mail = await world.mail(phone, lead, channel=channel)
        claim, case = next(
            (claim, case)
            for claim in await world.claims()
            for case in claim.cases
            if case.intent.id == mail
        )
        pretended = min(permitted(channel))
        wrong = attrs.evolve(case, journey=attrs.evolve(case.journey, state=pretended))
        call = await world.arm(claim, wrong, states=frozenset(State))
        if call.armed:
            await world.settle(call, Outcome.ACCEPTED)
        await world.advance_engine(GAP)
        return call.armed


class MailCountsContract:
    """The counts that a campaign's breaker is judged by."""

    async def test_each_mail_counts_once(self, world: World) -> None:
        """A campaign's mail is counted as it is accepted, delivered, returned or
        complained about, each mail once.
        """
        call = await _mail(world)
        campaign = _campaign(call)
        before = await world.campaigns.mail(world.tenant, campaign)
        await world.settle(call, Outcome.ACCEPTED)
        sent = await world.campaigns.mail(world.tenant, campaign)

        for _ in range(2):
            await self._told(world, call)
        counts = await world.campaigns.mail(world.tenant, campaign)
        theirs = await world.campaigns.mail(world.stranger, campaign)

        assert before == MailCounts()
        assert sent == MailCounts(sent=1)
        assert counts == MailCounts(sent=1, bounced=1, complained=1, delivered=1)
        assert theirs == MailCounts()

    async def _told(self, world: World, call: Call) -> None:
        known = await world.known(call.draft.lead)
        attempt = call.draft.parcel.attempt
        delivered = StatusChange(attempt, MessageStatus.DELIVERED, known.now)
        faults = tuple((attempt, fault) for fault in MailFault)
        await world.commit(world.change(known, statuses=(delivered,), faults=faults))

    async def test_a_campaign_is_found_by_its_name_or_id(self, world: World) -> None:
        campaign, _ = await world.campaign(name="agri")

        for words in ("agri", str(campaign.id)):
            assert await world.campaigns.named(world.tenant, words) == campaign
        for tenant, words in ((world.tenant, "none"), (world.stranger, "agri")):
            assert await raised(NotFound, world.campaigns.named(tenant, words))

    async def test_a_fault_has_its_campaign_judged(self, world: World) -> None:
        call = await _mail(world)
        await world.settle(call, Outcome.ACCEPTED)
        await world.quiet()

        await self._told(world, call)
        duties = await world.duties.take(A, 10)

        (duty,) = [one for one in duties if one.kind is DutyKind.BREAKER]
        assert duty.key == str(_campaign(call))

    async def test_what_is_over_a_week_old_counts_no_more(self, world: World) -> None:
        call = await _mail(world)
        await world.settle(call, Outcome.ACCEPTED)
        await self._told(world, call)

        await world.advance_engine(BREAKER_DAYS - A_DAY)
        still = await world.campaigns.mail(world.tenant, _campaign(call))
        await world.advance_engine(A_DAY)
        over = await world.campaigns.mail(world.tenant, _campaign(call))

        assert still == MailCounts(sent=1, bounced=1, complained=1, delivered=1)
        assert over == MailCounts()

    async def test_a_message_that_is_no_mail_does_not_count(self, world: World) -> None:
        await world.phone_with()
        call = await world.send()

        await self._told(world, call)

        found = await world.campaigns.mail(world.tenant, _campaign(call))
        assert found == MailCounts()

    async def test_a_refused_mail_was_not_sent(self, world: World) -> None:
        call = await _mail(world)

        await world.settle(call, Outcome.RELEASED)

        found = await world.campaigns.mail(world.tenant, _campaign(call))
        assert found == MailCounts()


def _campaign(call: Call) -> CampaignId:
    campaign = call.case.campaign
    assert campaign is not None
    return campaign
