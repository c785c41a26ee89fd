"""What every `Intents` owes its callers when what counted as sent is taken back.

Subclass `UndoingContract` in a test module, with a fixture ``world`` that gives a fresh
`World`. An outcome that nobody knew counts as sent until it is proven that it was not;
meanwhile its lead, its run and its later steps have gone their own ways.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
from attrs import evolve

from outreach.domain.change import DutyKind
from outreach.domain.channel import Channel, State
from outreach.domain.ids import LeadId
from outreach.domain.message import Outcome
from outreach.domain.review import ReviewReason
from outreach.domain.sequence import EnrolmentStatus
from outreach.ports.intents import Resolution
from outreach.testing import invented
from outreach.testing.arming import opted_out
from outreach.testing.world import GAP, A, Call, World

__all__ = ["UndoingContract"]

SOON: Final = timedelta(seconds=5)
LAST: Final = 2
NOT_SENT: Final = pytest.mark.parametrize("told", ["by a look", "by its late end"])


async def _run_is(world: World, lead: LeadId, status: EnrolmentStatus) -> None:
    known = await world.known(lead)
    assert known.enrolment is not None
    ends = (known.enrolment.id, status, "test")
    await world.commit(world.change(known, enrolment=ends))


async def _not_sent(world: World, call: Call, told: str = "by its late end") -> None:
    """It is proven, in one of two ways, that a doubt was not sent."""
    if told == "by its late end":
        await world.settle(call, Outcome.RELEASED)
        return
    await world.advance_engine(world.timing.first_look + SOON)
    (doubt,) = await world.intents.doubtful(A, 10)
    await world.intents.resolve([Resolution(doubt, Outcome.NOT_SENT)])


async def _left_behind(world: World) -> Call:
    """A doubt whose run has gone on: its next step was sent."""
    _, (lead,) = await world.phone_with()
    first = await world.doubt()
    known = await world.known(lead)
    (following,) = known.waiting
    await world.advance_engine(following.due_at - known.now + SOON)
    second = await world.call_for(following.id)
    await world.settle(second, Outcome.ACCEPTED)
    return first


class UndoingContract:
    """What a caller relies on; each case is one that two stores might tell apart."""

    @NOT_SENT
    async def test_who_opted_out_meanwhile_is_not_written_to(
        self, world: World, told: str
    ) -> None:
        _, (lead,) = await world.phone_with()
        call = await world.doubt()
        await world.changed(lead, opted_out)

        await _not_sent(world, call, told)
        known = await world.known(lead)
        await world.advance_engine(GAP)

        assert known.waiting == ()
        assert known.journey.state is State.DEAD
        assert known.journey.opted_out
        assert await world.offered() == []

    @NOT_SENT
    async def test_a_run_that_stopped_meanwhile_sends_nothing_again(
        self, world: World, told: str
    ) -> None:
        _, (lead,) = await world.phone_with()
        call = await world.doubt()
        await _run_is(world, lead, EnrolmentStatus.STOPPED)

        await _not_sent(world, call, told)
        known = await world.known(lead)
        await world.advance_engine(GAP)

        assert known.waiting == ()
        assert known.journey.state is State.COLD
        assert await world.offered() == []

    async def test_a_stopped_run_keeps_what_was_sent_after_all(
        self, world: World
    ) -> None:
        _, (lead,) = await world.phone_with()
        call = await world.doubt()
        await _run_is(world, lead, EnrolmentStatus.STOPPED)

        left = await world.settle(call, Outcome.ACCEPTED)
        known = await world.known(lead)

        assert left.outcome is Outcome.ACCEPTED
        assert known.contacted
        assert known.journey.state is State.CONTACTED_WA

    @NOT_SENT
    async def test_who_was_never_written_to_has_no_contact(
        self, world: World, told: str
    ) -> None:
        _, (lead,) = await world.phone_with()
        call = await world.doubt()
        before = (await world.known(lead)).journey

        await _not_sent(world, call, told)
        after = (await world.known(lead)).journey

        assert before.first_contact_at == before.last_contact_at is not None
        assert (after.first_contact_at, after.last_contact_at) == (None, None)
        assert after.last_channel is None
        assert after.state is State.COLD
        assert after.state_before is before.state
        assert after.reason == "proven not sent"

    async def test_an_earlier_contact_stays_the_last(self, world: World) -> None:
        _, (lead,) = await world.phone_with()
        await world.send()
        known = await world.known(lead)
        (following,) = known.waiting
        await world.advance_engine(following.due_at - known.now + SOON)
        second = await world.call_for(following.id)
        await world.settle(second, Outcome.UNKNOWN)
        later = (await world.known(lead)).journey

        await _not_sent(world, second)
        after = (await world.known(lead)).journey

        was = known.journey
        assert later.last_contact_at != was.last_contact_at
        assert (after.first_contact_at, after.last_contact_at, after.last_channel) == (
            *(was.first_contact_at, was.last_contact_at, was.last_channel),
        )
        assert after.state is State.CONTACTED_WA

    async def test_a_move_stays_that_a_later_message_would_have_made(
        self, world: World
    ) -> None:
        phone, (lead,) = await world.phone_with()
        first = await world.doubt()
        await world.advance_engine(GAP)
        apart = await world.mail(
            phone,
            lead,
            enrolment=None,
            step=None,
            step_number=0,
            channel=Channel.WHATSAPP,
        )
        await world.settle(await world.call_for(apart), Outcome.ACCEPTED)
        before = (await world.known(lead)).journey

        await _not_sent(world, first)
        after = (await world.known(lead)).journey

        assert after.state is before.state is State.CONTACTED_WA
        assert after.last_contact_at == before.last_contact_at

    async def test_a_step_that_a_pause_kept_from_following_is_a_later_one_too(
        self, world: World
    ) -> None:
        (phone,) = await world.phones()
        (lead,) = await world.line(phone, mail=True)
        first = await world.calling()
        await _run_is(world, lead, EnrolmentStatus.PAUSED)
        await world.settle(first, Outcome.UNKNOWN)
        await _run_is(world, lead, EnrolmentStatus.ACTIVE)
        await world.advance_engine(GAP)
        last = await world.call_for(await world.mail(phone, lead))
        await world.settle(last, Outcome.ACCEPTED)
        before = await world.known(lead)

        await _not_sent(world, first)
        after = await world.known(lead)
        await world.advance_engine(timedelta(days=90))
        due = await world.duties.take(A, 100)

        assert before.enrolment is not None
        assert after.enrolment == before.enrolment
        assert after.enrolment.current_step == LAST
        assert after.waiting == ()
        assert after.journey.state is before.journey.state
        assert DutyKind.SEQUENCE_END in {duty.kind for duty in due}

    async def test_a_late_refusal_tells_of_the_number_though_its_run_went_on(
        self, world: World
    ) -> None:
        first = await _left_behind(world)
        lead = first.draft.lead
        before = await world.known(lead)

        left = await world.settle(first, Outcome.REFUSED, nobody_there=True)
        after = await world.known(lead)

        assert (left.outcome, left.spent) == (Outcome.REFUSED, False)
        assert before.fields["phone_status"] == ""
        assert after.fields["phone_status"] == "invalid"
        assert after.journey.state is State.CONTACTED_WA
        assert after.enrolment is not None
        assert after.enrolment.current_step == LAST

    async def test_a_late_refusal_for_a_person_pauses_the_run_that_went_on(
        self, world: World
    ) -> None:
        first = await _left_behind(world)
        lead = first.draft.lead
        item = invented.item(world.tenant, lead, await world.now())
        failed = evolve(item, reason=ReviewReason.SEND_FAILED)

        await world.settle(first, Outcome.REFUSED, review=failed)
        known = await world.known(lead)

        assert known.review is not None
        assert known.review.reason is ReviewReason.SEND_FAILED
        assert known.enrolment is not None
        assert known.enrolment.status is EnrolmentStatus.PAUSED
        assert known.enrolment.current_step == LAST
