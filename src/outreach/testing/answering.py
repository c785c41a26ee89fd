"""What a store of journeys owes to a reply that goes by mail.

Subclass this in a test module, with a fixture ``world`` that gives a fresh `World`. A
docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from attrs import evolve

from outreach.domain.address import AddressKey, AddressKind
from outreach.domain.change import Heard, ReviewChange, Wrote
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import IntentId, LeadId
from outreach.domain.journey import Fact, happened
from outreach.domain.message import Intent, Outcome
from outreach.domain.sender import SendClass, Sender
from outreach.testing import invented
from outreach.testing.world import GAP, World

__all__ = ["AnsweringContract"]

COLD, WARM = Channel.EMAIL_COLD, Channel.EMAIL_WARM
SOON = timedelta(seconds=30)


async def _mailed(world: World, mailbox: Sender, thread: str = "mail-1") -> LeadId:
    """A lead that was written to by *mailbox*."""
    (lead,) = await world.new_leads(mail=True)
    (mail,) = await world.enrolled([lead], channel=COLD, steps=1)
    await world.allocations.allocate(world.tenant, {mail: mailbox.id})
    call = await world.call_for(mail)
    await world.settle(call, Outcome.ACCEPTED, thread=thread)
    await world.advance_engine(GAP)
    return lead


async def _wrote(
    world: World, lead: LeadId, sender: Sender | None, subject: str = "Re: Agro"
) -> None:
    """The lead replies by mail, and a person is asked."""
    known = await world.known(lead)
    moved = happened(known.journey, Fact.REPLIED, known.now, by="reply")
    heard = Heard(
        EventType.REPLY,
        COLD,
        known.now,
        thread="mail-1" if sender else "",
        sender=None if sender is None else sender.id,
        content="Cât costă?",
        subject=subject,
    )
    item = invented.item(world.tenant, lead, known.now)
    review = None if known.review else ReviewChange(item, "OPENED", "engine")
    await world.commit(world.change(known, moved, heard=heard, review=review))


async def _answer(world: World, lead: LeadId) -> IntentId:
    known = await world.known(lead)
    reply = Intent(
        id=IntentId(uuid4()),
        tenant=world.tenant,
        lead=lead,
        send_class=SendClass.APPROVED,
        channel=WARM,
        due_at=known.now,
        text="Costă 10 lei.",
        subject="Re: Agro",
        permission="ana",
    )
    await world.commit(world.change(known, plans=(reply,)))
    return reply.id


class AnsweringContract:
    """Who answers a mail."""

    async def test_the_mailbox_that_can_answer_does(self, world: World) -> None:
        """A reply by mail goes by the sender that the lead wrote to, if that can
        answer there.
        """
        (account,) = await world.mailboxes(answers=True)
        await world.mailboxes(channel=WARM, provider="resend")
        lead = await _mailed(world, account)
        await _wrote(world, lead, account)

        call = await world.call_for(await _answer(world, lead))
        await world.settle(call, Outcome.ACCEPTED)
        known = await world.known(lead)

        assert call.claim.lane == account.id
        parcel = call.draft.parcel
        assert (parcel.thread, parcel.subject) == ("mail-1", "Re: Agro")
        assert parcel.permit.channel is WARM
        # It answered there, and is no mailbox of warm mail for that.
        assert known.journey.warm_mailbox is None
        assert known.journey.mailbox == account.id

    async def test_else_the_leads_own_mailbox_of_warm_mail(self, world: World) -> None:
        """Else it goes by its mailbox of warm mail, or waits for one."""
        (cold,) = await world.mailboxes()
        first, second = await world.mailboxes(2, channel=WARM, provider="resend")
        lead = await _mailed(world, cold)
        await _wrote(world, lead, cold)

        reply = await _answer(world, lead)
        (waits,) = await world.allocations.waiting(world.tenant, 10, WARM)
        stolen = await world.allocations.allocate(world.tenant, {reply: cold.id})
        await world.allocations.allocate(world.tenant, {reply: second.id})
        call = await world.call_for(reply)
        await world.settle(call, Outcome.ACCEPTED, thread="warm-1")
        await world.advance_engine(GAP)
        again = await world.call_for(await _answer(world, lead))

        assert (waits.intent, stolen) == (reply, 0)
        assert call.claim.lane == second.id != first.id
        assert (again.claim.lane, again.draft.parcel.thread) == (second.id, "warm-1")
        assert (await world.known(lead)).journey.warm_mailbox == second.id

    async def test_who_wrote_to_the_warm_mailbox_is_answered_there(
        self, world: World
    ) -> None:
        (account,) = await world.mailboxes(answers=True)
        (warm,) = await world.mailboxes(channel=WARM, provider="resend")
        lead = await _mailed(world, account)
        await _wrote(world, lead, account)
        await world.advance_engine(SOON)
        await _wrote(world, lead, warm)

        call = await world.call_for(await _answer(world, lead))

        assert call.claim.lane == warm.id

    async def test_a_lead_tells_what_it_wrote_last(self, world: World) -> None:
        """Where a person is asked, it is known what the lead wrote last and on which
        way.
        """
        (cold,) = await world.mailboxes()
        lead = await _mailed(world, cold)
        before = await world.known(lead)
        await _wrote(world, lead, cold, subject="")
        ours = await world.known(lead)
        await world.advance_engine(SOON)
        await _wrote(world, lead, cold, subject="Ofertă")
        theirs = await world.known(lead)
        (shown,) = await world.reviews.queue(world.tenant, limit=1)

        assert before.wrote is None
        assert ours.wrote is not None
        assert ours.wrote.subject.endswith(": o întrebare")
        assert theirs.wrote == Wrote(COLD, "Ofertă")
        assert shown.recipient == theirs.email

    async def test_a_reply_keeps_its_subject(self, world: World) -> None:
        (cold,) = await world.mailboxes()
        lead = await _mailed(world, cold)
        await _wrote(world, lead, cold)

        await _answer(world, lead)
        (waiting,) = (await world.known(lead)).waiting

        assert (waiting.channel, waiting.subject) == (WARM, "Re: Agro")

    async def test_an_event_of_an_account_is_of_the_account(self, world: World) -> None:
        row = evolve(
            invented.new_mailbox(1),
            number="instantly/default",
            provider="instantly",
            answers=True,
        )
        (account,) = await world.senders.import_(world.tenant, [row])
        lead = await _mailed(world, account)
        known = await world.known(lead)
        event = SystemEvent(
            key="reply-1",
            provider=row.provider,
            type=EventType.REPLY,
            channel=COLD,
            sender="the-mailbox@the-vendor-picked.ro",
            address=AddressKey(AddressKind.EMAIL, known.email),
            content="Cât costă?",
        )

        found = await world.journeys.match("default", event)

        assert found is not None
        assert found.journey.lead == lead
        assert found.sender is not None
        assert found.sender.id == account.id
