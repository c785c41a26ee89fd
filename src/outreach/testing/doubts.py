"""What every `Intents` owes its callers for outcomes that nobody knows.

Subclass `DoubtsContract` in a test module, with a fixture ``world`` that gives a fresh
`World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from attrs import evolve

from outreach.domain.change import DutyKind
from outreach.domain.channel import State
from outreach.domain.journey import Fact, happened
from outreach.domain.message import Outcome
from outreach.domain.review import Priority, ReviewReason
from outreach.domain.sender import SenderState
from outreach.ports.intents import Doubt, Resolution
from outreach.testing import invented
from outreach.testing.arming import spent
from outreach.testing.world import GAP, HOUR, A, B, Call, World

__all__ = ["DoubtsContract"]

SOON: Final = timedelta(seconds=5)
MANY: Final = 4


async def _due(world: World) -> Doubt:
    """The one doubt, when its first look is due."""
    await world.advance_engine(world.timing.first_look + SOON)
    (doubt,) = await world.intents.doubtful(A, 10)
    return doubt


class DoubtsContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_a_lost_call_becomes_unknown(self, world: World) -> None:
        """A call without an outcome becomes UNKNOWN after its deadline, whatever the
        state of its sender, and the lane goes on.
        """
        phone, leads = await world.phone_with(2)
        call = await world.calling()
        lead = call.draft.lead
        other = next(one for one in leads if one != lead)
        banned = evolve(phone, state=SenderState.BANNED)
        await world.senders.change(phone, banned, by="provider")
        timing = world.timing

        early = await world.intents.give_up(10)
        await world.advance_machine(timing.doubtful + timing.doubtful / 10)
        lost = await world.intents.give_up(10)
        again = await world.intents.give_up(10)
        known = await world.known(lead)
        await world.senders.change(banned, phone, by="ana")
        await world.advance_engine(timing.rest + SOON)

        assert (early, again) == ([], [])
        (left,) = lost
        assert left.attempt == call.draft.parcel.attempt
        assert (left.outcome, left.spent) == (Outcome.UNKNOWN, True)
        assert known.journey.state is State.CONTACTED_WA
        assert [intent.step_number for intent in known.waiting] == [2]
        assert await world.offered() == [other]

    async def test_no_more_than_asked_for_is_given_up(self, world: World) -> None:
        for phone in await world.phones(3):
            await world.line(phone)
        for claim in await world.claims():
            await world.arm(claim)
        timing = world.timing
        await world.advance_machine(timing.doubtful + timing.doubtful / 10)

        first = await world.intents.give_up(2)
        rest = await world.intents.give_up(2)

        assert [len(first), len(rest)] == [2, 1]

    async def test_one_looks_and_only_when_it_is_due(self, world: World) -> None:
        """A doubt is looked at by one worker at a time, and only when it is due."""
        await world.phone_with()
        call = await world.doubt()

        early = await world.intents.doubtful(A, 10)
        await world.advance_engine(world.timing.first_look + SOON)
        answers = await asyncio.gather(
            *(world.intents.doubtful(who, 10) for who in (A, B) * MANY)
        )
        leased = await world.intents.doubtful(B, 10)
        await world.advance_machine(world.timing.lease + world.timing.lease / 10)
        (again,) = await world.intents.doubtful(B, 10)

        doubts = [doubt for answer in answers for doubt in answer]
        assert (early, leased) == ([], [])
        assert len(doubts) == 1
        assert doubts[0].parcel.attempt == again.parcel.attempt
        assert again.parcel.attempt == call.draft.parcel.attempt
        assert (again.looks, again.overdue) == (0, False)
        assert again.lead == call.draft.lead
        assert again.parcel.text == call.draft.parcel.text
        assert again.parcel.hash == call.draft.parcel.hash

    async def test_a_look_that_tells_nothing_is_repeated(self, world: World) -> None:
        await world.phone_with()
        await world.doubt()
        doubt = await _due(world)
        at = doubt.now + HOUR

        unsure = Resolution(doubt, Outcome.UNKNOWN, again_at=at)
        (left,) = await world.intents.resolve([unsure])
        before = await world.intents.doubtful(B, 10)
        await world.advance_engine(world.timing.give_up + HOUR)
        (again,) = await world.intents.doubtful(B, 10)

        assert left.outcome is Outcome.UNKNOWN
        assert before == []
        assert again.looks == 1
        assert again.overdue

    async def test_no_look_is_later_than_the_deadline(self, world: World) -> None:
        """Every doubt is looked at when its deadline passes, however far a look puts
        the next one off.
        """
        await world.phone_with()
        await world.doubt()
        doubt = await _due(world)
        late = doubt.now + world.timing.give_up * 2

        await world.intents.resolve([Resolution(doubt, Outcome.UNKNOWN, again_at=late)])
        await world.advance_engine(world.timing.give_up - world.timing.first_look)
        (last,) = await world.intents.doubtful(B, 10)
        (left,) = await world.intents.resolve([Resolution(last, Outcome.ABANDONED)])

        assert last.overdue
        assert left.outcome is Outcome.ABANDONED

    async def test_what_was_found_is_accepted(self, world: World) -> None:
        _, (lead,) = await world.phone_with()
        call = await world.doubt()
        doubt = await _due(world)
        before = await world.known(lead)

        found = Resolution(doubt, Outcome.ACCEPTED, ref="m-1", thread="chat-1")
        (left,) = await world.intents.resolve([found])
        (again,) = await world.intents.resolve([evolve(found, ref="m-2")])
        after = await world.known(lead)

        assert left == again
        assert (left.outcome, left.spent) == (Outcome.ACCEPTED, True)
        assert before.waiting == after.waiting
        assert before.journey.state is after.journey.state
        assert await spent(world, call)
        assert await world.intents.doubtful(A, 10) == []

    async def test_proven_not_sent(self, world: World) -> None:
        """What was proven not sent is armed once more, and its move undone."""
        _, (lead,) = await world.phone_with()
        first = await world.doubt()
        doubt = await _due(world)

        absent = Resolution(doubt, Outcome.NOT_SENT)
        (left,) = await world.intents.resolve([absent])
        known = await world.known(lead)
        await world.advance_engine(GAP)
        second = await world.send()
        after = await world.known(lead)

        assert (left.outcome, left.spent) == (Outcome.NOT_SENT, False)
        assert known.journey.state is State.COLD
        assert [intent.step_number for intent in known.waiting] == [1]
        assert not known.contacted
        assert second.draft.parcel.intent == first.draft.parcel.intent
        assert second.draft.unit is not None
        assert await spent(world, second)
        assert after.journey.state is State.CONTACTED_WA
        assert [intent.step_number for intent in after.waiting] == [2]

    async def test_a_move_is_not_undone_over_a_later_one(self, world: World) -> None:
        _, (lead,) = await world.phone_with()
        await world.doubt()
        doubt = await _due(world)
        fact = Fact.REPLIED
        await world.changed(
            lead, lambda known: happened(known.journey, fact, known.now, by="reply")
        )

        await world.intents.resolve([Resolution(doubt, Outcome.NOT_SENT)])
        known = await world.known(lead)

        assert known.journey.state is State.WARM_REPLY

    async def test_a_move_is_not_undone_once_the_next_step_was_tried(
        self, world: World
    ) -> None:
        for outcome in (Outcome.ACCEPTED, Outcome.RELEASED):
            _, (lead,) = await world.phone_with()
            first = await world.doubt()
            known = await world.known(lead)
            (following,) = known.waiting
            await world.advance_engine(following.due_at - known.now + SOON)
            second = await world.call_for(following.id)
            await world.settle(second, outcome, retry_in=99 * HOUR)

            left = await world.settle(first, Outcome.RELEASED)

            after = await world.known(lead)
            assert left.outcome is Outcome.RELEASED
            assert second.armed
            assert after.journey.state is State.CONTACTED_WA
            assert after.enrolment is not None
            assert after.enrolment.current_step == int(outcome is Outcome.ACCEPTED) + 1

    async def test_no_silence_after_what_was_not_sent(self, world: World) -> None:
        (phone,) = await world.phones()
        await world.line(phone, steps=1)
        await world.doubt()
        doubt = await _due(world)

        await world.intents.resolve([Resolution(doubt, Outcome.NOT_SENT)])
        await world.advance_engine(timedelta(days=30))
        duties = await world.duties.take(A, 10)

        assert DutyKind.SEQUENCE_END not in {duty.kind for duty in duties}

    async def test_what_is_abandoned_counts_as_sent(self, world: World) -> None:
        phone, _ = await world.phone_with()
        call = await world.doubt()
        doubt = await _due(world)
        item = invented.item(world.tenant, doubt.lead, doubt.now, Priority.URGENT)
        uncertain = evolve(item, reason=ReviewReason.SEND_UNCERTAIN)

        end = Resolution(doubt, Outcome.ABANDONED, review=uncertain)
        (left,) = await world.intents.resolve([end])
        late = await world.settle(call, Outcome.RELEASED)
        known = await world.known(doubt.lead)

        assert left == late
        assert (left.outcome, left.spent) == (Outcome.ABANDONED, True)
        assert known.review is not None
        assert known.review.reason is ReviewReason.SEND_UNCERTAIN
        assert known.sender == phone
        assert await world.intents.doubtful(B, 10) == []

    async def test_an_outcome_ends_the_doubt(self, world: World) -> None:
        await world.phone_with()
        call: Call = await world.doubt()

        left = await world.settle(call, Outcome.ACCEPTED)
        await world.advance_engine(world.timing.first_look + SOON)

        assert left.outcome is Outcome.ACCEPTED
        assert await world.intents.doubtful(A, 10) == []
