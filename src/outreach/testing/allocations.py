"""What every `Allocations` owes its callers.

Subclass `AllocationsContract` in a test module, with a fixture ``world`` that gives a
fresh `World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from attrs import evolve

from outreach.domain.allocation import PLENTY
from outreach.domain.budget import HARD_LIMIT, UnitSlot
from outreach.domain.change import DutyKind, Known
from outreach.domain.channel import Channel
from outreach.domain.journey import Fact, Moved, happened
from outreach.domain.limits import Limits
from outreach.domain.message import Outcome
from outreach.domain.sender import SenderState
from outreach.domain.sequence import Override
from outreach.testing.world import HOUR, A, World

__all__ = ["AllocationsContract"]

SOON: Final = timedelta(seconds=5)
COLD, WARM = Channel.EMAIL_COLD, Channel.EMAIL_WARM


def replied(known: Known) -> Moved:
    return happened(known.journey, Fact.REPLIED, known.now, by="reply")


async def followups(world: World) -> int | None:
    (room,) = await world.allocations.rooms(world.tenant)
    return room.followups


class AllocationsContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_rooms_tell_what_is_left_and_what_waits(self, world: World) -> None:
        """The rooms tell today's remaining units and what waits already."""
        (phone,) = await world.phones(daily_limit=3)
        (other,) = await world.phones()
        await world.line(phone, 2)
        await world.send()

        rooms = {
            room.sender.id: room for room in await world.allocations.rooms(world.tenant)
        }

        room, untouched = rooms[phone.id], rooms[other.id]
        assert (room.units, room.waiting, room.free) == (2, 1, 1)
        assert (untouched.units, untouched.waiting) == (HARD_LIMIT, 0)

    async def test_the_longest_sequence_with_new_leads_counts(
        self, world: World
    ) -> None:
        """The rooms tell the follow-ups of the longest sequence that has leads nobody
        has written to.
        """
        (phone,) = await world.phones()
        seen = [await followups(world)]
        await world.enrolled(await world.new_leads(2), steps=2)
        theirs = await world.new_leads(tenant=world.stranger)
        await world.enrolled(theirs, steps=5, tenant=world.stranger)
        seen.append(await followups(world))
        (intent,) = await world.enrolled(await world.new_leads(), steps=4, name="long")
        seen.append(await followups(world))

        await world.allocations.allocate(world.tenant, {intent: phone.id})
        seen.append(await followups(world))
        await world.send()
        seen.append(await followups(world))

        (room,) = await world.allocations.rooms(world.tenant)
        assert seen == [None, 1, 3, 3, 1]
        assert (room.used, room.units) == (1, HARD_LIMIT - 1)

    async def test_an_override_counts_while_its_campaign_has_new_leads(
        self, world: World
    ) -> None:
        """An override of capacity counts while its campaign has such leads."""
        (phone,) = await world.phones()
        await world.enrolled(await world.new_leads(), steps=4)
        knowingly = Override("the fair is on Friday", "ana")
        (intent,) = await world.enrolled(
            await world.new_leads(), name="fair", override=knowingly
        )

        overridden = await followups(world)
        await world.allocations.allocate(world.tenant, {intent: phone.id})
        await world.send()
        after = await followups(world)

        assert (overridden, after) == (None, 3)

    async def test_what_people_sent_takes_room(self, world: World) -> None:
        phone, (lead,) = await world.phone_with(daily_limit=2)
        day = (await world.now()).date()
        known = await world.known(lead)
        await world.commit(world.change(known, external=UnitSlot(phone.id, day)))

        (room,) = await world.allocations.rooms(world.tenant)

        assert room.units == 1

    async def test_only_the_tenants_own_enabled_phones(self, world: World) -> None:
        on, off = await world.phones(2)
        await world.phones(tenant=world.stranger)
        await world.senders.change(off, evolve(off, enabled=False), by="test")

        rooms = await world.allocations.rooms(world.tenant)

        assert [room.sender.id for room in rooms] == [on.id]

    async def test_what_is_allocated_wakes_its_lane(self, world: World) -> None:
        """What is allocated wakes its lane."""
        (phone,) = await world.phones()
        (lead,) = await world.new_leads()
        (intent,) = await world.enrolled([lead])
        await world.quiet()

        before = await world.lanes.next_wake()
        moved = await world.allocations.allocate(world.tenant, {intent: phone.id})
        after = await world.lanes.next_wake()

        assert (before, moved, after) == (None, 1, timedelta())
        assert await world.offered() == [lead]

    async def test_who_comes_second_changes_nothing(self, world: World) -> None:
        """A message is allocated once: who comes second changes nothing."""
        first, second = await world.phones(2)
        (lead,) = await world.new_leads()
        (intent,) = await world.enrolled([lead])

        answers = await asyncio.gather(
            *(
                world.allocations.allocate(world.tenant, {intent: phone.id})
                for phone in (first, second, first, second)
            )
        )

        assert sorted(answers) == [0, 0, 0, 1]
        assert await world.offered() == [lead]

    async def test_in_the_order_of_the_due_time(self, world: World) -> None:
        """What waits comes in the order of its due time."""
        leads = await world.new_leads(3)
        (last,) = await world.enrolled(leads[:1], within=HOUR)
        (first,) = await world.enrolled(leads[1:2])
        await world.advance_engine(SOON)
        (second,) = await world.enrolled(leads[2:])

        now = await world.allocations.waiting(world.tenant, 10)
        one = await world.allocations.waiting(world.tenant, 1)
        await world.advance_engine(HOUR)
        later = await world.allocations.waiting(world.tenant, 10)

        assert [waiting.intent for waiting in now] == [first, second]
        assert [waiting.intent for waiting in one] == [first]
        assert [waiting.intent for waiting in later] == [first, second, last]
        assert await world.allocations.waiting(world.stranger, 10) == []

    async def test_strangers_get_nothing(self, world: World) -> None:
        (theirs,) = await world.phones(tenant=world.stranger)
        (lead,) = await world.new_leads()
        (intent,) = await world.enrolled([lead])

        moved = await world.allocations.allocate(world.tenant, {intent: theirs.id})
        stolen = await world.allocations.allocate(world.stranger, {intent: theirs.id})

        assert (moved, stolen) == (0, 0)
        assert await world.claims() == []

    async def test_who_waits_for_a_phone_that_is_gone(self, world: World) -> None:
        """New contacts of a phone that is gone wait for another one, and whoever it
        has written to stays.
        """
        phone, leads = await world.phone_with(4)
        written = (await world.send()).draft.lead
        tenant = world.tenant
        await world.quiet()
        there = await world.allocations.take_back(tenant, phone.id, 10)
        gone = evolve(phone, state=SenderState.BANNED)
        await world.senders.change(phone, gone, by="provider")

        duties = await world.duties.take(A, 10)
        foreign = await world.allocations.take_back(world.stranger, phone.id, 10)
        first = await world.allocations.take_back(tenant, phone.id, 2)
        rest = await world.allocations.take_back(tenant, phone.id, 2)
        none = await world.allocations.take_back(tenant, phone.id, 2)
        waiting = await world.allocations.waiting(tenant, 10)
        dispatch = await world.duties.take(A, 10)
        stays = await world.known(written)

        assert DutyKind.GONE in {duty.kind for duty in duties}
        assert [there, foreign, first, rest, none] == [0, 0, 2, 1, 0]
        assert len(waiting) == len(leads) - 1
        assert tenant in {
            duty.tenant for duty in dispatch if duty.kind is DutyKind.DISPATCH
        }
        assert stays.journey.phone == phone.id
        assert [intent.id for intent in stays.waiting] != []
        assert {one.intent for one in waiting}.isdisjoint(
            intent.id for intent in stays.waiting
        )

    async def test_mail_waits_for_a_sender_of_its_channel(self, world: World) -> None:
        """Mail waits for a sender of its channel, and no other takes it."""
        (phone,) = await world.phones()
        (mailbox,) = await world.mailboxes()
        (warm,) = await world.mailboxes(channel=WARM, provider="resend")
        (lead,) = await world.new_leads(mail=True)
        (mail,) = await world.enrolled([lead], channel=COLD)
        tenant, allocations = world.tenant, world.allocations

        by_phone = await allocations.waiting(tenant, 10)
        by_mail = await allocations.waiting(tenant, 10, COLD)
        wrong = [
            await allocations.allocate(tenant, {mail: one.id}) for one in (phone, warm)
        ]
        right = await allocations.allocate(tenant, {mail: mailbox.id})

        assert (list(by_phone), [one.intent for one in by_mail]) == ([], [mail])
        assert (wrong, right) == ([0, 0], 1)
        assert [claim.lane for claim in await world.claims()] == [mailbox.id]

    async def test_the_room_of_a_mailbox(self, world: World) -> None:
        """A mailbox has room for what its budgets leave, and plenty without any."""
        (bounded,) = await world.mailboxes(limits=Limits(total_per_day=3))
        (free,) = await world.mailboxes()
        for one in (bounded, free):
            (lead,) = await world.new_leads(mail=True)
            (mail,) = await world.enrolled([lead], channel=COLD)
            await world.allocations.allocate(world.tenant, {mail: one.id})
            await world.settle(await world.call_for(mail), Outcome.ACCEPTED)

        rooms = await world.allocations.rooms(world.tenant)
        left = {room.sender.id: (room.free, room.used) for room in rooms}

        assert left == {bounded.id: (2, 0), free.id: (PLENTY, 0)}

    async def test_who_waits_for_a_mailbox_that_is_gone(self, world: World) -> None:
        (mailbox,) = await world.mailboxes()
        leads = await world.new_leads(2, mail=True)
        mails = await world.enrolled(leads, channel=COLD)
        given = dict.fromkeys(mails, mailbox.id)
        await world.allocations.allocate(world.tenant, given)
        sent = (await world.send()).draft.lead
        gone = evolve(mailbox, state=SenderState.BANNED)
        await world.senders.change(mailbox, gone, by="provider")

        taken = await world.allocations.take_back(world.tenant, mailbox.id, 10)
        waiting = await world.allocations.waiting(world.tenant, 10, COLD)
        stays = await world.known(sent)

        assert taken == 1
        assert {one.intent for one in waiting} < set(mails)
        assert (stays.journey.mailbox, stays.journey.phone) == (mailbox.id, None)

    async def test_a_lead_keeps_its_mailbox_of_each_kind(self, world: World) -> None:
        first, second = await world.mailboxes(2)
        (warm,) = await world.mailboxes(channel=WARM, provider="resend")
        (lead,) = await world.new_leads(mail=True)
        (mail,) = await world.enrolled([lead], channel=COLD)
        await world.allocations.allocate(world.tenant, {mail: first.id})
        await world.settle(await world.call_for(mail), Outcome.ACCEPTED)
        before = await world.known(lead)

        (step,) = [one.id for one in before.waiting]
        stolen = await world.allocations.allocate(world.tenant, {step: second.id})
        await world.changed(lead, replied)
        await world.call_for(await world.mail(warm, lead, channel=WARM))
        after = await world.known(lead)

        assert stolen == 0
        assert before.journey.sender(COLD) == first.id
        assert after.journey.sender(COLD) == first.id
        assert after.journey.sender(WARM) == warm.id
        assert after.journey.phone is None
