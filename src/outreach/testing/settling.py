"""What every `Intents` owes its callers from T2 on.

Subclass `SettlingContract` in a test module, with a fixture ``world`` that gives a
fresh `World`; `outreach.testing.doubts` has what comes after an outcome that nobody
knows. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from attrs import evolve

from outreach.domain.change import DutyKind
from outreach.domain.channel import Channel, State
from outreach.domain.ids import LeadId
from outreach.domain.journey import DeadCause
from outreach.domain.message import Left, Outcome
from outreach.domain.review import ReviewReason
from outreach.domain.sender import SendClass
from outreach.domain.sequence import EnrolmentStatus
from outreach.testing import invented
from outreach.testing.arming import opted_out, slot_of, spent
from outreach.testing.world import GAP, HOUR, A, B, Call, World

__all__ = ["SettlingContract"]

SOON: Final = timedelta(seconds=5)
TWO_DAYS: Final = timedelta(days=2)


async def _stopped(world: World, lead: LeadId, status: EnrolmentStatus) -> None:
    known = await world.known(lead)
    assert known.enrolment is not None
    run = known.enrolment.id
    await world.commit(world.change(known, enrolment=(run, status, "test")))


async def _with_review(world: World, call: Call, outcome: Outcome) -> Left:
    """T2 of a message that a person must look at."""
    lead = call.draft.lead
    item = invented.item(world.tenant, lead, await world.now())
    failed = evolve(item, reason=ReviewReason.SEND_FAILED)
    return await world.settle(call, outcome, review=failed)


class SettlingContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_what_settling_does(self, world: World) -> None:
        """Settling frees the lane, takes the gap from its own end, plans the next
        step and moves the journey.
        """
        phone, leads = await world.phone_with(2)
        call = await world.calling()
        lead = call.draft.lead
        other = next(one for one in leads if one != lead)
        await world.advance_engine(HOUR)

        left = await world.settle(call, Outcome.ACCEPTED, gap=GAP)
        now = await world.now()
        await world.advance_engine(GAP - SOON)
        in_the_gap = await world.offered()
        await world.advance_engine(SOON)
        after_it = await world.offered()
        known = await world.known(lead)

        assert left.outcome is Outcome.ACCEPTED
        assert (left.spent, left.slot) == (True, slot_of(call))
        assert (in_the_gap, after_it) == ([], [other])
        assert known.journey.state is State.CONTACTED_WA
        assert known.journey.last_channel is Channel.WHATSAPP
        assert known.journey.first_contact_at is not None
        assert known.contacted
        assert known.sender == phone
        (following,) = known.waiting
        assert (following.step_number, following.send_class) == (2, SendClass.FOLLOWUP)
        assert now - SOON < following.due_at - TWO_DAYS <= now
        assert known.enrolment is not None
        assert known.enrolment.current_step == 1

    async def test_the_next_step_goes_by_the_same_phone(self, world: World) -> None:
        phone, _ = await world.phone_with()
        await world.phones(2)
        first = await world.send(thread="chat-1")

        await world.advance_engine(TWO_DAYS)
        claim = await world.claim()
        (case,) = claim.cases

        assert claim.lane == phone.id
        assert case.contacted
        assert not case.is_new
        assert case.thread == "chat-1"
        assert case.intent.id != first.draft.parcel.intent
        assert world.draft(claim, case)[0].unit is None

    async def test_settling_twice_is_settling_once(self, world: World) -> None:
        """Settling twice is settling once."""
        _, (lead,) = await world.phone_with()
        call = await world.calling()

        first = await world.settle(call, Outcome.ACCEPTED)
        once = await world.known(lead)
        await world.advance_engine(GAP)
        again = await world.settle(call, Outcome.ACCEPTED)
        other = await world.settle(call, Outcome.RELEASED)
        twice = await world.known(lead)

        assert first == again == other
        assert once.journey == twice.journey
        assert once.waiting == twice.waiting

    async def test_what_was_not_sent_gives_its_unit_back(self, world: World) -> None:
        """A refused or released attempt gives its unit back and may be armed again."""
        _, (lead,) = await world.phone_with(daily_limit=1)

        first = await world.calling()
        released = await world.settle(first, Outcome.RELEASED, retry_in=HOUR)
        held_once = await spent(world, first)
        await world.advance_engine(HOUR - SOON)
        early = await world.offered()
        await world.advance_engine(SOON)
        second = await world.calling()
        to_mail = Channel.EMAIL_COLD
        refused = await world.settle(second, Outcome.REFUSED, fall_back_to=to_mail)
        held_twice = await spent(world, second)
        known = await world.known(lead)

        assert (released.outcome, released.spent) == (Outcome.RELEASED, False)
        assert (refused.outcome, refused.spent) == (Outcome.REFUSED, False)
        assert (held_once, held_twice) == (False, False)
        assert early == []
        assert second.draft.parcel.intent == first.draft.parcel.intent
        assert second.draft.parcel.attempt != first.draft.parcel.attempt
        assert known.journey.state is State.COLD
        (waiting,) = known.waiting
        assert waiting.id == first.draft.parcel.intent
        assert waiting.channel is Channel.EMAIL_COLD
        assert waiting.attempts == len([first, second])

    async def test_a_refusal_for_good_ends_the_run(self, world: World) -> None:
        _, (lead,) = await world.phone_with()
        call = await world.calling()

        left = await world.settle(call, Outcome.REFUSED)
        known = await world.known(lead)

        assert not left.spent
        assert known.journey.state is State.DEAD
        assert known.journey.dead_cause is DeadCause.UNREACHABLE
        assert known.waiting == ()
        assert known.enrolment is None

    async def test_a_unit_that_is_kept_stays_spent(self, world: World) -> None:
        await world.phone_with()
        call = await world.calling()

        left = await world.settle(call, Outcome.REFUSED, keep_unit=True)

        assert left.spent
        assert await spent(world, call)

    async def test_a_provider_that_is_busy_uses_no_attempt(self, world: World) -> None:
        await world.phone_with()
        first = await world.calling()

        await world.settle(first, Outcome.RELEASED, lane_refused=True, rest=HOUR)
        await world.advance_engine(HOUR - SOON)
        resting = await world.offered()
        await world.advance_engine(SOON * 2)
        claim = await world.claim()
        (case,) = claim.cases
        second = await world.arm(claim)
        await world.settle(second, Outcome.ACCEPTED)
        await world.advance_engine(TWO_DAYS)
        recovered = await world.claim()

        assert resting == []
        assert claim.backoffs == 1
        assert case.intent.attempts == 0
        assert second.armed
        assert recovered.backoffs == 0

    async def test_a_rest_is_machine_time_and_the_longer_wins(
        self, world: World
    ) -> None:
        _, (lead,) = await world.phone_with()
        call = await world.calling()

        refused = {"lane_refused": True, "gap": HOUR, "rest": GAP}
        await world.settle(call, Outcome.RELEASED, **refused)
        await world.advance_engine(GAP + SOON)
        in_the_gap = await world.offered()
        await world.advance_engine(HOUR)

        assert in_the_gap == []
        assert await world.offered() == [lead]

    async def test_a_unit_that_comes_back_opens_the_class_again(
        self, world: World
    ) -> None:
        _, leads = await world.phone_with(2, daily_limit=1)
        first = await world.calling()
        await world.settle(first, Outcome.UNKNOWN)
        await world.advance_engine(GAP)
        claim = await world.claim()
        made = await world.put_off(claim, claim.cases[0], claim.now)

        full = await world.offered()
        await world.settle(first, Outcome.RELEASED)
        await world.advance_engine(GAP)
        open_again = await world.offered()

        assert str(made.binding) == "QUOTA_EXCEEDED"
        assert full == []
        assert len(open_again) == 1
        assert set(open_again) <= set(leads)

    async def test_an_unknown_one_keeps_its_unit(self, world: World) -> None:
        """An unknown one keeps its unit."""
        _, (lead,) = await world.phone_with()

        call = await world.doubt()
        known = await world.known(lead)

        assert await spent(world, call)
        assert known.journey.state is State.CONTACTED_WA
        assert [intent.step_number for intent in known.waiting] == [2]

    async def test_a_late_outcome_touches_no_newer_claim(self, world: World) -> None:
        """A late outcome lands, but touches no newer claim."""
        await world.phone_with(2)
        lost = await world.calling()
        timing = world.timing
        await world.advance_machine(timing.doubtful + timing.doubtful / 10)
        await world.intents.give_up(10)
        await world.advance_engine(max(timing.rest, GAP))
        newer = await world.claim(B)

        landed = await world.settle(lost, Outcome.ACCEPTED, gap=HOUR)
        stolen = await world.claims(A)
        call = await world.arm(newer)
        left = await world.settle(call, Outcome.ACCEPTED, gap=GAP)
        await world.line(newer.cases[0].sender or (await world.phones())[0])
        await world.advance_engine(GAP + SOON)

        assert landed.outcome is left.outcome is Outcome.ACCEPTED
        assert stolen == []
        assert call.armed
        assert len(await world.offered()) == 1

    async def test_a_late_outcome_leaves_the_rest_of_its_lane_as_it_is(
        self, world: World
    ) -> None:
        _, leads = await world.phone_with(2)
        call = await world.doubt()
        other = next(one for one in leads if one != call.draft.lead)

        refused = {"lane_refused": True, "gap": HOUR, "rest": HOUR}
        left = await world.settle(call, Outcome.RELEASED, **refused, retry_in=HOUR)
        await world.advance_engine(GAP + SOON)
        claim = await world.claim()

        assert left.outcome is Outcome.RELEASED
        assert [case.intent.lead for case in claim.cases] == [other]
        assert claim.backoffs == 0

    async def test_only_while_the_run_is_active(self, world: World) -> None:
        """A step that follows is planned only if the enrolment is still active."""
        for phone in await world.phones(2):
            await world.line(phone)
        claims = await world.claims()
        stopped, paused = [await world.arm(claim) for claim in claims]
        await _stopped(world, stopped.draft.lead, EnrolmentStatus.STOPPED)
        await _stopped(world, paused.draft.lead, EnrolmentStatus.PAUSED)

        for call in (stopped, paused):
            await world.settle(call, Outcome.ACCEPTED)

        for call in (stopped, paused):
            known = await world.known(call.draft.lead)
            assert known.journey.state is State.CONTACTED_WA
            assert known.waiting == ()

    async def test_after_the_last_step_silence_ends_the_run(self, world: World) -> None:
        (phone,) = await world.phones()
        (lead,) = await world.line(phone, steps=1)
        await world.quiet()
        call = await world.send()
        silence = call.ended(Outcome.ACCEPTED).aftermath.ends_in
        known = await world.known(lead)
        assert silence is not None

        early = await world.duties.take(A, 10)
        await world.advance_engine(silence + SOON)
        due = await world.duties.take(A, 10)

        assert known.enrolment is not None
        assert known.waiting == ()
        assert early == []
        ends = [duty for duty in due if duty.kind is DutyKind.SEQUENCE_END]
        assert [duty.key for duty in ends] == [str(known.enrolment.id)]

    async def test_what_a_person_must_look_at_waits_with_its_run(
        self, world: World
    ) -> None:
        _, (lead,) = await world.phone_with()
        call = await world.calling()

        left = await _with_review(world, call, Outcome.RELEASED)
        await world.advance_engine(timedelta(days=1))
        while_open = await world.offered()
        known = await world.known(lead)

        assert not left.spent
        assert while_open == []
        assert known.enrolment is not None
        assert known.enrolment.status is EnrolmentStatus.PAUSED
        assert known.review is not None
        assert known.review.reason is ReviewReason.SEND_FAILED

    async def test_what_a_person_looked_at_goes_on_with_its_run(
        self, world: World
    ) -> None:
        _, (lead,) = await world.phone_with()
        await _with_review(world, await world.calling(), Outcome.RELEASED)

        await _stopped(world, lead, EnrolmentStatus.ACTIVE)
        await world.advance_engine(HOUR)

        assert await world.offered() == [lead]

    async def test_an_opt_out_while_it_calls_lets_the_call_end(
        self, world: World
    ) -> None:
        _, (lead,) = await world.phone_with()
        call = await world.calling()

        await world.changed(lead, opted_out)
        left = await world.settle(call, Outcome.ACCEPTED)
        known = await world.known(lead)

        assert left.outcome is Outcome.ACCEPTED
        assert known.journey.opted_out
        assert known.journey.state is State.DEAD
        assert known.waiting == ()

    async def test_the_units_are_the_intents_that_hold_one(self, world: World) -> None:
        await world.phone_with(3)
        calls = []
        for outcome in (Outcome.ACCEPTED, Outcome.RELEASED, Outcome.UNKNOWN):
            call = await world.calling()
            await world.settle(call, outcome, **_later(outcome))
            calls.append(call)
            await world.advance_engine(GAP)
        slot = slot_of(calls[0])
        tomorrow = evolve(slot, day=slot.day + timedelta(days=1))

        today, next_day = await world.intents.units([slot, tomorrow])

        assert (today.slot, next_day.slot) == (slot, tomorrow)
        held = {calls[0].draft.parcel.intent, calls[2].draft.parcel.intent}
        assert set(today.ids) == held
        assert (next_day.ids, next_day.external) == ((), 0)
        assert timedelta(hours=13) < today.expires_in < timedelta(hours=14)
        assert today.epoch == next_day.epoch == calls[0].claim.epoch


def _later(outcome: Outcome) -> dict[str, timedelta]:
    """What was released comes after the others."""
    return {"retry_in": HOUR} if outcome is Outcome.RELEASED else {}
