"""What every `Journeys` owes its callers.

Subclass `JourneysContract` in a test module, with a fixture ``world`` that gives a
fresh `World`; `outreach.testing.events` has what events do. A docstring that is a
promise of the port says so word by word.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final
from uuid import uuid4

from attrs import evolve

from outreach.domain.analysis import Analysis, ReplyIntent
from outreach.domain.budget import UnitSlot
from outreach.domain.change import (
    Change,
    Done,
    Duty,
    DutyKind,
    Heard,
    Known,
    Postponed,
    ReviewChange,
)
from outreach.domain.channel import Channel, State
from outreach.domain.event import EventType
from outreach.domain.ids import ReviewId, reply_id
from outreach.domain.journey import Command, Fact, Moved, commanded, happened
from outreach.domain.message import Intent, Outcome
from outreach.domain.sender import SendClass
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.suppression import Suppression, SuppressionReason
from outreach.testing import invented
from outreach.testing.arming import opted_out, why
from outreach.testing.world import GAP, HOUR, A, World

__all__ = ["JourneysContract"]

SOON: Final = timedelta(seconds=5)
MANY: Final = 6


def _replied(known: Known) -> Moved:
    return happened(known.journey, Fact.REPLIED, known.now, by="reply")


def _reply(world: World, known: Known, due: timedelta = timedelta()) -> Intent:
    """A reply that a person wrote."""
    return Intent(
        id=reply_id(world.tenant, ReviewId(uuid4()), 1),
        tenant=world.tenant,
        lead=known.journey.lead,
        send_class=SendClass.APPROVED,
        channel=Channel.WHATSAPP,
        due_at=known.now + due,
        text="Mulțumim, revenim cu oferta.",
    )


class JourneysContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_whole_or_not_at_all(self, world: World) -> None:
        """A change is committed whole or not at all."""
        phone, (lead,) = await world.phone_with()
        known = await world.known(lead)
        (waiting,) = known.waiting
        whole = await self._everything(world, known)

        done = await world.commit(whole)
        missed = await world.commit(evolve(whole, key="again", expected=99))
        after = await world.known(lead)
        slot = whole.external
        assert slot is not None
        (units,) = await world.intents.units([slot])
        await world.advance_engine(HOUR + SOON)
        due = await world.duties.take(A, 10)

        assert (done, missed) == (Done.DONE, Done.CONFLICT)
        assert after.journey.state is State.WARM_REPLY
        assert after.journey.reply_count == 1
        assert after.journey.version == known.journey.version + 1
        assert after.enrolment is None
        assert [intent.id for intent in after.waiting] == [whole.plans[0].id]
        assert waiting.id not in {intent.id for intent in after.waiting}
        assert after.review is not None
        assert whole.review is not None
        assert after.review.id == whole.review.item.id
        assert units.external == 1
        timeouts = {duty.key for duty in due if duty.kind is DutyKind.SENDER_TIMEOUT}
        assert timeouts == {str(phone.id)}

    async def _everything(self, world: World, known: Known) -> Change:
        """A change with every part there is."""
        moved = _replied(known)
        (waiting,) = known.waiting
        assert known.enrolment is not None
        (phone,) = (room.sender for room in await world.allocations.rooms(world.tenant))
        item = invented.item(world.tenant, known.journey.lead, known.now)
        journey = evolve(moved.journey, phone=phone.id)
        duty = Duty(
            DutyKind.SENDER_TIMEOUT, str(phone.id), world.tenant, known.now + HOUR
        )
        return world.change(
            known,
            evolve(moved, journey=journey),
            heard=Heard(
                EventType.REPLY,
                Channel.WHATSAPP,
                known.now,
                thread="chat-7",
                sender=phone.id,
                content="Sună bine",
                analysis=Analysis(ReplyIntent.INTERESTED, 60, 0.9, "ro", (), "test/1"),
            ),
            cancels=((waiting.id, "replied"),),
            plans=(_reply(world, known, HOUR),),
            enrolment=(known.enrolment.id, EnrolmentStatus.STOPPED, "replied"),
            review=ReviewChange(item, "OPENED", "engine"),
            duties=(duty,),
            external=UnitSlot(phone.id, known.now.date()),
        )

    async def test_the_same_key_twice_is_once(self, world: World) -> None:
        """The same event or command twice is committed once."""
        (lead,) = await world.new_leads()
        known = await world.known(lead)
        change = world.change(known, _replied(known))

        answers = await asyncio.gather(*(world.commit(change) for _ in range(MANY)))
        other_version = await world.commit(evolve(change, expected=1))
        after = await world.known(lead)

        assert sorted(answers) == sorted([Done.DONE] + [Done.ALREADY] * (MANY - 1))
        assert other_version is Done.ALREADY
        assert after.journey.reply_count == 1

    async def test_keys_of_tenants_do_not_meet(self, world: World) -> None:
        (ours,) = await world.new_leads()
        (theirs,) = await world.new_leads(tenant=world.stranger)
        known = await world.known(ours)
        (foreign,) = await world.journeys.load(world.stranger, [theirs])

        first = await world.commit(world.change(known, key="event/1"))
        second = await world.commit(world.change(foreign, key="event/1"))

        assert (first, second) == (Done.DONE, Done.DONE)

    async def test_another_version_is_a_conflict(self, world: World) -> None:
        """A change made from another version is a CONFLICT and changes nothing."""
        (lead,) = await world.new_leads()
        known = await world.known(lead)
        changes = [world.change(known, _replied(known)) for _ in range(MANY)]

        answers = await asyncio.gather(*(world.commit(change) for change in changes))
        after = await world.known(lead)
        repeated = await world.commit(
            evolve(
                changes[answers.index(Done.CONFLICT)], expected=after.journey.version
            )
        )

        assert sorted(answers) == sorted([Done.DONE] + [Done.CONFLICT] * (MANY - 1))
        assert after.journey.reply_count == 1
        assert repeated is Done.DONE

    async def test_one_verdict_per_change(self, world: World) -> None:
        first, second = await world.new_leads(2)
        one, two = await world.journeys.load(world.tenant, [first, second])
        stale = world.change(two, expected=99)

        answers = await world.journeys.commit([world.change(one), stale])

        assert answers == [Done.DONE, Done.CONFLICT]

    async def test_an_opt_out_is_seen_by_every_draft(self, world: World) -> None:
        """An opt-out is seen by every draft that is armed after its commit."""
        phones = await world.phones(2)
        leads = [(await world.line(phone))[0] for phone in phones]
        claims = await world.claims()
        by_address, by_journey = claims
        (key,) = by_address.cases[0].addresses

        neighbour = await world.known(by_journey.cases[0].intent.lead)
        said = Suppression(key, SuppressionReason.OPT_OUT, "reply", neighbour.now)
        await world.commit(
            world.change(neighbour, opted_out(neighbour), suppressions=(said,))
        )
        calls = [await world.arm(claim) for claim in claims]

        assert {str(why(call)) for call in calls} == {"SUPPRESSED"}
        await world.advance_engine(timedelta(days=1))
        assert await world.offered() == []
        assert {call.draft.lead for call in calls} == set(leads)

    async def test_an_opt_out_cancels_what_waits(self, world: World) -> None:
        _, (lead,) = await world.phone_with()

        await world.changed(lead, opted_out)
        known = await world.known(lead)

        assert known.waiting == ()
        assert known.enrolment is None
        assert await world.offered() == []

    async def test_what_is_cancelled_is_never_armed(self, world: World) -> None:
        """A cancelled message is never armed."""
        _, (lead,) = await world.phone_with()
        claim = await world.claim()
        known = await world.known(lead)
        (waiting,) = known.waiting

        cancels = ((waiting.id, "test"),)
        await world.commit(world.change(known, cancels=cancels))
        fresh = (await world.known(lead)).journey.version
        call = await world.arm(claim, lead_version=fresh)
        await world.advance_engine(timedelta(days=1))

        assert str(why(call)) == "TAKEN"
        assert (await world.known(lead)).waiting == ()
        assert await world.offered() == []

    async def test_cancelled_in_its_call_it_is_not_tried_again(
        self, world: World
    ) -> None:
        _, (lead,) = await world.phone_with()
        call = await world.calling()
        known = await world.known(lead)

        cancels = ((call.draft.parcel.intent, "test"),)
        await world.commit(world.change(known, cancels=cancels))
        await world.settle(call, Outcome.RELEASED)
        await world.advance_engine(timedelta(days=1))

        assert (await world.known(lead)).waiting == ()
        assert await world.offered() == []

    async def test_what_is_postponed_waits(self, world: World) -> None:
        _, (lead,) = await world.phone_with()
        known = await world.known(lead)
        (waiting,) = known.waiting

        later = Postponed(waiting.id, known.now + HOUR, "out of office")
        await world.commit(world.change(known, postpones=(later,)))
        before = await world.offered()
        await world.advance_engine(HOUR)

        assert before == []
        assert await world.offered() == [lead]

    async def test_a_reply_goes_by_the_leads_phone(self, world: World) -> None:
        phone, (lead,) = await world.phone_with()
        await world.phones(2)
        await world.send()
        known = await world.known(lead)
        moved = _replied(known)
        assert known.enrolment is not None
        run = (known.enrolment.id, EnrolmentStatus.STOPPED, "replied")

        reply = _reply(world, known)
        await world.commit(world.change(known, moved, enrolment=run, plans=(reply,)))
        await world.advance_engine(GAP)
        claim = await world.claim()

        assert claim.lane == phone.id
        assert [case.intent.id for case in claim.cases] == [reply.id]
        assert claim.cases[0].intent.text == reply.text
        assert (await world.arm(claim)).armed

    async def test_a_permitted_reply_goes_through_a_closed_window(
        self, world: World
    ) -> None:
        _, (lead,) = await world.phone_with()
        await world.send()
        await world.advance_engine(timedelta(hours=12))
        known = await world.known(lead)
        moved = _replied(known)
        bound = _reply(world, known)
        free = evolve(_reply(world, known), permission="ana")

        await world.commit(world.change(known, moved, plans=(bound, free)))
        claim = await world.claim()
        shut = next(case for case in claim.cases if case.intent.id == bound.id)
        await world.put_off(claim, shut, claim.now)
        claim = await world.claim()

        offered = {case.intent.id for case in claim.cases}
        assert free.id in offered
        assert bound.id not in offered

    async def test_the_lead_of_a_run(self, world: World) -> None:
        _, (lead,) = await world.phone_with()
        known = await world.known(lead)
        assert known.enrolment is not None

        found = await world.journeys.enrolled(world.tenant, known.enrolment.id)
        foreign = await world.journeys.enrolled(world.stranger, known.enrolment.id)

        assert found is not None
        assert found.journey == known.journey
        assert found.enrolment == known.enrolment
        assert foreign is None

    async def test_another_tenants_journey_is_never_seen(self, world: World) -> None:
        """The journey of another tenant is never seen."""
        (ours,) = await world.new_leads()
        (theirs,) = await world.new_leads(tenant=world.stranger)
        (foreign,) = await world.journeys.load(world.stranger, [theirs])

        seen = await world.journeys.load(world.tenant, [theirs, ours])
        intruder = world.change(foreign, _replied(foreign), tenant=world.tenant)
        done = await world.commit(intruder)
        (after,) = await world.journeys.load(world.stranger, [theirs])

        assert [known.journey.lead for known in seen] == [ours]
        assert done is Done.CONFLICT
        assert after.journey == foreign.journey

    async def test_the_order_asked_for(self, world: World) -> None:
        first, second = await world.new_leads(2)

        both = await world.journeys.load(world.tenant, [second, first])

        assert [known.journey.lead for known in both] == [second, first]

    async def test_a_person_who_takes_over_stops_the_machine(
        self, world: World
    ) -> None:
        _, (lead,) = await world.phone_with()
        command = Command.TAKE_OVER

        await world.changed(
            lead,
            lambda known: commanded(
                known.journey, command, known.now, by="ana", why=""
            ),
        )
        claim = await world.claim()

        assert claim.cases[0].journey.human_controlled
