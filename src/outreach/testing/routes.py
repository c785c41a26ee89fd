"""What a store owes to a message whose channel has become impossible.

Subclass this in a test module, with a fixture ``world`` that gives a fresh `World`. A
docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from attrs import evolve

from outreach.domain.breaker import MailFault
from outreach.domain.change import StatusChange
from outreach.domain.channel import Channel, State
from outreach.domain.decision import Reason, Verdict
from outreach.domain.ids import CampaignId, LeadId
from outreach.domain.message import MessageStatus, Outcome
from outreach.domain.outcome import rerouted
from outreach.domain.routing import Ways
from outreach.domain.sender import Sender, SenderState
from outreach.domain.sequence import EnrolmentStatus
from outreach.ports.lanes import PutOff
from outreach.testing.world import GAP, HOUR, Call, World

__all__ = ["RoutesContract"]

WA, COLD = Channel.WHATSAPP, Channel.EMAIL_COLD


async def _waiting(
    world: World, channel: Channel = WA, fallback: Channel = COLD, steps: int = 1
) -> tuple[Sender, Sender, LeadId]:
    """A lead with a number and an address, whose first message is in a lane."""
    (phone,) = await world.phones()
    (mailbox,) = await world.mailboxes()
    (lead,) = await world.new_leads(mail=True)
    (intent,) = await world.enrolled(
        [lead], channel=channel, fallback=fallback, steps=steps
    )
    lane = phone if channel is WA else mailbox
    assert await world.allocations.allocate(world.tenant, {intent: lane.id}) == 1
    return phone, mailbox, lead


async def _close(world: World, lead: LeadId, channel: Channel) -> None:
    known = await world.known(lead)
    journey = evolve(known.journey, closed_channels=frozenset({channel}))
    await world.commit(evolve(world.change(known), journey=journey))


async def _bounced(world: World, call: Call) -> None:
    known = await world.known(call.draft.lead)
    attempt = call.draft.parcel.attempt
    change = world.change(
        known,
        faults=((attempt, MailFault.BOUNCED),),
        resolves=((attempt, Outcome.REFUSED, "", ""),),
        statuses=(StatusChange(attempt, MessageStatus.BOUNCED, known.now),),
    )
    await world.commit(change)


class RoutesContract:
    """One message, one step: it goes another way, and never two ways."""

    async def test_a_message_is_moved_to_another_channel(self, world: World) -> None:
        """What is moved to another channel waits for a sender of that."""
        _, mailbox, lead = await _waiting(world)
        await _close(world, lead, WA)
        claim = await world.claim()
        (case,) = claim.cases
        made = world.decide(case, claim)
        moved = rerouted(case, made)
        assert moved is not None

        put = PutOff(case.intent.id, moved[0], claim.now, to_channel=moved[1])
        await world.lanes.put_off(claim, [put])
        nobody = await world.claims()
        (waits,) = await world.allocations.waiting(world.tenant, 10, COLD)
        await world.allocations.allocate(world.tenant, {waits.intent: mailbox.id})
        then = await world.claim()
        told = (await world.decisions.explain(world.tenant, lead)).recorded

        assert (made.verdict, made.binding) == (Verdict.STOP, Reason.NO_CHANNEL)
        assert (nobody, waits.intent) == ([], case.intent.id)
        (offered,) = then.cases
        assert (then.lane, offered.intent.channel) == (mailbox.id, COLD)
        assert offered.template is not None
        assert offered.template.channel is COLD
        assert [one.decision.binding for one in told] == [Reason.NO_CHANNEL]
        assert ("to", "EMAIL_COLD") in told[0].decision.block.inputs
        assert ("why", "best score 70") in told[0].decision.block.inputs

    async def test_it_goes_by_the_leads_own_sender_there(self, world: World) -> None:
        phone, mailbox, lead = await _waiting(world, steps=2)
        known = await world.known(lead)
        journey = evolve(known.journey, mailbox=mailbox.id)
        await world.commit(evolve(world.change(known), journey=journey))
        await _close(world, lead, WA)
        claim = await world.claim()
        (case,) = claim.cases
        moved = rerouted(case, world.decide(case, claim))
        assert moved is not None

        put = PutOff(case.intent.id, moved[0], claim.now, to_channel=moved[1])
        await world.lanes.put_off(claim, [put])
        then = await world.claim()

        assert (claim.lane, then.lane) == (phone.id, mailbox.id)
        assert await world.allocations.waiting(world.tenant, 10, COLD) == []

    async def test_an_invalid_number_has_the_same_step_go_by_mail(
        self, world: World
    ) -> None:
        _, mailbox, lead = await _waiting(world)
        call = await world.calling()

        left = await world.settle(
            call, Outcome.REFUSED, fall_back_to=COLD, nobody_there=True
        )
        (waits,) = await world.allocations.waiting(world.tenant, 10, COLD)
        await world.allocations.allocate(world.tenant, {waits.intent: mailbox.id})
        again = await world.call_for(waits.intent)
        await world.settle(again, Outcome.ACCEPTED)
        known = await world.known(lead)

        assert (left.outcome, left.spent) == (Outcome.REFUSED, False)
        assert waits.intent == call.draft.parcel.intent
        assert (again.draft.n, again.draft.parcel.to) == (2, "ion@firma3.ro")
        assert again.draft.parcel.permit.channel is COLD
        assert again.case.ways is not None
        assert again.case.ways.phone == ""
        assert known.journey.state is State.CONTACTED_EMAIL

    async def test_a_mail_that_came_back_has_its_step_go_another_way(
        self, world: World
    ) -> None:
        _, mailbox, lead = await _waiting(world, COLD, WA, steps=2)
        call = await world.send()
        sent = await world.known(lead)

        await _bounced(world, call)
        after = await world.known(lead)
        await world.advance_engine(GAP)
        claim = await world.claim()
        (case,) = claim.cases
        made = world.decide(case, claim)
        counts = await world.campaigns.mail(world.tenant, _of(call))

        assert sent.journey.state is State.CONTACTED_EMAIL
        assert [one.step_number for one in sent.waiting] == [2]
        assert after.journey.state is State.COLD
        assert [one.step_number for one in after.waiting] == [1]
        assert (claim.lane, case.intent.id) == (mailbox.id, call.draft.parcel.intent)
        assert (case.to, made.binding) == ("", Reason.NO_CHANNEL)
        moved = rerouted(case, made)
        assert moved is not None
        assert moved[1] is WA
        assert (counts.sent, counts.bounced) == (1, 1)

    async def test_what_came_back_after_a_later_step_stays_done(
        self, world: World
    ) -> None:
        _, _, lead = await _waiting(world, COLD, WA, steps=2)
        first = await world.send()
        await world.advance_engine(48 * HOUR)
        second = await world.send()

        await _bounced(world, first)
        known = await world.known(lead)

        last = second.case.intent.step_number
        assert last > first.case.intent.step_number
        assert known.waiting == ()
        assert known.enrolment is not None
        assert known.enrolment.current_step == last

    async def test_what_came_back_of_a_run_that_ended_is_not_done_again(
        self, world: World
    ) -> None:
        _, _, lead = await _waiting(world, COLD, WA, steps=2)
        call = await world.send()
        known = await world.known(lead)
        assert known.enrolment is not None
        ends = (known.enrolment.id, EnrolmentStatus.STOPPED, "REPLIED")
        await world.commit(world.change(known, enrolment=ends))

        await _bounced(world, call)
        after = await world.known(lead)

        assert after.waiting == ()
        assert after.journey.state is State.COLD

    async def test_what_came_back_of_a_run_that_pauses_is_done_when_it_goes_on(
        self, world: World
    ) -> None:
        _, _, lead = await _waiting(world, COLD, WA, steps=2)
        call = await world.send()
        known = await world.known(lead)
        assert known.enrolment is not None
        run = known.enrolment.id
        pauses = (run, EnrolmentStatus.PAUSED, "a person looks")
        await world.commit(world.change(known, enrolment=pauses))

        await _bounced(world, call)
        paused = await world.claims()
        known = await world.known(lead)
        goes_on = (run, EnrolmentStatus.ACTIVE, "")
        await world.commit(world.change(known, enrolment=goes_on))
        await world.advance_engine(GAP)
        claim = await world.claim()

        assert [one.cases for one in paused] == []
        assert [one.intent.id for one in claim.cases] == [call.draft.parcel.intent]

    async def test_the_next_step_waits_for_a_sender_of_its_channel(
        self, world: World
    ) -> None:
        _, mailbox, lead = await _waiting(world, steps=2)
        claim = await world.claim()
        planned = world.draft(claim)[0].aftermath
        assert planned is not None
        assert planned.next_step is not None
        by_mail = evolve(planned, next_step=evolve(planned.next_step, channel=COLD))

        call = await world.arm(claim, aftermath=by_mail)
        await world.settle(call, Outcome.ACCEPTED)
        (step,) = (await world.known(lead)).waiting
        await world.advance_engine(48 * HOUR)
        (waits,) = await world.allocations.waiting(world.tenant, 10, COLD)
        await world.allocations.allocate(world.tenant, {step.id: mailbox.id})
        then = await world.claim()

        assert (step.step_number, step.channel) == (2, COLD)
        assert (waits.intent, then.lane) == (step.id, mailbox.id)

    async def test_a_case_tells_how_else_the_lead_can_be_reached(
        self, world: World
    ) -> None:
        phone, _, _ = await _waiting(world)
        (theirs,) = await world.mailboxes(
            tenant=world.stranger, channel=Channel.EMAIL_WARM, provider="resend"
        )
        claim = await world.claim()
        await world.lanes.free(claim)
        (before,) = claim.cases
        gone = evolve(phone, state=SenderState.QUARANTINE)
        await world.senders.change(phone, gone, by="provider")
        (mailbox,) = [
            one.sender
            for one in await world.senders.all(world.tenant)
            if one.sender.channel is COLD
        ]
        retired = evolve(mailbox, state=SenderState.RETIRED)
        await world.senders.change(mailbox, retired, by="ana")
        (after,) = await world.decisions.waiting(world.tenant, None, 10)

        assert theirs.tenant == world.stranger
        assert before.ways == Ways(before.to, "ion@firma3.ro", frozenset({WA, COLD}))
        assert after.ways == evolve(before.ways, channels=frozenset({WA}))


def _of(call: Call) -> CampaignId:
    assert call.case.campaign is not None
    return call.case.campaign
