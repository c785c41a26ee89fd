"""What every `Journeys` owes its callers when mail comes back, or a link is followed.

Subclass `ReturnedContract` in a test module, with a fixture ``world`` that gives a
fresh `World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import uuid4

from attrs import evolve

from outreach.domain.address import lead_key
from outreach.domain.amends import unbounced
from outreach.domain.bounce import RETURNED
from outreach.domain.breaker import MailCounts, MailFault
from outreach.domain.change import Known
from outreach.domain.channel import Channel, State
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import CampaignId, IntentId
from outreach.domain.journey import HARD_BOUNCE, Fact, Moved, happened
from outreach.domain.message import Outcome, WhyNotArmed
from outreach.testing import invented
from outreach.testing.arming import why
from outreach.testing.world import GAP, Call, World

__all__ = ["ReturnedContract"]

A_DAY: Final = timedelta(days=1)


def _unreachable(known: Known) -> Moved:
    now, lost = known.now, Fact.UNREACHABLE
    return happened(known.journey, lost, now, by="event/1", why=HARD_BOUNCE)


async def _sent(world: World) -> Call:
    """A mail that was accepted; the phone stands in for a mailbox."""
    (phone,) = await world.phones()
    (lead,) = await world.line(phone, mail=True)
    call = await world.call_for(await world.mail(phone, lead))
    await world.settle(call, Outcome.ACCEPTED)
    await world.advance_engine(GAP)
    return call


async def _returned(world: World, call: Call, moved: Moved | None = None) -> None:
    known = await world.known(call.draft.lead)
    faults = ((call.draft.parcel.attempt, MailFault.BOUNCED),)
    await world.commit(world.change(known, moved, faults=faults))


async def _undone(world: World, call: Call) -> Known:
    known = await world.known(call.draft.lead)
    await world.commit(unbounced(known, by="ana", why="our own server's fault"))
    return await world.known(call.draft.lead)


class ReturnedContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_a_link_says_whose_it_is(self, world: World) -> None:
        """An event that names its lead is that lead's, and of no sender."""
        _, (lead,) = await world.phone_with()
        await world.send()
        event = SystemEvent(
            key=f"unsubscribe/{uuid4()}",
            provider="links",
            type=EventType.UNSUBSCRIBE,
            channel=Channel.EMAIL_COLD,
            tenant=world.tenant,
            lead=lead,
        )

        known = await world.journeys.match("default", event)
        foreign = evolve(event, tenant=world.stranger)

        assert known is not None
        assert known.journey.lead == lead
        assert known.outbound is None
        assert await world.journeys.match("default", foreign) is None

    async def test_nothing_goes_while_a_link_waits(self, world: World) -> None:
        """While an event that names a lead waits, nothing is armed for it."""
        _, (lead,) = await world.phone_with()
        claim = await world.claim()

        await world.inbox.put(
            evolve(invented.arrival("unsubscribe/1"), address=lead_key(lead))
        )
        call = await world.arm(claim)

        assert why(call) is WhyNotArmed.INBOX_BEHIND

    async def test_an_address_is_marked(self, world: World) -> None:
        """An address whose mail came back for good gets no mail any more."""
        call = await _sent(world)
        (phone,) = [call.draft.parcel.sender]
        before = await world.known(call.draft.lead)
        mail = evolve(call.case.intent, id=IntentId(uuid4()), due_at=before.now)
        await world.commit(world.change(before, plans=(mail,)))
        await world.allocations.allocate(world.tenant, {mail.id: phone})

        await _returned(world, call)
        known = await world.known(call.draft.lead)
        cases = [case for claim in await world.claims() for case in claim.cases]

        assert known.bounced == (call.draft.parcel.attempt,)
        assert known.fields["email_status"] == RETURNED
        (case,) = [one for one in cases if one.intent.id == mail.id]
        assert case.to == ""

    async def test_it_is_taken_back(self, world: World) -> None:
        """A bounce that is taken back leaves nothing behind but its record."""
        call = await _sent(world)
        before = await world.known(call.draft.lead)
        campaign = _campaign(call)
        await _returned(world, call, _unreachable(before))
        dead = await world.known(call.draft.lead)
        await world.advance_engine(A_DAY)

        after = await _undone(world, call)
        counts = await world.campaigns.mail(world.tenant, campaign)

        assert dead.journey.state is State.DEAD
        assert after.bounced == ()
        assert after.fields["email_status"] == before.fields["email_status"]
        assert after.journey.state is before.journey.state
        assert after.journey.dead_cause is None
        assert after.journey.reason == "bounce taken back: our own server's fault"
        assert counts == MailCounts(sent=1)

    async def test_what_happened_since_stays(self, world: World) -> None:
        call = await _sent(world)
        known = await world.known(call.draft.lead)
        await _returned(world, call, _unreachable(known))
        await world.changed(
            call.draft.lead,
            lambda one: happened(one.journey, Fact.REPLIED, one.now, by="reply"),
        )

        after = await _undone(world, call)

        assert after.journey.state is State.WARM_REPLY
        assert after.bounced == ()

    async def test_one_of_two_is_not_enough(self, world: World) -> None:
        call = await _sent(world)
        known = await world.known(call.draft.lead)
        again = evolve(call.case.intent, id=IntentId(uuid4()), due_at=known.now)
        await world.commit(world.change(known, plans=(again,)))
        sender = call.draft.parcel.sender
        await world.allocations.allocate(world.tenant, {again.id: sender})
        second = await world.call_for(again.id)
        await world.settle(second, Outcome.ACCEPTED)
        await _returned(world, call)
        await _returned(world, second)
        first, other = (await world.known(call.draft.lead)).bounced

        known = await world.known(call.draft.lead)
        await world.commit(world.change(known, amends=(first,)))
        half = await world.known(call.draft.lead)
        await world.commit(world.change(half, amends=(other,)))
        after = await world.known(call.draft.lead)

        assert half.bounced == (other,)
        assert half.fields["email_status"] == RETURNED
        assert after.bounced == ()
        assert after.fields["email_status"] == ""

    async def test_what_never_bounced_is_not_taken_back(self, world: World) -> None:
        call = await _sent(world)
        known = await world.known(call.draft.lead)

        amends = (call.draft.parcel.attempt,)
        await world.commit(world.change(known, amends=amends))

        counts = await world.campaigns.mail(world.tenant, _campaign(call))
        assert counts == MailCounts(sent=1)


def _campaign(call: Call) -> CampaignId:
    campaign = call.case.campaign
    assert campaign is not None
    return campaign
